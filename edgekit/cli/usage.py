"""Mistakes of the command line itself, said as every other mistake of the user's: one line, what to do, exit code 2."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

import typer

from edgekit.errors import EdgekitError, likeliest

# Typer brings its own Click or takes the installed one: the classes that both have are reached by what is public.
_UsageError: Any = typer.BadParameter.__base__
_ClickException: Any = _UsageError.__base__


def run(app: typer.Typer) -> None:
    """Run a command line, and exit with its code.

    Raises:
        EdgekitError: an option, an argument or a command is not as the command line takes it.
    """
    _refuse_empty(sys.argv[1:])
    try:
        code = app(prog_name="edgekit", standalone_mode=False)
    except typer.Abort:
        sys.exit(1)
    except _ClickException as mistake:
        if type(mistake).__name__ == "NoArgsIsHelpError":
            mistake.show()
            sys.exit(mistake.exit_code)
        raise EdgekitError(_worded(mistake)) from mistake
    sys.exit(code if isinstance(code, int) else 0)


def _refuse_empty(words: Sequence[str]) -> None:
    """Hold that no word is empty: as a path it would be the folder that one is in, and no option means anything by it.

    Raises:
        EdgekitError: one is, as a variable of the shell that is not set leaves it.
    """
    for before, word in zip(["edgekit", *words], words, strict=False):
        option, equals, value = word.partition("=")
        if not word or (option.startswith("--") and equals and not value):
            where = f"{option}=" if word else f"'' behind {before}"
            raise EdgekitError(
                f"no word of a command may be empty, got {where}; is a variable of the shell not set? The folder that "
                "one is in is written as ."
            )


def _worded(mistake: Any) -> str:
    """The rule, what came, and where to look it up."""
    context = getattr(mistake, "ctx", None)
    said = mistake.format_message().strip().rstrip(".")
    if context is None:
        return f"{said}; see `edgekit --help`"
    command, param = context.command_path, getattr(mistake, "param", None)
    unknown = re.match(r"No such command '([^']*)'", said)
    if hasattr(mistake, "possibilities"):
        near = likeliest(mistake.option_name, _options(context))
        said = f"{command} has no option {mistake.option_name}{near}"
    elif unknown:
        near = likeliest(unknown[1], context.command.list_commands(context))
        said = f"{command} has no command {unknown[1]!r}{near}"
    elif type(mistake).__name__ == "MissingParameter" and param is not None:
        meaning = (getattr(param, "help", None) or "").rstrip(".")
        said = f"{command} needs {_name(param)}{f': {meaning}' if meaning else ''}"
    elif param is not None:
        # Typer's versions keep choices in different places, and all of them print them.
        message = mistake.message.strip().rstrip(".").removeprefix("Value error, ")
        choice = re.match(r"'(.*?)' is not one of (.*)", message, re.DOTALL)
        near = likeliest(choice[1], re.findall(r"'([^']*)'", choice[2])) if choice else ""
        said = f"{_name(param)}: {message[:1].lower()}{message[1:]}{_given(mistake, message)}{near}"
    # Click's own words before what a command says itself.
    said = said.removeprefix("Invalid value: ")
    return f"{said}; see `{command} --help`"


def _options(context: Any) -> list[str]:
    shown = [one for one in context.command.params if not getattr(one, "hidden", False)]
    return ["--help", *(name for one in shown for name in (*one.opts, *one.secondary_opts) if name.startswith("--"))]


def _name(param: Any) -> str:
    """``--out``, or an argument as the help has it."""
    return str(param.opts[0]) if param.opts[0].startswith("-") else str(param.name).upper()


def _given(mistake: Any, message: str) -> str:
    """``, got 'many'``, where newer Typers leave what came to Pydantic's error and out of their own."""
    errors = getattr(mistake.__cause__ or mistake.__context__, "errors", None)
    came = errors()[0].get("input") if callable(errors) else None
    return f", got {came!r:.80}" if came is not None and repr(came) not in message else ""
