"""The ``edgekit`` command: ``python -m edgekit`` and the installed script."""

from __future__ import annotations

import sys
import warnings

from edgekit.errors import EdgekitError, explain_missing
from edgekit.terminal import end_as_interrupted, exit_code_of_stop, guarded_output, print_error, quick_exit


def main() -> None:
    """Run the command line and exit: 0 done, 1 a gate or check said no, 2 a user's mistake, 130 Ctrl-C, 143 SIGTERM."""
    # Pillow warns of damaged metadata, which photos are read without, and of sizes, which are checked here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with guarded_output():
            _run()
    except EdgekitError as mistake:
        print_error(str(mistake))
        sys.exit(2)
    except KeyboardInterrupt:
        # Between what has its own ways to end: reading the command line, say.
        sys.exit(exit_code_of_stop())


def _run() -> None:
    with explain_missing():
        with quick_exit():
            from edgekit.cli import app
            from edgekit.cli.usage import run
        end_as_interrupted()
        run(app)


if __name__ == "__main__":
    main()
