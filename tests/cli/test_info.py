"""``edgekit info``."""

from __future__ import annotations

import json

from fixtures.foreign import Kind, build, with_metadata


def test_info_prints_the_contract(edgekit_here, red_blue_file, red_blue):
    code, out, err = edgekit_here("info", red_blue_file, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["contract"] == json.loads(red_blue.contract.to_json())


def test_info_shows_heads(edgekit_here, heads_file, red_blue_file):
    code, out, err = edgekit_here("info", heads_file)
    assert (code, err) == (0, "")
    assert "heads: full, 1/4, native\n" in out
    assert json.loads(edgekit_here("info", heads_file, "--json")[1])["contract"]["heads"] == ["full", "1/4", "native"]
    assert "heads:" not in edgekit_here("info", red_blue_file)[1]


def test_a_model_that_others_made_is_described(edgekit_here, tmp_path):
    file = tmp_path / "foreign.tflite"
    file.write_bytes(
        with_metadata(build(Kind(signature=(-1, 8, 8, 3))), mean=(127.5,), std=(127.5,), labels=("a", "b", "c"))
    )
    code, out, err = edgekit_here("info", file)
    assert (code, err) == (0, "")
    for said in (
        "float32 [?, 8, 8, 3] (input_1)",
        "float32 [1, 3] (scores)",
        "1 FULLY_CONNECTED, 1 MEAN, 1 SOFTMAX",
        "(byte - 127.5) / 127.5",
        "things.txt with 3 lines",
        "serving_default",
        "yes; the metadata say how bytes go in",
        "edgekit adopt",
    ):
        assert said in out
    code, out, _ = edgekit_here("info", file, "--json")
    told = json.loads(out)
    assert told["contract"] is None
    assert told["model"]["inputs"] == [
        {"name": "input_1", "dtype": "float32", "shape": [-1, 8, 8, 3], "scale": None, "zero_point": None}
    ]
    assert told["adoption"]["command"] == f"edgekit adopt {file} --out adopted.tflite"


def test_what_nobody_says_is_asked_for(edgekit_here, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    file = tmp_path / "foreign.tflite"
    file.write_bytes(build(Kind()))
    code, out, err = edgekit_here("info", file)
    assert code == 0
    assert "yes, but nothing in the file says how bytes become its float32 input" in out
    assert "torch: --mean 123.675,116.28,103.53" in err


def test_info_says_of_a_rule_for_unknown_what_the_contract_has(edgekit_here, unknown_file):
    code, told, _ = edgekit_here("info", unknown_file)
    assert code == 0
    # This one has no rates.
    assert "unknown: by energy from score 0.5\n" in told
