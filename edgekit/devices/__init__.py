"""Where a model is measured: this machine, a Raspberry Pi behind ssh, a phone behind adb."""

from edgekit.devices.device import Device

__all__ = ["Device"]
