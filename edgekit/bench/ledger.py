"""What a device tells of a job, line by line, held against the job: a device's word is checked before it counts."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from edgekit.arrays import Float32Array
from edgekit.bench.latency import Runs
from edgekit.bench.record import RepeatStates
from edgekit.bench.rows import (
    MAX_ABOUT,
    BlockRow,
    ColdRow,
    EndRow,
    FailedRow,
    HelloRow,
    PauseRow,
    RepeatRow,
    ScoreRow,
    WarmRow,
    parse_row,
    wrong,
)
from edgekit.contract import MAX_RUNS, Contract
from edgekit.errors import DeviceError
from edgekit.records import plain
from edgekit.runtime.agent.cold_start import ColdStart
from edgekit.runtime.agent.job import BLOCK_RUNS, FORMAT, Done, Job
from edgekit.runtime.agent.sensors import State
from edgekit.runtime.interpreter import is_granted, score_kind
from edgekit.terminal import printable

# A score has at most so many characters, its comma included.
_SCORE_CHARS = 32
_LEAST_LINE = 1 << 20
# A quarter of an hour for one stage, process or repeat is no answer but a broken clock.
_MOST_MS = 900_000.0
_MOST_NS = round(_MOST_MS * 1e6)
# Of a whole repeat.
_MOST_AT_NS = 10**15
_MOST_MB = 1e7
_MOST_CORES = 8192
_SUM_ERROR = 0.01
# Sums of floats differ a little from machine to machine.
_SOME_MORE_S = 0.01
# The stages of ten runs, each rounded by itself, from a clock that may tick ten times a millisecond.
_ROUNDING_NS = 1_000_000
# A device tells of a pause every few seconds.
_FEW_PAUSES = 10


class Ledger:
    """Rows of one or more sessions of a job.

    Args:
        job: The job that the device was given.
        classes: Number of the model's labels.

    Attributes:
        scores: (engines, photos, crops, classes) float32; NaN where nothing was told yet.
        cold: The cold starts of each setting.
        states: States of the device before and after each whole repeat.
        sessions: Number of sessions that have begun.
        claimed_s: Seconds that the last session's rows account for, as the device counts them.
        ended: Whether the last session came to its end.
    """

    def __init__(self, job: Job, contract: Contract) -> None:
        self._job, self._kind, classes = job, score_kind(contract), contract.outputs
        shape = (len(job.engines), len(job.photos), job.crops, classes)
        self.scores: Float32Array = np.full(shape, np.nan, np.float32)
        self.cold: dict[int, list[ColdStart]] = defaultdict(list)
        self.states: list[RepeatStates] = []
        self.sessions = 0
        self.claimed_s = 0.0
        self.ended = False
        self._hello: HelloRow | None = None
        self._scored = self._started = self._rows = self._pauses = 0
        self._whole: list[_Repeat] = []
        self._repeat: _Repeat | None = None
        self._most_chars = max(_LEAST_LINE, job.crops * classes * _SCORE_CHARS)

    @property
    def done(self) -> Done:
        """How much a next session need not measure again."""
        return Done(scored=self._scored, cold_starts=self._started, repeats=len(self._whole))

    @property
    def is_complete(self) -> bool:
        """Whether everything that the job asks for was told."""
        return self.done == self._job.whole and bool(self.sessions)

    @property
    def hello(self) -> HelloRow:
        """What the device said of itself at the beginning of the last session.

        Its machine, the cores that the work could run on, and what ran the model for each engine of the job.

        Raises:
            DeviceError: it has said nothing yet.
        """
        if self._hello is None:
            raise DeviceError("a device must begin by telling what it is")
        return self._hello

    def runs(self, setting: int) -> Runs:
        """The counted runs of a setting, of all whole repeats."""
        blocks = [(number, one) for number, repeat in enumerate(self._whole) for one in repeat.blocks[setting]]
        sizes = [len(one.ns) for _, one in blocks]
        return Runs(
            repeat=np.repeat([number for number, _ in blocks], sizes).astype(np.int64),
            block=np.repeat([one.block for _, one in blocks], sizes).astype(np.int64),
            at_ns=np.repeat([one.at_ns for _, one in blocks], sizes).astype(np.int64),
            crops=np.array([count for _, one in blocks for count in one.crops], np.int64),
            ns=np.array([row for _, one in blocks for row in one.ns], np.int64).reshape(-1, 4),
        )

    def first_ms(self, setting: int) -> list[float]:
        """Of each whole repeat, the setting's first verdict."""
        return [repeat.first_ns[setting] / 1e6 for repeat in self._whole]

    def take(self, line: str) -> str:
        """Check a line and keep what it tells.

        Returns:
            Its type.

        Raises:
            DeviceError: it is not what must come now.
        """
        if len(line) > self._most_chars:
            raise DeviceError(f"a line must have at most {self._most_chars} characters, got {len(line)}")
        row = parse_row(line)
        if isinstance(row, HelloRow) and len(line) > MAX_ABOUT:
            raise DeviceError(f"what a device tells of itself must have at most {MAX_ABOUT} characters")
        if self.ended and not isinstance(row, HelloRow):
            raise wrong("nothing after the end", line)
        self._rows += 1
        if isinstance(row, HelloRow):
            self._greet(row)
        elif not self.sessions:
            raise wrong("first a device's word of what it is", line)
        elif isinstance(row, (ScoreRow, FailedRow)):
            self._score(row)
        elif isinstance(row, ColdRow):
            self._start(row)
        elif isinstance(row, RepeatRow):
            self._turn(row)
        elif isinstance(row, (WarmRow, BlockRow)):
            self._time(row)
        elif isinstance(row, PauseRow):
            self._pause()
        elif isinstance(row, EndRow):
            if row.rows != self._rows - 1 or not self.is_complete:
                raise DeviceError(f"the end came after {self._rows - 1} lines of {row.rows}: some are missing")
            self.ended = True
        return str(row.type)

    def _greet(self, row: HelloRow) -> None:
        if row.format != FORMAT or len(row.engines) != len(self._job.engines):
            raise DeviceError(
                f"a device must answer in format {FORMAT} for {len(self._job.engines)} engines, got format"
                f" {row.format} for {len(row.engines)}"
            )
        _check_cores(row)
        for (interpreter, asked), found in zip(self._job.engines, row.engines, strict=True):
            if interpreter is not None and found.interpreter.partition(" ")[0] != interpreter:
                raise DeviceError(
                    f"the interpreter {interpreter} was asked for, the model ran with: {printable(found.interpreter)}"
                )
            if not is_granted(asked, found.delegate):
                raise DeviceError(f"the delegate {asked} was asked for, the model ran with: {found.delegate}")
        if self._hello is not None:
            changed = _changes(self._hello, row)
            if changed:
                raise DeviceError(f"it is not as it was when this measurement began ({changed})")
        # A repeat whose connection broke is begun again.
        self._hello, self._repeat, self.ended = row, None, False
        self._pauses, self._rows = 0, 1
        self.claimed_s = 0.0
        self.sessions += 1

    def _score(self, row: ScoreRow | FailedRow) -> None:
        engine, photo = divmod(self._scored, len(self._job.photos))
        if (row.engine, row.photo) != (engine, photo) or self._scored >= self._job.whole.scored:
            raise DeviceError(f"the scores of photo {photo} must come now, got those of {row.photo}, {row.engine}")
        if isinstance(row, FailedRow):
            raise DeviceError(f"it can't read {self._job.photos[photo]}: {printable(row.error)[:500]}")
        expected = self.scores.shape[2:]
        if len(row.scores) != expected[0] or any(len(crop) != expected[1] for crop in row.scores):
            raise DeviceError(
                f"a photo must have {expected[0]} crops of {expected[1]} scores, photo {photo} has others"
            )
        found = np.array(row.scores, np.float64)
        if not ((found >= 0).all() and (found <= 1 + _SUM_ERROR).all()):
            raise DeviceError(f"scores must be probabilities, photo {photo} has {found.min()} to {found.max()}")
        if self._kind == "one-of" and np.abs(found.sum(axis=1) - 1).max() > _SUM_ERROR:
            raise DeviceError(f"the scores of a crop must add up to 1, those of photo {photo} don't")
        if not 0 < row.ms <= _MOST_MS:
            raise DeviceError(f"a photo must take more than 0 and at most {_MOST_MS:g} ms, photo {photo} took {row.ms}")
        self.claimed_s += row.ms / 1e3
        self.scores[engine, photo] = found
        self._scored += 1

    def _start(self, row: ColdRow) -> None:
        number = self._started % len(self._job.settings)
        if row.setting != number or self._started >= self._job.whole.cold_starts:
            raise DeviceError(f"the cold start of setting {number} must come now, got that of {row.setting}")
        memory = row.peak_memory_mb
        if not 0 < row.first_ms <= row.cold_start_ms <= _MOST_MS or (memory is not None and not 0 < memory < _MOST_MB):
            raise DeviceError(f"a cold start takes time and memory within bounds, got {plain(row)}")
        self.claimed_s += row.cold_start_ms / 1e3
        self.cold[number].append(row)
        self._started += 1

    def _turn(self, row: RepeatRow) -> None:
        running, expected = self._repeat, len(self._whole)
        begins = running is None
        if row.repeat != expected or (row.type == "begin") != begins or expected >= self._job.pace.repeats:
            raise DeviceError(
                f"repeat {expected} must {'begin' if begins else 'go on'} now, got {row.type} {row.repeat}"
            )
        if running is None:
            self._repeat, self._pauses = _Repeat(self._job, row.state), 0
            return
        running.check_whole()
        self._whole.append(running)
        self.states.append(RepeatStates(before=running.before, after=row.state))
        self._repeat = None

    def _pause(self) -> None:
        self._pauses += 1
        if self._pauses > self._job.pace.cool_down_s + _FEW_PAUSES:
            raise DeviceError(f"a pause must end after {self._job.pace.cool_down_s:g} s, it tells of it again")

    def _time(self, row: WarmRow | BlockRow) -> None:
        pace = self._job.pace
        if self._repeat is None or row.repeat != len(self._whole) or not 0 <= row.setting < len(self._job.settings):
            raise DeviceError(f"times must belong to a setting of the repeat that has begun, got {row.type}")
        if isinstance(row, WarmRow):
            self._repeat.warm(row)
            self.claimed_s += pace.warmup_s + max(1, pace.warmup_runs) * row.first_ns / 1e9
        else:
            self._repeat.time(row)
            self.claimed_s += sum(sum(run) for run in row.ns) / 1e9


class _Repeat:
    """The blocks of one repeat, as the device's rows come in."""

    def __init__(self, job: Job, before: State) -> None:
        self._job, self.before = job, before
        self.first_ns: dict[int, int] = {}
        self.blocks: dict[int, list[BlockRow]] = defaultdict(list)
        self._at_ns = self._until_ns = 0
        self._spent_ns: dict[int, int] = defaultdict(int)

    def warm(self, row: WarmRow) -> None:
        """Check the row of a setting's warm-up and keep it."""
        pace = self._job.pace
        if row.setting in self.first_ns or not (row.runs >= max(1, pace.warmup_runs) and 0 < row.first_ns <= _MOST_NS):
            raise DeviceError(f"a setting must be warmed up once by {pace.warmup_runs} runs, got {plain(row)}")
        self.first_ns[row.setting] = row.first_ns

    def time(self, row: BlockRow) -> None:
        """Check the row of one block of a setting and keep it."""
        setting, known = self._job.settings[row.setting], self.blocks[row.setting]
        if row.setting not in self.first_ns or row.block != len(known) or len(known) * BLOCK_RUNS >= MAX_RUNS:
            raise DeviceError(
                f"block {len(known)} of setting {row.setting} must come after its warm-up, got {row.block}"
            )
        pace = self._job.pace
        if len(known) * BLOCK_RUNS >= pace.min_runs and self._spent_ns[row.setting] > 1e9 * (pace.min_s + _SOME_MORE_S):
            raise DeviceError(
                f"a repeat needs {pace.min_runs} runs and {pace.min_s:g} s of a setting, setting {row.setting} has "
                "more already"
            )
        if not len(row.crops) == len(row.ns) == BLOCK_RUNS or not self._at_ns <= row.at_ns <= _MOST_AT_NS:
            raise DeviceError(
                f"a block must have {BLOCK_RUNS} runs, after the last block's {self._at_ns} ns and at most at"
                f" {_MOST_AT_NS}, got {len(row.ns)} at {row.at_ns}"
            )
        if row.at_ns < self._until_ns:
            raise DeviceError(
                f"a block must begin after the last one's runs, which took until {self._until_ns} ns of the repeat, got"
                f" {row.at_ns}"
            )
        if not all(0 <= ns <= _MOST_NS for run in row.ns for ns in run) or not all(sum(run) for run in row.ns):
            raise DeviceError(f"stages must take 0 to {_MOST_NS} ns, setting {row.setting} has others")
        if not all(
            1 <= count <= setting.crops if setting.stops_early else count == setting.crops for count in row.crops
        ):
            raise DeviceError(f"verdicts of setting {row.setting} must take {setting.crops} crops, got {row.crops}")
        spent_ns = sum(sum(run) for run in row.ns)
        self._at_ns, self._until_ns = row.at_ns, row.at_ns + spent_ns - _ROUNDING_NS
        self._spent_ns[row.setting] += spent_ns
        known.append(row)

    def check_whole(self) -> None:
        """Hold the least numbers of runs and seconds."""
        pace = self._job.pace
        for number in range(len(self._job.settings)):
            blocks, spent_s = self.blocks[number], self._spent_ns[number] / 1e9
            if len(blocks) * BLOCK_RUNS < pace.min_runs or spent_s < pace.min_s - 1e-6:
                raise DeviceError(
                    f"a repeat must have {pace.min_runs} runs and {pace.min_s:g} s of each setting, "
                    f"setting {number} has {len(blocks) * BLOCK_RUNS} and {spent_s:.3f} s"
                )


def _check_cores(row: HelloRow) -> None:
    machine = row.machine
    numbers = (*(row.cores or ()), *(core for one in machine.clusters or () for core in one.cores))
    counts = [one for one in (machine.cores, machine.usable_cores) if one is not None]
    if not all(0 <= one < _MOST_CORES for one in numbers) or not all(1 <= one <= _MOST_CORES for one in counts):
        raise DeviceError(f"a device must have 1 to {_MOST_CORES} cores, got {counts} and the numbers {numbers!r:.200}")


def _changes(was: HelloRow, now: HelloRow) -> str:
    """In what two sessions of one job differ, apart from how the machine is doing."""
    old, new = plain(was), plain(now)
    for one in (old, new):
        del one["machine"]["state"]
    old, new = ({**one.pop("machine"), **one} for one in (old, new))
    return ", ".join(f"{key}: {old[key]} then, {new[key]} now" for key in old if old[key] != new[key])
