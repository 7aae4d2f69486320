"""A machine that has a shell but no Python: its files are printed there and read here."""

from __future__ import annotations

from fnmatch import fnmatchcase

from edgekit.runtime.agent.system import FILES, System

_FILE, _COMMAND = "edgekit-file ", "edgekit-command "
# The last line: without it the connection broke before.
ENDED = "edgekit-ended"
_PROPERTIES = (
    "ro.product.manufacturer",
    "ro.product.model",
    "ro.soc.manufacturer",
    "ro.soc.model",
    "ro.board.platform",
    "ro.build.version.release",
)
_COMMANDS = ("uname -m", "uname -s", "uname -r", "dumpsys battery", *(f"getprop {name}" for name in _PROPERTIES))


def dump_script() -> str:
    """A POSIX shell's script that prints everything."""
    files = " ".join(FILES)
    shown = "".join(f"echo '{_COMMAND}{words}'; {words} 2>/dev/null; echo; " for words in _COMMANDS)
    return (
        f'for f in {files}; do [ -r "$f" ] && {{ echo "{_FILE}$f"; cat "$f" 2>/dev/null; echo; }}; done; '
        f"{shown} echo {ENDED}"
    )


class Dump(System):
    """What the script printed, as a source of facts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._told: dict[str, list[str]] = {}
        lines: list[str] = []
        for line in text.splitlines():
            if line == ENDED:
                break
            if line.startswith((_FILE, _COMMAND)):
                lines = self._told.setdefault(line, [])
            else:
                lines.append(line)

    def _text(self, key: str) -> str | None:
        return "\n".join(self._told.get(key, [])).strip("\0 \t\r\n") or None

    def read(self, path: str) -> str | None:
        """Content of a file, where it was printed."""
        return self._text(_FILE + path)

    def find(self, pattern: str) -> list[str]:
        """The printed files that match, in the shell's order."""
        wanted = pattern.split("/")
        paths = [key.removeprefix(_FILE) for key in self._told if key.startswith(_FILE)]
        return [path for path in paths if _matches(path.split("/"), wanted)]

    def command(self, *words: str) -> str | None:
        """What a command printed."""
        return self._text(_COMMAND + " ".join(words))

    @property
    def architecture(self) -> str:
        """What ``uname -m`` printed."""
        return self.command("uname", "-m") or "unknown"

    @property
    def kernel(self) -> str:
        """What ``uname`` printed of its system."""
        return f"{self.command('uname', '-s') or 'unknown'} {self.command('uname', '-r') or ''}".strip()

    @property
    def is_here(self) -> bool:
        """False: the files describe another machine."""
        return False

    @property
    def is_android(self) -> bool:
        """Whether it has Android's properties."""
        return self.command("getprop", "ro.build.version.release") is not None


def _matches(parts: list[str], wanted: list[str]) -> bool:
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))
