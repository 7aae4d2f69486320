"""``benchmarks/unseen.py`` on a cross-validation of tiny models."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from dataclasses import replace

import pytest
from PIL import Image

from edgekit.crossval.options import CrossvalConfig
from edgekit.data.dataset import load_dataset
from edgekit.data.manifest import Sample, write_manifest
from edgekit.modelfile.write import update_contract
from edgekit.records import from_plain, plain, write_json
from edgekit.runtime import read_bundle
from edgekit.train.options import TrainConfig

pytest.importorskip("edgekit.train.keras2", reason="needs the host extra")
pytestmark = pytest.mark.host

FOLDS = 3


@pytest.fixture(scope="module")
def script(repository):
    # A script is no module of the package.
    spec = importlib.util.spec_from_file_location("unseen", repository / "benchmarks" / "unseen.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["unseen"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["unseen"]


@pytest.fixture
def photos(tmp_path):
    root, samples = tmp_path / "photos", []
    for number in range(24):
        label = ("genuine", "recapture")[number % 2]
        path = f"{label}/{number}.png"
        (root / label).mkdir(parents=True, exist_ok=True)
        blue = 30 * (number % 8) + (40 if label == "recapture" else 0)
        Image.new("RGB", (24, 20), (250 - blue, 20, blue)).save(root / path)
        samples.append(Sample(path=path, label=label, group=f"author{number // 4}", kind="tv" if number % 2 else ""))
    write_manifest(root / "manifest.csv", samples)
    return root


@pytest.fixture
def crossval(tmp_path, photos, red_blue_file):
    """What a cross-validation leaves, with the same model in every fold."""
    from edgekit.crossval.folds import fold_splits

    root, dataset = tmp_path / "cv", load_dataset(photos)
    config = CrossvalConfig(train=TrainConfig(), folds=FOLDS)
    write_json(root / "crossval.config.json", {"config": plain(config), "data_sha256": dataset.sha256})
    for number, split in enumerate(fold_splits(dataset, config)):
        for name in ("float", "int8-ptq", "int8-qat"):
            path = root / f"fold-{number}" / "models" / f"{name}.tflite"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(red_blue_file, path)
            contract = replace(read_bundle(path).contract, provenance={"split_sha256": split.sha256})
            update_contract(path, contract)
    return root


@pytest.fixture
def run(script, monkeypatch, capsys, tmp_path, photos, crossval):
    def run(*more):
        out = tmp_path / "tta.json"
        arguments = [photos, crossval, "--out", out, "--scores", tmp_path / "scores", *more]
        monkeypatch.setattr(sys, "argv", ["unseen.py", *map(str, arguments)])
        return script.main(), out, capsys.readouterr().err

    return run


def test_every_photo_is_judged_once_by_its_folds_model(script, run):
    code, out, err = run("--variants", "int8 QAT,float")
    assert code == 0, err
    record = from_plain(script.UnseenRecord, json.loads(out.read_text()), where="tta.json")
    assert [one.variant for one in record.details] == ["int8 QAT", "float"]
    assert (record.study.photos, record.study.groups, record.study.part) == (24, 6, "unseen")
    assert [len(model.file_sha256s) for model in record.study.models] == [FOLDS, FOLDS]
    for one in record.details:
        assert one.detail.photos == 24
        assert len({mistake.path for mistake in one.detail.mistakes}) == one.detail.all_mistakes


def test_a_model_that_may_know_its_photos_is_refused(run, crossval):
    first, second = (crossval / f"fold-{number}" / "models" / "int8-qat.tflite" for number in (0, 1))
    shutil.copy(second, first)
    code, out, err = run("--variants", "int8 QAT")
    assert (code, out.exists()) == (2, False)
    assert "was trained on another split than fold 0" in err


def test_other_photos_are_refused(run, photos):
    (photos / "genuine" / "0.png").unlink()
    rows = (photos / "manifest.csv").read_text().splitlines()
    (photos / "manifest.csv").write_text("\n".join(row for row in rows if not row.startswith("genuine/0.png")) + "\n")
    code, _, err = run()
    assert code == 2
    assert "is of other photos" in err
