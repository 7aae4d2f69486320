"""``benchmarks/ports.py`` with ports that are scripts of a few lines."""

from __future__ import annotations

import importlib.util
import json
import sys
from argparse import Namespace

import numpy as np
import pytest
from PIL import Image

from edgekit.data.manifest import Sample, write_manifest
from edgekit.errors import EdgekitError

MODEL = "tests/models/red_blue.tflite"
# A port that is Python's own runtime, and what it does to its answers first.
PORT = """
import json, sys
from pathlib import Path
import numpy as np
from edgekit.runtime import Classifier
from edgekit.runtime.crops import Box
from edgekit.runtime.photo import read_photo
from edgekit.runtime.preprocess import to_tensor

def spoilt(verdict, crops):
    {spoil}
    return verdict, crops

lines = [{{"engine": "a script", "platform": "here", "decoder": "Pillow"}}]
for job in map(json.loads, Path(sys.argv[1]).read_text().splitlines()):
    if job["do"] == "cut":
        lines.append({{"ms": [1.0] * job["runs"]}})
        continue
    with Classifier.load(job["model"]) as classifier:
        verdict = json.loads(json.dumps(classifier.classify(job["photo"], stop_early=job["stop_early"]).to_dict()))
        photo, side = read_photo(job["photo"], classifier.contract.plan.working_px), classifier.contract.side_px
    verdict, crops = spoilt(verdict, np.stack([to_tensor(photo, Box(*one["box"]), side) for one in verdict["crops"]]))
    if job["crops_to"]:
        Path(job["crops_to"]).write_bytes(crops.tobytes())
    lines.append({{"verdict": verdict}})
Path(sys.argv[2]).write_text("".join(json.dumps(line) + "\\n" for line in lines))
"""


@pytest.fixture(scope="module")
def script(repository):
    # A script is no module of the package; what it imports lies beside it.
    sys.path.insert(0, str(repository / "benchmarks"))
    spec = importlib.util.spec_from_file_location("ports", repository / "benchmarks" / "ports.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["ports"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["ports"]
    sys.path.remove(str(repository / "benchmarks"))


@pytest.fixture
def photos(tmp_path):
    root, samples = tmp_path / "photos", []
    for number in range(12):
        label = ("genuine", "recapture")[number % 2]
        path = f"{label}/{number}.png"
        (root / label).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), np.uint8)
        Image.fromarray(pixels).save(root / path)
        samples.append(Sample(path=path, label=label, group=f"author{number // 4}"))
    write_manifest(root / "manifest.csv", samples)
    return root


@pytest.fixture
def port(script, tmp_path):
    def made(spoil="pass", name="A port", **options):
        file = tmp_path / f"{name}.py"
        file.write_text(PORT.format(spoil=spoil), encoding="utf-8")
        return script.Port(name=name, command=lambda: [sys.executable, file], **options)

    return made


@pytest.fixture
def measure(script, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "ARRAY_WH", (400, 300))

    def measured(*ports, working=None):
        folder = tmp_path / f"work{len(list(tmp_path.glob('work*')))}"
        folder.mkdir()
        given = Namespace(photos=[photos], most=8, model=[MODEL], working=working, rounds=2, runs=2)
        return json.loads(json.dumps(script.measured(given, folder, ports)))

    return measured


def test_photos_are_taken_in_turns_over_groups_and_classes(script, photos):
    found = script.chosen([photos], 6)
    assert [(path.parent.name, group) for path, group in found] == [
        (label, f"author{number}") for number in range(3) for label in ("genuine", "recapture")
    ]
    assert len(script.chosen([photos, photos], 100)) == 24


def test_a_port_that_is_equal(measure, port):
    record = measure(port(), port(name="Timed", is_timed=True))
    (told,) = record["ports"]
    assert (told["engine"], told["absent"]) == ("a script", None)
    (model,) = told["models"]
    part = model["as_they_are"]
    assert (part["photos"], part["crops"], part["bytes"]) == (8, 24, 24 * 8 * 8 * 3)
    differences = {name: value for name, value in part.items() if "differ" in name or "largest" in name}
    assert set(differences.values()) == {0}
    assert record["groups"] == 3
    (timed,) = record["speed"]["ports"]
    assert timed["ms"] == [1.0, 1.0]
    assert timed["ratio"] > 0


@pytest.mark.parametrize(
    ("spoil", "measures"),
    [
        pytest.param(
            "crops = crops + np.uint8(1)", {"bytes_differ": 24 * 192, "photos_with_other_bytes": 8}, id="pixels"
        ),
        pytest.param("crops = crops[:1]", {"bytes_differ": 24 * 192, "largest_levels": 255}, id="crops-left-out"),
        pytest.param("verdict['crops'][0]['box'][0] += 1", {"boxes_differ": 8, "largest_steps": 0}, id="boxes"),
        pytest.param(
            "verdict['label'] = {'genuine': 'recapture', 'recapture': 'genuine'}[verdict['label']]",
            {"verdicts_differ": 8, "early_verdicts_differ": 8, "bytes_differ": 0},
            id="labels",
        ),
        pytest.param(
            "verdict['crops'][0]['probabilities'] = [p + 1 / 256 for p in verdict['crops'][0]['probabilities']]",
            {"largest_steps": pytest.approx(1, abs=1e-6), "largest_vote_steps": 0},
            id="scores",
        ),
        pytest.param("verdict['crops'].pop()", {"boxes_differ": 8, "early_crops_differ": 8}, id="fewer-crops"),
    ],
)  # fmt: skip
def test_a_port_that_differs(measure, port, spoil, measures):
    part = measure(port(spoil))["ports"][0]["models"][0]["as_they_are"]
    assert {name: part[name] for name in measures} == measures


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(
            "import sys; sys.exit('no JDK here')", "exit code 1, 0 of 17 answers; no JDK here", id="exit-code"
        ),
        pytest.param("", "exit code 0, 0 of 17 answers", id="no-answers"),
    ],
)
def test_a_port_that_can_not_run_is_in_the_record_with_its_reason(script, measure, code, reason):
    port = script.Port(name="Broken", command=lambda: [sys.executable, "-c", code])
    (told,) = measure(port)["ports"]
    assert told["name"] == "Broken"
    assert told["absent"].startswith(reason)
    missing = script.Port(name="Missing", command=lambda: ["/no/such/program"], is_timed=True)
    (timed,) = measure(missing)["speed"]["ports"]
    assert timed["ratio"] is None
    assert "No such file" in timed["absent"]


def test_what_is_measured_again_takes_its_own_place_alone(script, measure, port):
    old = measure(port(name="One"), port(name="Two"), port(name="Timed", is_timed=True))
    new = measure(port("crops = crops + np.uint8(1)", name="Two"))
    both = script.renewed(old, new)
    assert [one["name"] for one in both["ports"]] == ["One", "Two"]
    assert both["ports"][1] == new["ports"][0]
    assert both["speed"] == old["speed"]
    with pytest.raises(EdgekitError, match="about other photos"):
        script.renewed({**old, "photos_sha256": "0"}, new)
    with pytest.raises(EdgekitError, match="about another tests/models/red_blue"):
        script.renewed({**old, "models": [{**old["models"][0], "sha256": "0"}]}, new)


def test_a_variant_at_another_working_side_is_a_model_of_its_own(script, measure, port, photos):
    for file in photos.rglob("*.png"):
        Image.open(file).resize((140, 130)).save(file)
    old, new = measure(port(name="One")), measure(port(name="One"), working=64)
    both = script.renewed(old, new)
    assert [one["working_px"] for one in both["models"]] == [None, 64]
    (told,) = both["ports"]
    assert [[*one] for one in told["models"]] == [["model", "as_they_are"], ["model", "reduced"]]
    assert told["models"][1]["model"] == f"{MODEL} at 64 px"
    assert told["models"][1]["reduced"]["bytes_differ"] == 0


def test_steps_of_the_committed_models(script, repository):
    from edgekit.runtime import read_bundle

    demo = script.step_of(read_bundle(repository / "models" / "demo-int8.tflite").flatbuffer)
    assert (demo.of_logits, demo.size) == (True, pytest.approx(0.1328, abs=1e-4))
    assert script.step_of(read_bundle(repository / MODEL).flatbuffer) == script.Step(size=1 / 256, of_logits=False)


def test_votes_are_in_steps_of_the_logits_at_their_temperature(script):
    def answer(*row):
        crops = [{"box": [0, 0, 8, 8], "probabilities": [0.5, 0.5]}]
        return {"verdict": {"label": "a", "crops": crops, "probabilities": dict(zip("ab", row, strict=True))}}

    one, other = answer(0.5, 0.5), answer(1 / (1 + np.e), np.e / (1 + np.e))
    pair = script.Pair(expected=one, found=other, early=(one, other), crops=(__file__, __file__), shrink=1)
    step = script.Step(size=0.5, of_logits=True)
    for temperature, steps in ((1.0, 2.0), (0.1, 0.2)):
        told = script.compared([pair], step, temperature)
        assert told["largest_vote_steps"] == pytest.approx(steps)
        assert told["largest_steps"] == 0
