"""Which photos may judge a model, which may choose its operating point, and what has to be said beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.contract import Contract
from edgekit.data.dataset import Dataset
from edgekit.data.groups import with_groups
from edgekit.data.manifest import Sample
from edgekit.data.names import shorten
from edgekit.data.options import PartChoice, SplitConfig
from edgekit.data.splits import Part, Split, split_dataset
from edgekit.errors import DataError
from edgekit.progress import SILENT, Progress
from edgekit.records import from_plain

# A percentile interval over fewer groups than this says little.
_FEW_GROUPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The photos that numbers are measured on.

    Attributes:
        samples: Photos with labels.
        part: Name of the part of the data that the samples are.
        caution: A caution to print beside every number; empty where none is needed.
        out_of_fold: Whether the photos trained the model, so that their scores are those of heads that had not seen
            them, which lie beside the model.
        is_own_test: Whether they are the test photos of the data that the model was trained on.
    """

    samples: tuple[Sample, ...]
    part: str
    caution: str
    out_of_fold: bool = False
    is_own_test: bool = False


def choose_photos(
    dataset: Dataset,
    contract: Contract,
    part: PartChoice,
    *,
    takes_folds: bool = False,
    progress: Progress = SILENT,
) -> Chosen:
    """Photos to measure a model on: its own test photos when the data is what it was trained on, else all.

    Where folds inside the training photos stood in for validation photos, these are the part ``val``; and the usual
    choice, where all photos trained the model.

    Args:
        dataset: Photos with labels.
        contract: The model's contract.
        part: The part that is asked for.
        takes_folds: Whether scores of folds will do. Without, the file itself is measured, on photos that trained it
            where there are no others.
        progress: Told of each photo where groups are derived anew.

    Raises:
        DataError: labels that the model doesn't know, or a part that can't be told: the model was trained on a split
            that the data and the model's configuration don't give, or it has no such part.
    """
    refuse_strangers(dataset.labels, root=dataset.root, known=contract.labels)
    trained_on = contract.provenance.get("data_sha256")
    own = trained_on == dataset.sha256
    unknown = "the model was trained on other photos or an older state of these: any it knows flatter it"
    config = SplitConfig()
    # Which photos a model of before it was noted was tested on can't be told; all of them can.
    if own and not (part == "all" and "split_config" not in contract.provenance):
        config = from_plain(SplitConfig, contract.provenance.get("split_config"), where="split_config", error=DataError)
        dataset = with_groups(dataset, config.group_by, progress)
    if part == "all" or (part == "auto" and not own):
        caution = "these photos also trained the model: the numbers flatter" if own else unknown if trained_on else ""
        said = (
            _one_sided(dataset.samples, contract),
            caution,
            _choice_caution(contract, dataset, "all"),
            _few_groups(dataset.samples),
        )
        return Chosen(samples=dataset.samples, part="all", caution=joined(*said))
    wanted: Part = "test" if part == "auto" else part
    by_folds = own and contract.provenance.get("validated_by") == "folds"
    split = split_dataset(dataset, config, holds_out_val=not by_folds)
    if own and contract.provenance.get("split_sha256") != split.sha256:
        raise DataError(
            f"the model was trained on another split of {dataset.root} than the data itself gives (a fold of a "
            f"cross-validation?), so its {wanted} photos can't be told; use --split all, whose numbers flatter, or the "
            "cross-validation's own"
        )
    if own and wanted == "test" and not split.test:
        if part == "test":
            raise DataError(
                "the model has no test photos, as all trained it (--test-fraction 0); use --split val, or other photos"
            )
        wanted = "val" if takes_folds or not by_folds else "train"
    if by_folds and wanted == "val":
        return _judged_by_folds(dataset, split, takes_folds=takes_folds)
    cautions = {
        "train": "these photos trained the model: the numbers flatter",
        "val": "these photos chose epochs and thresholds",
    }
    samples = split.samples(dataset, wanted)
    flatters = cautions.get(wanted, "") if own else unknown if trained_on else ""
    tuned = "" if own and wanted == "val" else _choice_caution(contract, dataset, wanted)
    caution = joined(_one_sided(samples, contract), split.caution, flatters, tuned, _few_groups(samples))
    return Chosen(samples=samples, part=wanted, caution=caution, is_own_test=own and wanted == "test")


def check_kind(dataset: Dataset, contract: Contract) -> None:
    """Hold that photos were read as a model tells them, with one label each or with several.

    Raises:
        DataError: they were not.
    """
    tells_several = contract.multi_label is not None
    if tells_several != dataset.multi_label:
        raise DataError(
            f"{contract.name} tells {'several labels' if tells_several else 'one label'} of a photo, got photos "
            f"read with {'several' if dataset.multi_label else 'one each'}; read them as the model tells them"
        )


def refuse_strangers(labels: Sequence[str], *, root: Path, known: Sequence[str]) -> None:
    """Hold that a model knows all classes of photos.

    Raises:
        DataError: names those that it doesn't know.
    """
    strangers = sorted(set(labels) - set(known))
    if strangers:
        raise DataError(
            f"{root} has labels that the model does not know: {shorten(strangers)}; it knows {shorten(known)}; rename "
            "them, or leave their photos out"
        )


def _judged_by_folds(dataset: Dataset, split: Split, *, takes_folds: bool) -> Chosen:
    if not takes_folds:
        raise DataError(
            "the model has no validation photos of its own: folds inside the training photos stood in for them, and "
            "this command runs the file itself; use --split test, or --split train, whose numbers flatter"
        )
    samples = split.samples(dataset, "train")
    said = (
        "out of fold: these photos trained the model, and each was judged by a head that had not seen its "
        f"{'group' if dataset.has_groups else 'fold'}; they chose the head and the operating point"
    )
    caution = joined(split.caution, said, _few_groups(samples))
    return Chosen(samples=samples, part="val", caution=caution, out_of_fold=True)


def choosing_photos(dataset: Dataset, contract: Contract, part: PartChoice, progress: Progress = SILENT) -> Chosen:
    """Photos that may choose an operating point: those that judge the model afterwards may not.

    Raises:
        DataError: test or training photos, or a part that can't be told; see :func:`choose_photos`.
    """
    own = contract.provenance.get("data_sha256") == dataset.sha256
    if part in ("test", "train") or (part == "all" and own):
        raise DataError(
            f"a threshold is chosen on validation photos, got --split {part}: those would flatter it; use --split val, "
            "or --split all with other photos, which judge nothing afterwards"
        )
    part = "val" if part == "auto" and own else part
    return choose_photos(dataset, contract, part, takes_folds=True, progress=progress)


def choice_note(dataset: Dataset, part: str) -> dict[str, str]:
    """For a contract's provenance: the photos that chose its operating point."""
    return {"data_sha256": dataset.sha256, "part": part}


def _choice_caution(contract: Contract, dataset: Dataset, part: str) -> str:
    """What to say where some of these photos chose the operating point; a file's word is not trusted to be any."""
    note = contract.provenance.get("operating_point")
    if not isinstance(note, dict) or note.get("data_sha256") != dataset.sha256:
        return ""
    if part not in ("all", note.get("part")) and note.get("part") != "all":
        return ""
    return "these photos chose the operating point, some of them at least: the numbers flatter"


def _one_sided(samples: Sequence[Sample], contract: Contract) -> str:
    """What can't be told of photos that are all attacks, all genuine, or all of one class."""
    labels = {sample.label for sample in samples}
    if contract.multi_label is not None:
        return ""
    if contract.bona_fide is not None and contract.bona_fide not in labels:
        return "no genuine photos among these: they tell the APCER, and no BPCER, accuracy, AUC or EER"
    if labels == {contract.bona_fide}:
        return "no attacks among these photos: they tell the BPCER, and no APCER, accuracy, AUC or EER"
    if len(labels) == 1:
        return f"all photos are of {min(labels)!r}: they tell its recall, and neither accuracy nor precision"
    return ""


def joined(*cautions: str) -> str:
    """Cautions as one; the empty ones say nothing."""
    return "; ".join(text for text in cautions if text)


def _few_groups(samples: Sequence[Sample]) -> str:
    groups = {sample.group for sample in samples if sample.group}
    if not 0 < len(groups) < _FEW_GROUPS:
        return ""
    return f"photos of {len(groups)} group{'s' if len(groups) > 1 else ''} alone: others may do quite differently"
