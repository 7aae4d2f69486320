"""The contract: what a model file promises, read strictly and written so that any port can read it."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.contract import (
    MAX_CROPS,
    MAX_DEPTH,
    MAX_HEADS,
    MAX_LABELS,
    MAX_SIDE_PX,
    RETAKE,
    SCHEMA,
    UNKNOWN,
    Contract,
    CropPlan,
    Decision,
    RegionPlan,
    parse_fraction,
)
from edgekit.errors import ContractError, pip_line
from edgekit.records import plain

HASH = "0123456789abcdef" * 4


def make_contract(**changes) -> Contract:
    values = {
        "name": "shelf",
        "labels": ("genuine", "screen", "print"),
        "bona_fide": "genuine",
        "side_px": 224,
        "precision": "int8",
        "model_sha256": HASH,
    }
    return Contract(**{**values, **changes})


class TestScales:
    @pytest.mark.parametrize("scale", ["full", "centre", "native"])
    def test_names_are_no_fractions(self, scale):
        assert parse_fraction(scale) is None

    @pytest.mark.parametrize(
        ("scale", "fraction"), [("1/4", (1, 4)), ("2/3", (2, 3)), ("1/1", (1, 1)), ("5/999", (5, 999))]
    )
    def test_fractions(self, scale, fraction):
        assert parse_fraction(scale) == fraction

    @pytest.mark.parametrize(
        "scale",
        [
            "",
            "center",
            "Full",
            "0/4",
            "1/0",
            "5/4",
            "-1/4",
            "1/4 ",
            "1/4\n",
            "01/4",
            "1/1000",
            "0.25",
            "¼",
            "١/٤",
            "1/4/2",
        ],
    )
    def test_refuses(self, scale):
        with pytest.raises(ContractError, match=r"a crop scale must be full, centre, native or a fraction"):
            parse_fraction(scale)


class TestCropPlan:
    @pytest.mark.parametrize(
        ("text", "lead", "cycle"),
        [
            pytest.param("1/4", (), ("1/4",), id="one"),
            pytest.param("native,1/4,1/2", (), ("native", "1/4", "1/2"), id="cycle"),
            pytest.param("centre:native", ("centre",), ("native",), id="lead"),
            pytest.param("full+centre:native,1/4", ("full", "centre"), ("native", "1/4"), id="two-leads"),
        ],
    )
    def test_the_command_line_form_reads_and_prints(self, text, lead, cycle):
        plan = CropPlan.parse(text, crops=7)
        assert plan == CropPlan(lead=lead, cycle=cycle, crops=7)
        assert str(plan) == text

    @pytest.mark.parametrize(
        "text", ["", ":", ":1/4", "centre:", "1/4,", "+:1/4", "1/4;1/2", "a:b:c", "centre:1/4:1/2"]
    )
    def test_parse_refuses(self, text):
        with pytest.raises(ContractError, match=r"a crop (plan reads|scale must)"):
            CropPlan.parse(text)

    def test_scales_go_through_the_lead_once_and_then_round_the_cycle(self):
        plan = CropPlan(lead=("full", "centre"), cycle=("native", "1/4", "1/2"))
        assert [plan.scale(index) for index in range(9)] == [
            "full", "centre", "native", "1/4", "1/2", "native", "1/4", "1/2", "native",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            pytest.param({"crops": 0}, f"must have 1 to {MAX_CROPS} crops, got 0", id="no-crop"),
            pytest.param({"crops": -1}, "must have 1 to", id="negative"),
            pytest.param({"crops": MAX_CROPS + 1}, "must have 1 to", id="too-many"),
            pytest.param({"cycle": ()}, "needs 1 to 64 cycled scales", id="no-cycle"),
            pytest.param({"cycle": ("1/4",) * 65}, "needs 1 to 64 cycled scales", id="long-cycle"),
            pytest.param({"lead": ("full",) * 65}, "at most 64 leading ones", id="long-lead"),
            pytest.param({"lead": ("centr",)}, "a crop scale must be", id="misspelt-lead"),
            pytest.param({"cycle": ("1/4", "4/1")}, "a crop scale must be", id="above-one"),
        ],
    )
    def test_refuses(self, values, message):
        with pytest.raises(ContractError, match=message):
            CropPlan(**values)

    def test_the_limits_themselves_are_allowed(self):
        assert CropPlan(lead=("full",) * 64, cycle=("1/4",) * 64, crops=MAX_CROPS).scale(999) == "1/4"


class TestDecision:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            pytest.param({"temperature": 0.0}, "a temperature must lie in 0.01 to 100, got 0.0", id="zero"),
            pytest.param({"temperature": 101.0}, "a temperature must lie in", id="hot"),
            pytest.param({"temperature": float("nan")}, "a temperature must lie in", id="nan-temperature"),
            pytest.param({"threshold": -0.1}, "threshold must lie in 0 to 1, got -0.1", id="threshold-below"),
            pytest.param({"threshold": 1.1}, "threshold must lie in 0 to 1", id="threshold-above"),
            pytest.param({"threshold": float("nan")}, "threshold must lie in 0 to 1", id="nan-threshold"),
            pytest.param({"floor": 2.0}, "floor must lie in 0 to 1, got 2.0", id="floor-above"),
            pytest.param({"abstain": (0.5, 0.5)}, "an abstain band must be 0 <= low < high <= 1", id="empty-band"),
            pytest.param({"abstain": (0.6, 0.4)}, "an abstain band must be", id="turned-band"),
            pytest.param({"abstain": (-0.1, 0.4)}, "an abstain band must be", id="band-below"),
            pytest.param({"abstain": (0.4, 1.1)}, "an abstain band must be", id="band-above"),
            pytest.param({"abstain": (0.4, float("nan"))}, "an abstain band must be", id="nan-band"),
        ],
    )
    def test_refuses(self, values, message):
        with pytest.raises(ContractError, match=message):
            Decision(**values)

    @pytest.mark.parametrize(
        "values",
        [
            {"temperature": 0.01},
            {"temperature": 100.0},
            {"threshold": 0.0, "floor": 1.0},
            {"threshold": 1.0, "floor": 0.0},
            {"abstain": (0.0, 1.0)},
        ],
    )
    def test_the_limits_themselves_are_allowed(self, values):
        assert dataclasses.replace(Decision(), **values) == Decision(**values)


class TestContract:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"name": "two\nlines"}, "a model's name must be printable", id="name-of-two-lines"),
            pytest.param({"name": "x" * 201}, "at most 200 characters", id="long-name"),
            pytest.param({"labels": ("one",), "bona_fide": None}, f"needs 2 to {MAX_LABELS} different", id="one-label"),
            pytest.param({"labels": ("a", "a"), "bona_fide": None}, "different labels", id="same-label-twice"),
            pytest.param({"labels": ("a", ""), "bona_fide": None}, "a label must be printable", id="empty-label"),
            pytest.param({"labels": ("a", "  "), "bona_fide": None}, "a label must be printable", id="blank-label"),
            # labels.txt has one label a line, and Unicode has many line ends.
            pytest.param({"labels": ("a", "b\n"), "bona_fide": None}, "a label must be printable", id="line-end"),
            pytest.param(
                {"labels": ("a", "b\u2028c"), "bona_fide": None}, "a label must be printable", id="unicode-end"
            ),
            pytest.param({"labels": ("a", "retake"), "bona_fide": None}, "not 'retake' or 'unknown'", id="retake"),
            pytest.param({"labels": ("unknown", "b"), "bona_fide": None}, "not 'retake' or 'unknown'", id="unknown"),
            pytest.param({"bona_fide": "real"}, "the bona fide label must be one of .*, got 'real'", id="bona-fide"),
            pytest.param(
                {"bona_fide": None, "decision": Decision(threshold=0.3)},
                r"a threshold \(0.3\) needs a bona fide label",
                id="threshold-of-nothing",
            ),
            pytest.param({"side_px": 7}, f"must be 8 to {MAX_SIDE_PX} px, got 7", id="tiny-input"),
            pytest.param({"side_px": MAX_SIDE_PX + 1}, "the input's side must be", id="large-input"),
            pytest.param({"model_sha256": HASH[:-1]}, "must be 64 hex digits", id="short-hash"),
            pytest.param({"model_sha256": HASH.upper()}, "must be 64 hex digits", id="upper-case-hash"),
            pytest.param({"model_sha256": HASH + "\n"}, "must be 64 hex digits", id="hash-and-line-end"),
        ],
    )
    def test_refuses(self, change, message):
        with pytest.raises(ContractError, match=message):
            make_contract(**change)

    def test_provenance_is_not_nested_without_end(self):
        allowed: dict = {"value": 1}
        for _ in range(MAX_DEPTH - 1):
            allowed = {"value": allowed}
        assert make_contract(provenance=allowed).provenance == allowed
        with pytest.raises(ContractError, match=f"provenance must be nested at most {MAX_DEPTH} deep"):
            make_contract(provenance={"value": [allowed]})

    def test_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            make_contract().side_px = 8

    def test_another_decision_changes_nothing_else(self):
        contract, decision = make_contract(), Decision(threshold=0.25, abstain=(0.2, 0.3))
        changed = contract.with_decision(decision)
        assert changed.decision == decision
        assert changed.with_decision(contract.decision) == contract

    def test_the_json_is_what_ports_read(self):
        """A golden text: ports in other languages rely on these names and on this shape."""
        contract = make_contract(
            plan=CropPlan(lead=("full",), cycle=("native", "1/4"), crops=5, working_px=720),
            decision=Decision(threshold=0.5, abstain=(0.4, 0.6), early_stop=(3.0, 2.0, 1.5, 0.5)),
            checked_on=("litert 2.3.0",),
            provenance={"data": {"sha256": "ab"}},
        )
        assert json.loads(contract.to_json()) == {
            "schema": 1,
            "name": "shelf",
            "labels": ["genuine", "screen", "print"],
            "bona_fide": "genuine",
            "side_px": 224,
            "plan": {"lead": ["full"], "cycle": ["native", "1/4"], "crops": 5, "working_px": 720},
            "decision": {
                "vote": "mean-log",
                "temperature": 1.0,
                "threshold": 0.5,
                "abstain": [0.4, 0.6],
                "floor": None,
                "early_stop": [3.0, 2.0, 1.5, 0.5],
            },
            "precision": "int8",
            "model_sha256": HASH,
            "checked_on": ["litert 2.3.0"],
            "provenance": {"data": {"sha256": "ab"}},
        }

    @settings(max_examples=60, deadline=None, database=None)
    @given(
        labels=st.lists(
            st.text(min_size=1, max_size=8).filter(
                lambda text: text.isprintable() and text.strip() and text not in (RETAKE, UNKNOWN)
            ),
            min_size=2,
            max_size=5,
            unique=True,
        ),
        crops=st.integers(1, MAX_CROPS),
        cycle=st.lists(st.sampled_from(["full", "centre", "native", "1/4", "2/3"]), min_size=1, max_size=4),
        temperature=st.floats(0.01, 100),
        floor=st.none() | st.floats(0, 1),
    )
    def test_reads_what_it_writes(self, labels, crops, cycle, temperature, floor):
        contract = make_contract(
            labels=tuple(labels),
            bona_fide=labels[0],
            plan=CropPlan(cycle=tuple(cycle), crops=crops),
            decision=Decision(temperature=temperature, floor=floor, vote="mean"),
        )
        assert Contract.from_json(contract.to_json()) == contract


SCALES = CropPlan(lead=("full", "centre"), cycle=("native", "1/4"), crops=6)
HEADS = ("full", "native", "1/4", "centre")
FACES = RegionPlan(detector="blazeface-short", detector_sha256="abcdef" * 10 + "0123", align="eyes")


class TestRegions:
    def test_they_take_the_third_schema_with_heads_or_without(self):
        contract = make_contract(plan=SCALES).with_regions(FACES)
        assert (contract.schema, contract.with_heads(HEADS).schema) == (3, 3)
        assert make_contract(plan=SCALES).with_heads(HEADS).with_regions(FACES) == contract.with_heads(HEADS)
        assert contract.with_regions(None) == make_contract(plan=SCALES)
        for one in (contract, contract.with_heads(HEADS)):
            assert Contract.from_json(one.to_json()) == one

    def test_the_detector_has_a_name_beside_the_model(self):
        assert (FACES.thing, FACES.detector_file) == ("face", "detector-abcdefabcdef.tflite")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            pytest.param({"detector_sha256": "abc"}, "detector_sha256 must be 64 hex digits, got 'abc'", id="hash"),
            pytest.param({"margin": -0.1}, "margin must lie in 0 to 2, got -0.1", id="margin"),
            pytest.param({"margin": math.nan}, "margin must lie in 0 to 2, got nan", id="margin-that-is-none"),
            pytest.param({"least_score": 0}, "least_score must lie above 0, and at most at 1, got 0", id="score"),
            pytest.param({"iou": 1.5}, "iou must lie above 0, and at most at 1, got 1.5", id="iou"),
            pytest.param({"most": 0}, "most must be 1 to 100 regions, got 0", id="most"),
            pytest.param({"least_px": 0}, "least_px must be 1 to 20000 px, got 0", id="least-px"),
        ],
    )
    def test_values_out_of_range(self, changes, message):
        with pytest.raises(ContractError, match=message):
            replace(FACES, **changes)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            pytest.param({"schema": 2}, "with regions must have schema 3 or newer, got 2", id="older-schema"),
            pytest.param(
                {"regions": None},
                "must have schema 1, got 3",
                id="null",
            ),
            pytest.param({"regions": {}}, "missing", id="empty"),
            pytest.param({"regions": {**plain(FACES), "detector": "yolo"}}, "regions: detector must be", id="detector"),
            pytest.param({"regions": {**plain(FACES), "place": "cloud"}}, "regions: place must be", id="place"),
            pytest.param({"regions": {**plain(FACES), "zoom": 2}}, "zoom", id="unknown-key"),
            pytest.param({"regions": {**plain(FACES), "most": 3.5}}, "regions: most must be int", id="fraction"),
        ],
    )
    def test_json_that_is_refused(self, changes, message):
        raw = {**json.loads(make_contract(plan=SCALES).with_regions(FACES).to_json()), **changes}
        with pytest.raises(ContractError, match=message):
            Contract.from_json(json.dumps(raw))


class TestHeads:
    def test_a_crop_has_the_head_of_its_scale(self):
        contract = make_contract(plan=SCALES).with_heads(HEADS)
        assert (contract.schema, contract.head_count) == (2, 4)
        assert contract.heads_for(SCALES) == (0, 3, 1, 2, 1, 2)
        assert contract.heads_for(SCALES, 9) == (0, 3, 1, 2, 1, 2, 1, 2, 1)
        assert contract.heads_for(CropPlan.parse("1/4"), 2) == (2, 2)

    def test_without_heads_there_is_one(self):
        contract = make_contract(plan=SCALES)
        assert (contract.schema, contract.head_count, contract.heads_for(SCALES)) == (1, 1, (0,) * 6)
        assert contract.lacks_heads(CropPlan.parse("1/3")) == ()
        assert contract.with_heads(HEADS).with_heads(None) == contract

    def test_a_plan_of_other_scales_is_refused_by_their_names(self):
        contract, other = make_contract(plan=SCALES).with_heads(HEADS), CropPlan.parse("full:1/3,1/4,1/2,1/3", crops=1)
        assert contract.lacks_heads(other) == ("1/3", "1/2")
        with pytest.raises(
            ContractError, match="full:1/3,1/4,1/2,1/3 has 1/3, 1/2 without one; the model has heads for"
        ):
            contract.heads_for(other)

    @pytest.mark.parametrize(
        ("heads", "message"),
        [
            pytest.param((), "heads must be 2 to 16 different scales", id="none"),
            pytest.param(("full",), "heads must be 2 to 16 different scales", id="one"),
            pytest.param((*HEADS, "full"), "heads must be 2 to 16 different scales", id="twice"),
            pytest.param((*HEADS, *(f"1/{n}" for n in range(5, 18))), f"heads must be 2 to {MAX_HEADS}", id="17"),
            pytest.param((*HEADS, "half"), "a crop scale must be full", id="no-scale"),
            pytest.param(
                ("native", "full", "1/4", "centre"), "that of the plan's first crop, full, got native", id="first"
            ),
            pytest.param(("full", "native", "1/4"), "has centre without one", id="lead-without-head"),
            pytest.param(("full", "native", "centre"), "has 1/4 without one", id="cycle-without-head"),
        ],
    )
    def test_refuses(self, heads, message):
        with pytest.raises(ContractError, match=message):
            make_contract(plan=SCALES).with_heads(heads)

    def test_sixteen_are_allowed_and_more_than_the_plan_needs(self):
        heads = (*HEADS, *(f"1/{n}" for n in range(5, 17)))
        assert make_contract(plan=SCALES).with_heads(heads).head_count == MAX_HEADS

    def test_another_plan_of_the_contract_needs_its_heads_too(self):
        contract = make_contract(plan=SCALES).with_heads(HEADS)
        with pytest.raises(ContractError, match="has 1/2 without one"):
            dataclasses.replace(contract, plan=CropPlan.parse("full:1/2"))

    def test_the_json_names_them_and_without_them_it_is_the_first_schema(self):
        contract = make_contract(plan=SCALES)
        plain = json.loads(contract.to_json())
        assert (plain["schema"], "heads" in plain) == (1, False)
        with_heads = contract.with_heads(HEADS)
        assert json.loads(with_heads.to_json()) == {**plain, "schema": 2, "heads": list(HEADS)}
        assert Contract.from_json(with_heads.to_json()) == with_heads


class TestFromJson:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("", "edgekit.json must be JSON", id="empty"),
            pytest.param("{", "edgekit.json must be JSON", id="cut-short"),
            pytest.param("[" * 100_000, "edgekit.json must be JSON", id="nested-beyond-the-stack"),
            pytest.param("[]", f"must have schema 1 to {SCHEMA}, got None", id="list"),
            pytest.param("{}", f"must have schema 1 to {SCHEMA}, got None", id="no-schema"),
            pytest.param('{"schema": 0}', f"must have schema 1 to {SCHEMA}, got 0", id="old-schema"),
            pytest.param('{"schema": "1"}', f"must have schema 1 to {SCHEMA}, got '1'", id="schema-as-text"),
            pytest.param('{"schema": [1]}', rf"must have schema 1 to {SCHEMA}, got \[1\]", id="schema-as-list"),
            pytest.param(
                '{"schema": 4, "news": 1}',
                f"has schema 4, this edgekit reads up to 3: {re.escape(pip_line(upgrade=True))}",
                id="newer-schema",
            ),
        ],
    )
    def test_refuses_text(self, text, message):
        with pytest.raises(ContractError, match=message):
            Contract.from_json(text)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param({"labels": ...}, r"missing \['labels'\]", id="missing"),
            pytest.param({"treshold": 0.5}, r"unknown \['treshold'\]", id="unknown"),
            pytest.param({"schema": True}, "schema must be int, got True", id="schema-true"),
            pytest.param({"schema": 1.0}, "schema must be int, got 1.0", id="schema-float"),
            pytest.param(
                {"schema": 2},
                "must have schema 1, got 2",
                id="schema-2-without-heads",
            ),
            pytest.param(
                {"schema": 2, "heads": None},
                "must have schema 1",
                id="schema-2-null-heads",
            ),
            pytest.param(
                {"heads": ["1/4", "full"]}, "with heads must have schema 2 or newer", id="schema-1-with-heads"
            ),
            pytest.param({"heads": None}, "with heads must have schema 2 or newer", id="schema-1-with-null-heads"),
            pytest.param({"schema": 2, "heads": "full"}, "heads must be tuple", id="text-for-heads"),
            pytest.param({"schema": 2, "heads": ["1/4", 2]}, r"heads\[1\] must be str, got 2", id="number-for-head"),
            pytest.param({"side_px": "224"}, "side_px must be int, got '224'", id="text-for-number"),
            pytest.param({"side_px": 4}, "the input's side must be 8", id="out-of-range"),
            pytest.param({"labels": "ab"}, "labels must be", id="text-for-labels"),
            pytest.param({"precision": "int4"}, "precision must be one of", id="unknown-precision"),
            pytest.param({"plan": {"crops": 1, "scales": []}}, r"plan must have the keys .*\['scales'\]", id="in-plan"),
            pytest.param({"plan": {"cycle": ["1/4", 3]}}, r"plan: cycle\[1\] must be str, got 3", id="in-cycle"),
            pytest.param({"decision": {"vote": "max"}}, "decision: vote must be one of", id="in-decision"),
            pytest.param({"decision": {"temperature": 10**400}}, "decision: temperature must be float", id="huge"),
            pytest.param({"decision": {"abstain": [0.1, 0.2, 0.3]}}, "decision: abstain must be", id="band-of-three"),
        ],
    )
    def test_refuses_values(self, change, message):
        raw = {**json.loads(make_contract().to_json()), **change}
        text = json.dumps({key: value for key, value in raw.items() if value is not ...})
        with pytest.raises(ContractError, match=message):
            Contract.from_json(text)
