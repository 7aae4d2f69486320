"""How commands talk to people: progress, tables, JSON, Ctrl-C. Rich is loaded where it is used, which --help is not."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TextIO, TypeVar

import typer

from edgekit.metrics.wording import count, percent
from edgekit.progress import Progress, TimeLeft, about
from edgekit.records import to_json
from edgekit.terminal import EXIT_INTERRUPTED, exit_code_of_stop, guarded_output, printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from edgekit.contract import Unknown
    from edgekit.data.regions import WithoutRegion
    from edgekit.scoring.scores import CropUse

F = TypeVar("F", bound=Callable[..., Any])
Record = TypeVar("Record")

# A file or a pipe has no width; what is read later is read in a terminal of this one.
_PIPE_COLUMNS = 80
# Words in a column narrower than this would stand one below the other.
_WORDS_COLUMNS = 28

EXIT_CHECK_FAILED = 1

# Where no bar can be drawn, a log shows this often that work goes on; and the first estimate rests on so many seconds.
LINE_EVERY_S = 30.0
_MEASURED_S = 3.0
# Shorter tasks are over before anybody has read how long they take.
_WORTH_TELLING_S = 2.0


class ConsoleProgress(Progress):
    """Bars with time left on stderr; where that is no terminal, a line for each task and a line every ``LINE_EVERY_S``.

    Args:
        bars: Rich's bars, disabled where they can't be drawn.
        every_s: Seconds between lines.
    """

    def __init__(self, bars: Bars, *, every_s: float = LINE_EVERY_S) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._draws = bars.console.is_terminal
        self._every_s = every_s
        self._left: TimeLeft | None = None
        self._is_estimated = False
        # Lines also come while a step takes long, from a thread of their own.
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def begin(self, what: str, total: int) -> None:
        """Start a task; the last one is finished."""
        self._finish()
        if not self._draws:
            self._print(f"{what} …")
        with self._lock:
            self._left, self._is_estimated = TimeLeft(what, total), False
        self._task = self._bars.add_task(what, total=total, note="")

    def advance(self, steps: int = 1, *, note: str = "") -> None:
        """Move the bar."""
        if self._task is None or self._left is None:
            return
        self._bars.update(self._task, advance=steps, note=note)
        with self._lock:
            self._left.advance(steps)
            left = self._left.left_s
            first = not self._is_estimated and self._left.measured_s >= _MEASURED_S
            self._is_estimated |= first
        if first and not self._draws and left is not None and left > self._every_s:
            self._print(str(self._left))

    def expect(self, seconds: float) -> None:
        """Show how long the task will take, until its steps tell."""
        if self._task is None or self._left is None or seconds < _WORTH_TELLING_S:
            return
        with self._lock:
            self._left.expect(seconds)
            line = str(self._left)
        self._bars.update(self._task, note=about(seconds))
        if not self._draws:
            self._print(line)

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self._print(printable(line, lines=True))

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Lines at intervals for the body of the ``with``; nothing where bars are drawn."""
        teller = threading.Thread(target=self._tell, daemon=True)
        if not self._draws:
            teller.start()
        try:
            yield
        finally:
            self._stopped.set()
            if teller.ident is not None:
                teller.join()

    def _tell(self) -> None:
        while not self._stopped.wait(self._every_s):
            with self._lock:
                line = "" if self._left is None or self._left.done >= self._left.total else str(self._left)
            if line:
                self._print(line)

    def _print(self, line: str) -> None:
        # Whole, however long: a name that is broken in two can't be copied out of a log.
        self._bars.console.print(line, highlight=False, markup=False, soft_wrap=not self._draws)

    def _finish(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[self._bars.task_ids.index(self._task)]
            # Early stopping ends a loop before its last step.
            self._bars.update(self._task, total=max(task.completed, 1), completed=max(task.completed, 1))


@contextmanager
def progress(*, every_s: float = LINE_EVERY_S) -> Iterator[Progress]:
    """Progress bars for the body of the ``with``; where stderr is no terminal, a line every ``every_s`` seconds."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    # Rich takes over what the body prints, to keep it above the bars. What goes to a file or a pipe must get there.
    shared = sys.stdout.isatty()
    with ExitStack() as stack:
        console = Console(stderr=True)
        if not console.is_terminal:
            console = Console(file=stack.enter_context(_own_stderr()))
        bars = Bars(*columns, console=console, disable=not console.is_terminal, redirect_stdout=shared)
        told = ConsoleProgress(stack.enter_context(bars), every_s=every_s)
        stack.enter_context(told.telling())
        yield told


@contextmanager
def _own_stderr() -> Iterator[TextIO]:
    """Stderr for lines that come at any time: what is held back of native code meanwhile must not take them along."""
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        # Notebooks and test runners replace stderr by an object without a descriptor.
        yield sys.stderr
        return
    sys.stderr.flush()
    with open(descriptor, "w", encoding=sys.stderr.encoding, errors="backslashreplace") as own:
        yield own


def interruptible(function: F) -> F:
    """Let Ctrl-C and other signals that stop end a command with one line, a closed pipe in silence: no traceback."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            # Here already: Typer would take a closed pipe for exit code 1, which is a gate's.
            with guarded_output():
                return function(*args, **kwargs)
        except KeyboardInterrupt:
            note("stopped; run the same command again (with --resume where it has that) to go on")
            sys.exit(exit_code_of_stop())

    return wrapped  # type: ignore[return-value]


class Server(Protocol):
    """What answers on a port."""

    def serve(self) -> None:
        """Answer until the process is stopped."""

    def close(self) -> None:
        """Free the port."""


def until_stopped(server: Server) -> None:
    """Serve until Ctrl-C, which is how that is ended; another signal keeps its own exit code."""
    try:
        server.serve()
    except KeyboardInterrupt:
        if exit_code_of_stop() != EXIT_INTERRUPTED:
            raise
        note("no longer served")
    finally:
        server.close()


def add_commands(app: typer.Typer, examples: Mapping[Callable[..., None], str]) -> None:
    """Make functions commands of their names, each with an example under its help."""
    for command, example in examples.items():
        app.command(command.__name__.strip("_"), epilog=f"Example: edgekit {example}")(interruptible(command))


def command(*words: object) -> str:
    """An edgekit command as a shell takes it, with names quoted that need it."""
    return shlex.join(["edgekit", *map(str, words)])


def note(line: str) -> None:
    """A line for people, on stderr."""
    typer.echo(printable(line, lines=True), err=True)


def caution(*texts: str) -> None:
    """What has to be said beside numbers, on stderr; nothing where there is nothing to say."""
    for text in texts:
        if text:
            note(f"caution: {text}")


def print_json(record: Any) -> None:
    """A record on stdout, for scripts."""
    typer.echo(to_json(record), nl=False)


def show(record: Record, print_record: Callable[[Record], None], *, json: bool) -> None:
    """A record on stdout: as JSON for scripts, else as ``print_record`` has it for people."""
    (print_json if json else print_record)(record)


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, rest: Literal["left", "right"] = "right"
) -> None:
    """A table on stdout, as wide as the terminal at most; rows that don't fit side by side are stacked.

    No cell is ever cut: a number stays on its line, words wrap between words, and a single word that is longer than
    the terminal, as a path may be, overflows it in one piece.

    Args:
        title: Stands above the table.
        columns: Names of the columns; they may wrap between words.
        rows: Cells of each row, as many as there are columns.
        rest: How columns but the first are aligned: numbers right, words left; only words wrap.
    """
    width = shutil.get_terminal_size((_PIPE_COLUMNS, 0)).columns
    cells = [[printable(cell) for cell in row] for row in rows]
    least = [
        max(_longest_word(column), *(_least_cell(row[at], words=rest == "left") for row in cells), 1)
        for at, column in enumerate(columns)
    ]
    # Each cell has a blank on both sides and a border behind it; one more border begins the line.
    if sum(least) + 3 * len(least) + 1 <= width:
        lines = _side_by_side(columns, cells, least, width, rest)
    else:
        lines = "\n".join(_stacked(columns, cells, width))
    typer.echo("\n".join(_wrapped(printable(title), width)))
    typer.echo(lines)


def _longest_word(text: str) -> int:
    from rich.cells import cell_len

    return max((cell_len(word) for word in text.split()), default=0)


def _least_cell(text: str, *, words: bool) -> int:
    """How narrow the column of a cell may become."""
    from rich.cells import cell_len

    return max(_longest_word(text), min(cell_len(text), _WORDS_COLUMNS)) if words else cell_len(text)


def _side_by_side(
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    least: Sequence[int],
    width: int,
    rest: Literal["left", "right"],
) -> str:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # Cells hold what files say about themselves, which is not ours to take for markup.
    table = Table()
    # Left to Rich, the widest column shrinks first, and where it may not the line is cut.
    widths = _widths(columns, cells, least, width - 3 * len(columns) - 1)
    for number, (column, own) in enumerate(zip(columns, widths, strict=True)):
        table.add_column(escape(column), justify="left" if number == 0 else rest, width=own, overflow="fold")
    for row in cells:
        table.add_row(*map(escape, row))
    console = Console(width=width)
    # Not straight to stdout: Rich has its own way with closed pipes.
    with console.capture() as drawn:
        console.print(table)
    return drawn.get().removesuffix("\n")


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]], least: Sequence[int], room: int) -> list[int]:
    """How wide each column is: as narrow as it may be, and then wider one by one, from the left, while there is room.

    Args:
        columns: Names of the columns.
        cells: Cells of each row.
        least: How narrow each column may become; all of it together is no more than the room.
        room: Characters for all columns, without borders and blanks.
    """
    from rich.cells import cell_len

    widths = []
    spare = room - sum(least)
    for at, (column, narrowest) in enumerate(zip(columns, least, strict=True)):
        wanted = max(narrowest, cell_len(column), *(cell_len(row[at]) for row in cells))
        widths.append(narrowest + min(spare, wanted - narrowest))
        spare -= widths[-1] - narrowest
    return widths


def _stacked(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Each row as lines of its own, each cell behind the name of its column; of names and values a line each."""
    for row in cells:
        if len(columns) == 2 and not columns[0]:
            yield from _wrapped(f"{row[0]}: {row[1]}", width)
            continue
        for at, (column, cell) in enumerate(zip(columns, row, strict=True)):
            yield from _wrapped(f"{column}: {cell}" if column else cell, width, indent="  " if at else "")


def _wrapped(text: str, width: int, *, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def print_left_out(left_out: WithoutRegion | None) -> None:
    """Photos that a model of faces does not judge: those with none, and those with several."""
    if left_out is not None and (left_out.none or left_out.several):
        none, several = len(left_out.none), len(left_out.several)
        caution(f"{count(none, 'photo')} with no face and {several} with several are left out")


def crops_taken(used: CropUse | None) -> str:
    """What is said of crops behind their largest number, where verdicts may stop early."""
    return "" if used is None else f" at most, mean {used.mean:.1f}, p95 {used.p95:.0f}"


def unknown_said(found: Unknown | None) -> str:
    """A model's rule for unknown and how good it is, as its contract has it; empty where it has none."""
    if found is None:
        return ""
    said = f"by {found.rule} from score {found.threshold:.3g}"
    if found.false_reject is not None:
        said += f", which {percent(found.false_reject)} of known photos reach"
    held_out = [f"AUROC {found.auroc:.3f}"] if found.auroc is not None else []
    if found.false_accept is not None:
        held_out.append(f"false accepts {percent(found.false_accept)} at a like cost")
    return f"{said}; on classes held out: {', '.join(held_out)}" if held_out else said
