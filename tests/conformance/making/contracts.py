"""Texts of contracts: those that are read, with what must be read, and those that are refused."""

from __future__ import annotations

import json
from typing import Any

from edgekit.contract import Contract
from edgekit.errors import ContractError
from making.tools import Vector, Writer

HASH = "0123456789abcdef" * 4
LEAST: dict[str, Any] = {
    "schema": 1,
    "name": "shelf",
    "labels": ["genuine", "recapture"],
    "side_px": 96,
    "precision": "int8",
    "model_sha256": HASH,
}
WHOLE: dict[str, Any] = {
    **LEAST,
    "bona_fide": "genuine",
    "plan": {"lead": ["full", "centre"], "cycle": ["native", "1/4", "999/999"], "crops": 4, "working_px": 720},
    "decision": {
        "vote": "mean",
        "temperature": 0.25,
        "threshold": 0.5,
        "abstain": [0.4, 0.6],
        "floor": None,
        "early_stop": [3, 2.5, 0.0],
    },
    "checked_on": ["litert 2.3.0", "tflite-runtime 2.14.0"],
    "provenance": {"numbers": [1, -2.5e-3, None, True, {"text": "\u00fc\u20ac\U0001f600"}]},
}
# A head for each scale of its plan.
HEADS: dict[str, Any] = {
    **LEAST,
    "schema": 2,
    "plan": {"lead": ["full", "centre"], "cycle": ["native", "1/4"], "crops": 4},
    "heads": ["full", "1/4", "native", "centre"],
}
# Of what a detector finds; the detector lies inside the file.
REGIONS: dict[str, Any] = {
    **LEAST,
    "schema": 3,
    "regions": {
        "detector": "blazeface-full",
        "detector_sha256": HASH,
        "place": "inside",
        "margin": 0.25,
        "align": "eyes",
        "least_score": 0.5,
        "iou": 0.3,
        "most": 20,
        "least_px": 24,
    },
}
UNKNOWN: dict[str, Any] = {
    **LEAST,
    "schema": 3,
    "unknown": {"rule": "energy", "threshold": 0.5, "false_accept": 0.1, "false_reject": 0.05, "auroc": 0.93},
}
# Any number of labels a photo, each from its own threshold on.
SEVERAL: dict[str, Any] = {**LEAST, "schema": 3, "labels": ["cat", "dog", "car"], "multi_label": [0.5, 0.25, 0.75]}
GONE = object()


def nested(levels: int, inner: str = "1") -> str:
    """Provenance with so many objects in each other, itself counted."""
    return '{"a": ' * levels + inner + "}" * levels


def least(**changes: Any) -> str:
    return _text(LEAST, changes)


def whole(**changes: Any) -> str:
    return _text(WHOLE, changes)


def _text(base: dict[str, Any], changes: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in {**base, **changes}.items() if value is not GONE})


def heads(*scales: Any, **changes: Any) -> str:
    return _text(HEADS, {"heads": list(scales), **changes})


def decision(**values: Any) -> str:
    return least(bona_fide="genuine", decision=values)


def plan(**values: Any) -> str:
    return least(plan=values)


def unknown(**values: Any) -> str:
    return _text(UNKNOWN, {"unknown": values})


def raw(key: str, text: str, base: dict[str, Any] = LEAST) -> str:
    """A contract with a value as it is written, which json.dumps would write otherwise."""
    marker = "what stands here is written as it is"
    return _text(base, {key: marker}).replace(f'"{marker}"', text)


Named = list[tuple[str, str, str]]

READ: Named = [
    ("least", least(), "catches other defaults than Python's for what may be left out"),
    ("whole", whole(), "catches a key that is read under another name, or not at all"),
    (
        "nulls",
        whole(bona_fide=None, decision={"threshold": None, "abstain": None, "floor": None, "early_stop": None}),
        "catches null that is refused where nothing is meant",
    ),
    (
        "empty-parts",
        least(plan={}, decision={}, checked_on=[], provenance={}),
        "catches empty objects that are refused",
    ),
    ("integer-for-real", decision(threshold=1, temperature=1, abstain=[0, 1]), "catches integers refused for reals"),
    ("real-with-exponent", raw("decision", '{"temperature": 25E-2}'), "catches exponents in upper case"),
    ("minus-zero", raw("decision", '{"threshold": -0.0}', WHOLE), "catches -0.0 that counts as less than 0"),
    ("temperature-least", decision(temperature=0.01), "catches a limit of the temperature that must be exceeded"),
    ("temperature-most", decision(temperature=100), "catches a limit of the temperature that must not be reached"),
    ("threshold-ends", decision(threshold=0.0, floor=1.0), "catches 0 and 1 refused as threshold and floor"),
    ("side-least", least(side_px=8), "catches a smallest side that is refused"),
    ("side-most", least(side_px=1024), "catches a largest side that is refused"),
    ("crops-most", plan(crops=1000), "catches a largest number of crops that is refused"),
    ("working-least", plan(working_px=64), "catches a smallest working size that is refused"),
    ("working-most", plan(working_px=20000), "catches a largest working size that is refused"),
    ("lead-and-cycle-of-64", plan(lead=["full"] * 64, cycle=["1/4"] * 64), "catches longest lists that are refused"),
    (
        "one-crop-stops-after-none",
        decision(early_stop=[]).replace('"decision"', '"plan": {"crops": 1}, "decision"'),
        "catches no bounds refused for a plan of one crop",
    ),
    ("fraction-not-reduced", plan(cycle=["2/4", "999/999"]), "catches fractions that must be in lowest terms"),
    ("empty-name", least(name=""), "catches a name that must have characters"),
    (
        "name-of-200",
        least(name="n" * 150 + "\U0001f600" * 50),
        "catches lengths in UTF-16 units or bytes instead of characters",
    ),
    ("blanks-in-label", least(labels=[" a", "b c "]), "catches labels that are stripped"),
    ("retake-in-upper-case", least(labels=["Retake", "UNKNOWN"]), "catches reserved words in other cases refused"),
    (
        "labels-not-normalised",
        least(labels=["caf\u00e9", "cafe\u0301"]),
        "catches labels that count as equal because Unicode can compose one from the other",
    ),
    (
        "labels-of-objects",
        least(labels=["__proto__", "constructor"], bona_fide="__proto__"),
        "catches labels that mean something to the language that reads them",
    ),
    ("no-break-marks", least(labels=["\u0928\u092e", "\u05e9\u05dc"]), "catches scripts other than Latin refused"),
    ("keys-in-another-order", json.dumps(dict(reversed(WHOLE.items()))), "catches keys that must stand in order"),
    ("escapes", raw("name", '"\\u0073\\u0068elf \\ud83d\\ude00 \\/ \\\\ \\""'), "catches JSON's escapes"),
    (
        "white-space",
        "\t\r\n " + json.dumps(LEAST, indent="\t").replace("\n", "\r\n") + "\r\n",
        "catches blanks of JSON refused",
    ),
    (
        "key-twice",
        json.dumps(LEAST)[:-1] + ', "name": "second"}',
        "catches the first of two equal keys taken, not the last",
    ),
    (
        "schema-twice",
        '{"schema": 2, ' + json.dumps(LEAST)[1:],
        "catches the first of two equal keys taken, not the last",
    ),
    ("heads", _text(HEADS, {}), "catches the schema with heads refused, or its heads in another order"),
    (
        "heads-more-than-the-plan",
        heads("full", "1/3", "native", "1/4", "2/8", "centre"),
        "catches heads of scales that this plan does not have refused",
    ),
    (
        "heads-16",
        heads("full", "centre", "native", *(f"1/{n}" for n in range(4, 17))),
        "catches a largest number of heads that is refused",
    ),
    (
        "heads-of-a-plan-without-lead",
        heads("1/4", "native", plan={"cycle": ["1/4", "native"]}),
        "catches the first crop's scale looked for in the lead alone",
    ),
    (
        "heads-and-bounds",
        heads("full", "1/4", "native", "centre", bona_fide="genuine", decision={"early_stop": [3, 2, 1]}),
        "catches bounds refused beside heads",
    ),
    ("regions", _text(REGIONS, {}), "catches regions that are passed over: the whole photo would be classified"),
    (
        "regions-and-heads",
        _text({**HEADS, **REGIONS, "schema": 3}, {}),
        "catches a schema that is told by its heads alone",
    ),
    ("unknown-by-energy", _text(UNKNOWN, {}), "catches a rule for unknown that is passed over"),
    *(
        (f"unknown-by-{rule}", unknown(rule=rule, threshold=at), "catches rules, or ends of the range, refused")
        for rule, at in (("probability", 0), ("distance", 1))
    ),
    (
        "unknown-and-heads",
        _text({**HEADS, **UNKNOWN, "schema": 3}, {}),
        "catches a schema that is told by its heads alone",
    ),
    (
        "unknown-and-nulls",
        _text(UNKNOWN, {"heads": None, "regions": None, "multi_label": None}),
        "catches null refused for what the schema has and this contract has not",
    ),
    ("several-labels-and-nulls", _text(SEVERAL, {"heads": None, "unknown": None}), "catches null refused likewise"),
    ("several-labels", _text(SEVERAL, {}), "catches several labels that are passed over"),
    (
        "several-labels-with-a-label-unlike",
        _text(SEVERAL, {"labels": ["None", "a b", "c"]}),
        "catches an answer's word looked for in other cases",
    ),
    ("provenance-20-deep", raw("provenance", nested(20)), "catches a depth that is counted from 1"),
    ("provenance-20-and-empty", raw("provenance", nested(20, "[]")), "catches empty lists that count as a level"),
    (
        "provenance-proto",
        raw("provenance", '{"__proto__": {"schema": 9}}'),
        "catches keys that mean something to a language",
    ),
    (
        "provenance-large-numbers",
        raw("provenance", '{"a": 123456789012345678901234567890, "b": 1e400}'),
        "catches numbers of provenance, which nobody computes with, that are refused",
    ),
    (
        "provenance-lone-surrogate",
        raw("provenance", '{"file": "\\udc80.jpg"}'),
        "catches escapes of file names that are no Unicode refused",
    ),
]

REFUSED: Named = [
    # Not JSON.
    ("empty", "", "catches nothing taken for an empty object"),
    ("cut", whole()[:-1], "catches an end that is missing"),
    ("two-texts", least() + least(), "catches a second text behind the first"),
    ("trailing-comma", least()[:-1] + ",}", "catches a comma at the end of an object"),
    ("trailing-comma-in-list", raw("labels", '["a", "b",]'), "catches a comma at the end of a list"),
    ("no-comma", raw("labels", '["a" "b"]'), "catches a comma that is missing"),
    ("comment", "/* shelf */ " + least(), "catches comments"),
    ("line-comment", least() + " // shelf", "catches comments"),
    ("single-quotes", least().replace('"shelf"', "'shelf'"), "catches single quotes"),
    ("unquoted-text", raw("name", "shelf"), "catches text without quotes"),
    ("unquoted-key", least().replace('"name"', "name"), "catches keys without quotes"),
    ("equals-sign", least().replace('"name":', '"name" ='), "catches other signs than the colon"),
    ("semicolon", least().replace(", ", "; ", 1), "catches other signs than the comma"),
    ("mark", "\ufeff" + least(), "catches a byte order mark"),
    ("no-break-space", "\u00a0" + least(), "catches blanks that JSON does not know"),
    ("form-feed", "\f" + least(), "catches blanks that JSON does not know"),
    ("xssi-prefix", ")]}'\n" + least(), "catches a prefix that some readers skip"),
    ("raw-line-end", raw("name", '"she\nlf"'), "catches control characters inside a text"),
    ("raw-tab", raw("provenance", '{"a": "\t"}'), "catches control characters inside a text"),
    ("unknown-escape", raw("provenance", r'{"a": "\x41"}'), "catches escapes that JSON does not know"),
    ("short-escape", raw("provenance", r'{"a": "\u12"}'), "catches escapes that are cut"),
    ("signed-escape", raw("provenance", r'{"a": "\u+123"}'), "catches escapes that a number's reader takes"),
    ("leading-zero", raw("side_px", "096"), "catches numbers with a zero in front"),
    ("plus", raw("side_px", "+96"), "catches numbers with a plus"),
    ("hexadecimal", raw("side_px", "0x60"), "catches hexadecimal numbers"),
    ("no-digit-before-point", raw("decision", '{"temperature": .5}'), "catches a point without digits before it"),
    ("no-digit-after-point", raw("decision", '{"temperature": 1.}'), "catches a point without digits behind it"),
    ("no-digit-in-exponent", raw("decision", '{"temperature": 1e}'), "catches an exponent without digits"),
    ("suffix", raw("decision", '{"temperature": 1.0f}'), "catches a number's suffix"),
    ("other-digits", raw("side_px", "\u0669\u0666"), "catches digits of other scripts"),
    ("capital-true", raw("provenance", '{"a": True}'), "catches words in other cases"),
    ("nan", raw("provenance", '{"a": NaN}'), "catches NaN, which Python's own reader takes"),
    ("infinity", raw("provenance", '{"a": -Infinity}'), "catches infinity, which Python's own reader takes"),
    ("brackets", "[" * 2_000, "catches a reader that recurses without end"),
    ("list", "[" + least() + "]", "catches a list around the object"),
    ("text", json.dumps(least()), "catches JSON inside JSON"),
    ("null", "null", "catches null taken for an empty object"),
    # Another shape.
    ("newer", _text(HEADS, {"schema": 4}), "catches a newer schema that is read as if it were known"),
    ("regions-in-schema-2", _text(REGIONS, {"schema": 2}), "catches a key that the second schema does not have"),
    ("regions-null", _text(REGIONS, {"regions": None}), "catches the schema of regions without them"),
    ("schema-2-without-heads", least(schema=2), "catches the schema of heads without them"),
    ("heads-null", _text(HEADS, {"heads": None}), "catches null taken for one head"),
    ("heads-in-schema-1", _text(HEADS, {"schema": 1}), "catches a key that the first schema does not have"),
    ("heads-null-in-schema-1", least(heads=None), "catches a key that the first schema does not have, without a value"),
    ("heads-text", _text(HEADS, {"heads": "full"}), "catches a text taken for a list"),
    ("heads-number", heads("full", "1/4", "native", 4), "catches a number in a list of scales"),
    ("newer-and-other-keys", least(schema=5, zoom=2), "catches a newer schema that is told as an unknown key"),
    ("schema-0", least(schema=0), "catches schemas that never were"),
    ("schema-missing", least(schema=GONE), "catches a schema that is left out"),
    ("schema-true", least(schema=True), "catches true taken for 1"),
    ("schema-real", raw("schema", "1.0"), "catches reals taken for integers"),
    ("schema-text", least(schema="1"), "catches texts taken for numbers"),
    ("schema-huge", raw("schema", "18446744073709551617"), "catches integers that wrap: this is 1 in 64 bits"),
    *((f"without-{key}", least(**{key: GONE}), f"catches a contract without {key}") for key in list(LEAST)[1:]),
    ("unknown-key", least(threshold=0.5), "catches keys that nobody knows"),
    ("unknown-key-of-plan", plan(Crops=3), "catches keys in another case"),
    ("unknown-key-of-decision", decision(tau=1), "catches keys that nobody knows"),
    ("key-proto", raw("__proto__", "{}"), "catches a key that a language swallows"),
    ("plan-null", least(plan=None), "catches null where something is meant"),
    ("plan-list", least(plan=[]), "catches a list taken for an empty object"),
    ("decision-null", least(decision=None), "catches null where something is meant"),
    ("provenance-null", least(provenance=None), "catches null where something is meant"),
    ("provenance-list", least(provenance=[]), "catches a list taken for an empty object"),
    ("checked-on-text", least(checked_on="litert"), "catches a text taken for a list of its letters"),
    ("checked-on-number", least(checked_on=["litert", 2]), "catches a number in a list of texts"),
    ("name-number", least(name=1), "catches a number taken for its text"),
    ("name-null", least(name=None), "catches null taken for a text"),
    ("labels-null", least(labels=None), "catches null where something is meant"),
    ("labels-text", least(labels="ab"), "catches a text taken for a list of its letters"),
    ("labels-object", least(labels={"a": 0, "b": 1}), "catches an object taken for a list of its keys"),
    ("label-number", least(labels=["a", 1]), "catches a number taken for its text"),
    ("label-null", least(labels=["a", None]), "catches null taken for a text"),
    ("bona-fide-number", least(bona_fide=0), "catches an index taken for a label"),
    ("side-true", least(side_px=True), "catches true taken for a number"),
    ("side-real", raw("side_px", "96.0"), "catches reals taken for integers"),
    ("side-exponent", raw("side_px", "96e0"), "catches reals taken for integers"),
    ("side-text", least(side_px="96"), "catches texts taken for numbers"),
    ("side-list", least(side_px=[96]), "catches lists of one taken for what is in them"),
    ("side-null", least(side_px=None), "catches null taken for a number"),
    ("side-huge", raw("side_px", "4294967392"), "catches integers that wrap: this is 96 in 32 bits"),
    ("crops-true", plan(crops=True), "catches true taken for a number"),
    ("crops-real", raw("plan", '{"crops": 3.0}'), "catches reals taken for integers"),
    ("crops-null", plan(crops=None), "catches null where something is meant"),
    ("working-real", raw("plan", '{"working_px": 720.0}'), "catches reals taken for integers"),
    ("lead-text", plan(lead="full"), "catches a text taken for a list"),
    ("lead-null", plan(lead=None), "catches null taken for an empty list"),
    ("cycle-number", plan(cycle=[0.25]), "catches a number taken for a fraction"),
    ("vote-null", decision(vote=None), "catches null where something is meant"),
    ("temperature-true", decision(temperature=True), "catches true taken for a number"),
    ("temperature-null", decision(temperature=None), "catches null where something is meant"),
    ("temperature-text", decision(temperature="1"), "catches texts taken for numbers"),
    ("threshold-false", decision(threshold=False), "catches false taken for a number"),
    ("abstain-one", decision(abstain=[0.4]), "catches half a band"),
    ("abstain-three", decision(abstain=[0.4, 0.5, 0.6]), "catches a band of three ends"),
    ("abstain-true", decision(abstain=[0, True]), "catches true taken for a number"),
    ("abstain-object", decision(abstain={"low": 0.4, "high": 0.6}), "catches an object taken for a band"),
    ("early-stop-null-inside", decision(early_stop=[1] * 8 + [None]), "catches null taken for a number"),
    ("early-stop-number", decision(early_stop=1.0), "catches a number taken for a list of one"),
    ("unknown-in-schema-2", _text(UNKNOWN, {"schema": 2}), "catches a key that the second schema does not have"),
    ("unknown-null", _text(UNKNOWN, {"unknown": None}), "catches the schema of unknown without it"),
    ("unknown-number", _text(UNKNOWN, {"unknown": 0.5}), "catches a threshold alone"),
    ("unknown-without-rule", _text(UNKNOWN, {"unknown": {"threshold": 0.5}}), "catches a rule that is left out"),
    ("unknown-without-threshold", _text(UNKNOWN, {"unknown": {"rule": "energy"}}), "catches a threshold left out"),
    ("unknown-other-rule", unknown(rule="odin", threshold=0.5), "catches rules that nobody knows"),
    ("unknown-other-key", unknown(rule="energy", threshold=0.5, alpha=1), "catches keys that nobody knows"),
    ("unknown-above", unknown(rule="energy", threshold=1.5), "catches thresholds that are no probabilities"),
    ("unknown-rate-above", unknown(rule="energy", threshold=0.5, auroc=93), "catches rates in percent"),
    ("unknown-true", unknown(rule="energy", threshold=True), "catches true taken for a number"),
    ("unknown-and-floor", _text(UNKNOWN, {"decision": {"floor": 0.5}}), "catches two rules for unknown"),
    ("unknown-and-bounds", _text(UNKNOWN, {"decision": {"early_stop": [1.0] * 9}}), "catches unknown of some crops"),
    ("unknown-and-bona-fide", _text(UNKNOWN, {"bona_fide": "genuine"}), "catches unknown beside attacks"),
    ("several-labels-in-schema-1", _text(SEVERAL, {"schema": 1}), "catches a key that the first schema does not have"),
    ("several-labels-null", _text(SEVERAL, {"multi_label": None}), "catches the schema without what it is for"),
    ("several-labels-true", _text(SEVERAL, {"multi_label": True}), "catches a flag in place of thresholds"),
    ("several-labels-short", _text(SEVERAL, {"multi_label": [0.5, 0.5]}), "catches a threshold too few"),
    ("several-labels-long", _text(SEVERAL, {"multi_label": [0.5] * 4}), "catches a threshold too many"),
    ("several-labels-0", _text(SEVERAL, {"multi_label": [0.5, 0, 0.5]}), "catches a label that every photo has"),
    ("several-labels-1", _text(SEVERAL, {"multi_label": [0.5, 1, 0.5]}), "catches a label that no photo has"),
    (
        "several-labels-none",
        _text(SEVERAL, {"labels": ["cat", "none", "car"]}),
        "catches a label that is an answer of its own",
    ),
    ("several-labels-bar", _text(SEVERAL, {"labels": ["cat", "a|b", "car"]}), "catches a label that reads as two"),
    ("several-labels-and-unknown", _text({**UNKNOWN, **SEVERAL}, {}), "catches unknown beside several labels"),
    ("several-labels-and-floor", _text(SEVERAL, {"decision": {"floor": 0.5}}), "catches unknown beside several labels"),
    (
        "several-labels-and-bona-fide",
        _text(SEVERAL, {"bona_fide": "cat"}),
        "catches attacks beside several labels",
    ),
    (
        "several-labels-and-bounds",
        _text(SEVERAL, {"decision": {"early_stop": [1.0] * 9}}),
        "catches labels that some crops decide",
    ),
    (
        "several-labels-and-heads",
        _text({**HEADS, "schema": 3, "multi_label": [0.5, 0.5]}, {}),
        "catches heads beside several labels",
    ),
    # Beyond the ranges.
    ("name-of-201", least(name="n" * 201), "catches names without a limit"),
    ("name-of-two-lines", least(name="a\nb"), "catches names that are not printable"),
    ("name-with-override", least(name="a\u202eb"), "catches marks that turn text round"),
    ("name-with-surrogate", raw("name", '"\\ud800"'), "catches half a character"),
    ("name-with-no-break-space", least(name="a\u00a0b"), "catches blanks other than the space"),
    ("name-with-delete", least(name="a\x7fb"), "catches control characters beyond 32"),
    ("label-empty", least(labels=["a", ""]), "catches labels without a letter"),
    ("label-blank", least(labels=["a", "  "]), "catches labels of blanks"),
    ("label-line-end", least(labels=["a", "b\n"]), "catches labels that are not printable"),
    ("label-line-separator", least(labels=["a", "b\u2028c"]), "catches line ends of Unicode"),
    ("label-zero-width", least(labels=["a", "a\u200b"]), "catches labels that look alike"),
    ("label-retake", least(labels=["a", "retake"]), "catches a label that is an answer of its own"),
    ("label-unknown", least(labels=["unknown", "b"]), "catches a label that is an answer of its own"),
    ("label-twice", least(labels=["a", "b", "a"]), "catches two labels of one name"),
    ("one-label", least(labels=["a"]), "catches a model with nothing to tell apart"),
    ("no-label", least(labels=[]), "catches a model without labels"),
    ("bona-fide-foreign", least(bona_fide="live"), "catches a bona fide label that is none of the labels"),
    ("bona-fide-empty", least(bona_fide=""), "catches an empty text taken for none"),
    ("precision-int4", least(precision="int4"), "catches precisions that nobody knows"),
    ("precision-upper-case", least(precision="INT8"), "catches names in other cases"),
    ("side-7", least(side_px=7), "catches inputs that are too small"),
    ("side-1025", least(side_px=1025), "catches inputs that are too large"),
    ("side-negative", least(side_px=-96), "catches negative numbers"),
    ("hash-short", least(model_sha256=HASH[:-1]), "catches a hash that is cut"),
    ("hash-upper-case", least(model_sha256=HASH.upper()), "catches a hash in upper case"),
    ("hash-and-line-end", least(model_sha256=HASH + "\n"), "catches a line end that a pattern's end lets pass"),
    ("hash-other-digits", least(model_sha256="\u0660" + HASH[1:]), "catches digits of other scripts"),
    ("crops-0", plan(crops=0), "catches a plan without crops"),
    ("crops-1001", plan(crops=1001), "catches a plan of too many crops"),
    ("cycle-empty", plan(cycle=[]), "catches a plan without scales"),
    ("cycle-of-65", plan(cycle=["1/4"] * 65), "catches lists without a limit"),
    ("lead-of-65", plan(lead=["full"] * 65), "catches lists without a limit"),
    ("working-63", plan(working_px=63), "catches working sizes that are too small"),
    ("working-20001", plan(working_px=20001), "catches working sizes that are too large"),
    *(
        (f"scale-{name}", plan(cycle=[scale]), why)
        for name, scale, why in (
            ("misspelt", "center", "catches scales that nobody knows"),
            ("upper-case", "Full", "catches scales in other cases"),
            ("empty", "", "catches an empty scale"),
            ("above-one", "4/3", "catches fractions above 1"),
            ("zero", "0/4", "catches a crop of no width"),
            ("by-zero", "1/0", "catches a fraction of nothing"),
            ("leading-zero", "01/4", "catches a zero in front"),
            ("four-digits", "1000/1000", "catches fractions of four digits"),
            ("blank", "1/4 ", "catches blanks that are stripped"),
            ("line-end", "1/4\n", "catches a line end that a pattern's end lets pass"),
            ("decimal", "0.25", "catches decimal fractions"),
            ("sign", "+1/4", "catches signs that a number's reader takes"),
            ("other-digits", "\u0661/\u0664", "catches digits of other scripts"),
        )
    ),
    ("heads-none", heads(), "catches a list of no heads"),
    ("heads-one", heads("full", plan={"cycle": ["full"]}), "catches one head, which needs no list"),
    ("heads-twice", heads("full", "1/4", "native", "centre", "1/4"), "catches two heads of one scale"),
    (
        "heads-17",
        heads("full", "centre", "native", *(f"1/{n}" for n in range(4, 18))),
        "catches heads without a limit",
    ),
    ("heads-misspelt", heads("full", "1/4", "native", "centre", "half"), "catches scales that nobody knows"),
    (
        "heads-other-first",
        heads("1/4", "full", "native", "centre"),
        "catches a first head that is not the first crop's",
    ),
    ("heads-without-one-of-lead", heads("full", "1/4", "native"), "catches a leading scale without a head"),
    ("heads-without-one-of-cycle", heads("full", "1/4", "centre"), "catches a cycled scale without a head"),
    (
        "heads-of-equal-fractions",
        heads("full", "2/8", "native", "centre"),
        "catches scales compared by their values: they are names",
    ),
    (
        "heads-without-one-beyond-the-crops",
        heads("full", "1/4", plan={"lead": ["full"], "cycle": ["1/4", "native"], "crops": 2}),
        "catches a scale without a head that only more crops would need",
    ),
    ("vote-unknown", decision(vote="max"), "catches votes that nobody knows"),
    ("temperature-0", decision(temperature=0), "catches a division by zero"),
    ("temperature-below", decision(temperature=0.0099), "catches temperatures below 0.01"),
    ("temperature-above", decision(temperature=100.5), "catches temperatures above 100"),
    ("temperature-infinite", raw("decision", '{"temperature": 1e400}'), "catches numbers that are infinite once read"),
    ("temperature-huge", raw("decision", '{"temperature": 1' + "0" * 400 + "}"), "catches integers beyond floats"),
    ("threshold-below", decision(threshold=-0.1), "catches thresholds that are no probabilities"),
    ("threshold-above", decision(threshold=1.1), "catches thresholds that are no probabilities"),
    ("threshold-percent", decision(threshold=50), "catches thresholds in percent"),
    ("floor-above", decision(floor=1.5), "catches floors that are no probabilities"),
    ("abstain-empty-band", decision(abstain=[0.5, 0.5]), "catches a band without an inside"),
    ("abstain-turned", decision(abstain=[0.6, 0.4]), "catches a band whose ends are swapped"),
    ("abstain-below", decision(abstain=[-0.1, 0.4]), "catches a band that begins below 0"),
    ("abstain-above", decision(abstain=[0.4, 1.1]), "catches a band that ends above 1"),
    ("threshold-without-bona-fide", least(decision={"threshold": 0.5}), "catches an attack score of nothing"),
    ("abstain-without-bona-fide", least(decision={"abstain": [0.4, 0.6]}), "catches an attack score of nothing"),
    ("early-stop-short", decision(early_stop=[1.0] * 8), "catches a bound too few"),
    ("early-stop-long", decision(early_stop=[1.0] * 10), "catches a bound for the last crop"),
    ("early-stop-empty", decision(early_stop=[]), "catches no bounds for a plan of ten crops"),
    ("early-stop-negative", decision(early_stop=[1.0] * 8 + [-1.0]), "catches bounds below 0"),
    ("early-stop-infinite", raw("decision", '{"early_stop": [1,1,1,1,1,1,1,1,1e999]}'), "catches bounds without end"),
    ("early-stop-and-floor", decision(early_stop=[1.0] * 9, floor=0.5), "catches unknown that some crops decide"),
    ("provenance-21-deep", raw("provenance", nested(21)), "catches provenance that is nested without end"),
    ("lists-21-deep", raw("provenance", f'{{"a": {"[" * 20}1{"]" * 20}}}'), "catches lists that are no levels"),
]


def read_values(contract: Contract) -> Vector:
    """What a port must have read: all but provenance, which is for people."""
    return {key: value for key, value in contract.to_plain().items() if key != "provenance"}


def contracts(to: Writer) -> None:
    vectors = []
    for accepted, named in ((True, READ), (False, REFUSED)):
        for name, text, why in named:
            try:
                contract = read_values(Contract.from_json(text))
            except ContractError:
                contract = None
            assert (contract is not None) is accepted, f"contracts/{name}: accepted must be {accepted}"
            tolerance = {"answers": 0}
            vectors.append({"name": name, "why": why, "tolerance": tolerance, "json": text, "contract": contract})
    to.manifest("contracts", "Texts of edgekit.json: what is read of them, and which are refused.", vectors)
