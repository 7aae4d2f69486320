"""What a device does for a host that measures it."""
