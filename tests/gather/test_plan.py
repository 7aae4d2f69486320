"""Capture plans, and what a folder fills of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planned import plan

from edgekit.errors import DataError
from edgekit.gather.plan import CapturePlan, CellRule, PlanCell, PlanEntry, read_plan, to_entries, write_plan


class TestPlan:
    def test_a_file_gives_back_what_was_written(self, tmp_path):
        made = plan(
            title='a "plan"\\',
            cell=(CellRule(camera="iphone", light="night", wanted=0), CellRule(target="tv", wanted=9)),
        )
        write_plan(tmp_path / "plan.toml", made)
        assert read_plan(tmp_path / "plan.toml") == made

    @given(st.text(min_size=1, max_size=30).filter(lambda text: text.isprintable() and text.strip(" -_")))
    def test_any_printable_name_survives(self, tmp_path_factory, name):
        made = CapturePlan(title=name, camera=(PlanEntry(name=name),), target=(PlanEntry(name="x", kind=name),))
        path = tmp_path_factory.mktemp("plan") / "plan.toml"
        write_plan(path, made)
        assert read_plan(path) == made

    def test_the_last_rule_that_fits_counts(self):
        made = plan(cell=(CellRule(target="tv", wanted=9), CellRule(light="night", wanted=1)))
        assert len(made.cells) == 12
        assert made.wanted_of(PlanCell(camera="iphone", target="tv", light="day")) == 9
        assert made.wanted_of(PlanCell(camera="iphone", target="tv", light="night")) == 1
        assert made.wanted_of(PlanCell(camera="iphone", target="real", light="day")) == 3

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("wanted = 3\n[[camera]]\nname = 'a'\n", "missing", id="no-target"),
            pytest.param("x = 1\n", "unknown \\['x'\\]", id="unknown-key"),
            pytest.param("wanted = \n", "must be TOML", id="no-toml"),
            pytest.param("camera = []\ntarget = [{name='a'}]\n", "at least one camera", id="no-camera"),
            pytest.param(
                "camera = [{name='a'}, {name='A '}]\ntarget = [{name='t'}]", "two entries must not go by one", id="same"
            ),
            pytest.param(
                "camera = [{name='a', also=['x 1']}, {name='b', also=['X-1']}]\ntarget = [{name='t'}]",
                "'X-1' for the camera 'a' and 'b': both would claim the same photos",
                id="one-alias-for-two",
            ),
            pytest.param(
                "camera = [{name='a', label='x'}]\ntarget = [{name='t'}]", "only targets have a label", id="label"
            ),
            pytest.param(
                "wanted = -1\ncamera = [{name='a'}]\ntarget = [{name='t'}]", "wanted must be 0 to", id="negative"
            ),
            pytest.param(
                "wanted = true\ncamera = [{name='a'}]\ntarget = [{name='t'}]", "wanted must be int", id="bool"
            ),
            pytest.param(
                "camera = [{name='a'}]\ntarget = [{name='t'}]\ncell = [{wanted=1, light='day'}]",
                "must name a light of the plan, got 'day'",
                id="unknown-light",
            ),
        ],
    )
    def test_mistakes_name_the_file_and_the_rule(self, tmp_path, text, message):
        (tmp_path / "plan.toml").write_text(text)
        with pytest.raises(DataError, match=message) as failure:
            read_plan(tmp_path / "plan.toml")
        assert str(failure.value).startswith(str(tmp_path / "plan.toml"))

    def test_absent(self, tmp_path):
        with pytest.raises(DataError, match="no such plan; make one"):
            read_plan(tmp_path / "plan.toml")


@pytest.mark.parametrize("text", ["real", "real:", ":genuine"])
def test_a_target_needs_a_class(text):
    with pytest.raises(DataError, match="NAME:CLASS"):
        to_entries([text], labelled=True)


def test_a_light_has_none():
    with pytest.raises(DataError, match="only targets"):
        to_entries(["day:genuine"])


def test_a_key_that_is_deeper_than_any_plan_is_refused_at_once(tmp_path):
    (tmp_path / "plan.toml").write_text("[[" + "a." * 400_000 + "a]]")
    with pytest.raises(DataError, match="lines must have at most 5000 characters"):
        read_plan(tmp_path / "plan.toml")
