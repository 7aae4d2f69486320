import io
import os
import subprocess
import sys

import pytest

from edgekit.cli import console
from edgekit.progress import TimeLeft, about


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


class TestTimeLeft:
    def test_it_goes_on_at_the_pace_so_far(self, clock):
        left = TimeLeft("scoring photos", 100, clock=clock)
        left.advance(1)
        clock.now += 20
        left.advance(10)
        assert left.left_s == pytest.approx(2 * 89)
        clock.now += 30
        assert left.left_s == pytest.approx(2 * 89 - 30)
        assert str(left) == "scoring photos: 11/100, about 2 min left"

    def test_what_was_there_before_took_no_time(self, clock):
        left = TimeLeft("scoring photos", 100, clock=clock)
        left.advance(90)
        assert left.left_s is None
        assert str(left) == "scoring photos: 90/100"
        clock.now += 10
        left.advance(1)
        assert left.left_s == pytest.approx(90)

    def test_a_first_try_is_believed_until_steps_tell(self, clock):
        left = TimeLeft("adapting weights", 10, clock=clock)
        left.expect(40)
        clock.now += 5
        left.advance(1)
        assert str(left) == "adapting weights: 1/10, about 35 s left"
        clock.now += 1
        left.advance(1)
        assert left.left_s == pytest.approx(8)

    @pytest.mark.parametrize("steps", [pytest.param(0, id="none-yet"), pytest.param(7, id="more-than-announced")])
    def test_nothing_is_said_of_what_is_unknown(self, clock, steps):
        left = TimeLeft("watching", 5, clock=clock)
        for _ in range(steps):
            left.advance(1)
            clock.now += 1
        assert left.left_s is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(0, "about 1 s", id="nothing"),
        pytest.param(61.4, "about 61 s", id="seconds"),
        pytest.param(119, "about 2 min", id="minutes"),
        pytest.param(3600, "about 60 min", id="an-hour"),
        pytest.param(12600, "about 3.5 h", id="hours"),
    ],
)
def test_an_estimate_is_rough(seconds, words):
    assert about(seconds) == words


# Two tasks without a terminal: one that reports steps, and one whose step takes long while stderr is held back.
SCRIPT = """
import time
from edgekit.cli.console import progress
from edgekit.terminal import captured_stderr
with progress(every_s=0.1) as told:
    told.begin("cutting [crops]", 50)
    for _ in range(20):
        told.advance()
        time.sleep(0.02)
    told.begin("converting", 2)
    told.advance()
    with captured_stderr():
        time.sleep(0.5)
"""


def test_without_a_terminal_lines_come_at_intervals(repository):
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    ran = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    lines = ran.stderr.splitlines()
    assert ran.stdout == ""
    assert lines[0] == "cutting [crops] …"
    assert any(line.startswith("cutting [crops]: ") and "/50, about " in line for line in lines[1:])
    after = lines[lines.index("converting …") + 1 :]
    assert len(after) >= 2
    assert set(after) == {"converting: 1/2"}


def test_short_work_says_its_name_alone(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with console.progress() as told:
        told.begin("cutting crops", 3)
        told.advance(3)
        told.say("a line")
    assert stream.getvalue() == "cutting crops …\na line\n"
