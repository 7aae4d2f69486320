"""Programs that run on a device, sent as source: standard library only, readable by old Pythons."""
