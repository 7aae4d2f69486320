"""How a machine is doing."""

from __future__ import annotations

from edgekit.runtime.agent.sensors import read_state
from edgekit.runtime.agent.system import System


class Made(System):
    """A machine of files below a folder, with another architecture than this one's."""

    def __init__(self, root, architecture, commands=None):
        super().__init__(str(root))
        self._architecture, self._commands = architecture, commands or {}

    @property
    def architecture(self):
        return self._architecture

    def command(self, *words):
        return self._commands.get(" ".join(words))


def test_what_only_once_was_is_not_throttling_now(raspberry, write):
    write({"sys/devices/platform/soc/soc:firmware/get_throttled": "50000\n"})
    assert read_state(Made(raspberry, "aarch64")).throttling == ()
