"""The diary of capture sessions, and blocks of time."""

from __future__ import annotations

import json

import pytest
from shooting import config, moving

from edgekit.errors import DataError
from edgekit.gather.collect import collect_photos
from edgekit.gather.session import DIARY_NAME, DiaryLine, to_blocks

pytest.importorskip("cv2", reason="needs the video extra")


def test_a_line_that_broke_off(tmp_path):
    collect_photos(moving(20), tmp_path, config())
    diary = tmp_path / DIARY_NAME
    diary.write_bytes(diary.read_bytes() + b'{"what": "sho')
    collect_photos(moving(20, start=50), tmp_path, config())
    assert [json.loads(line)["what"] for line in diary.read_text().splitlines()].count("end") == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param('{"what": "party", "session": 1}', "line 1: what must be one of", id="kind"),
        pytest.param("[]", "line 1 must be an object", id="list"),
        pytest.param("{", "line 1 must be JSON", id="no-json"),
        pytest.param('{"what": "shot", "session": 1}', "every session must begin", id="no-beginning"),
        pytest.param('{"what": "begin", "session": 1, "split": [1]}', "line 1: a split must be", id="split"),
        pytest.param('{"what": "begin", "session": 1, "notes": {"path": "x"}}', "line 1: notes must", id="notes"),
    ],
)
def test_a_diary_that_was_edited(tmp_path, line, message):
    (tmp_path / DIARY_NAME).write_text(f"{line}\n")
    with pytest.raises(DataError, match=message):
        collect_photos(moving(2), tmp_path, config())


@pytest.mark.parametrize("split", [(80, 20), (50, 50), (70, 15, 15), (98, 1, 1)])
@pytest.mark.parametrize("shots", [0, 1, 2, 3, 10, 57])
@pytest.mark.parametrize("gap_s", [0.0, 0.25, 5.0])
def test_blocks_never_interleave_and_keep_their_distance(split, shots, gap_s):
    times = [number * 0.1 for number in range(shots)]
    begun = DiaryLine(what="begin", session=1, split=split, gap_s=gap_s, guard_s=0.35)
    parts = to_blocks(times, begun)
    order = [part for part in parts if part is not None]
    assert order == sorted(order, key=("train", "val", "test").index)
    for (time_s, part), (later_s, other) in zip(
        known := [one for one in zip(times, parts, strict=True) if one[1] is not None], known[1:], strict=False
    ):
        assert part == other or later_s - time_s >= gap_s
    assert all(part is None for time_s, part in zip(times, parts, strict=True) if time_s < 0.35)
