"""Model cards (Mitchell et al. 2019): what a model is for, what it rests on and where it ends. Markdown beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.metrics.attacks import worst_rule
from edgekit.metrics.wording import NOTHING, count, file_size, interval, listed, percent, short, short_percent
from edgekit.records import write_atomic
from edgekit.report.accuracy import open_set_tables
from edgekit.report.cells import Cell, Table, estimate_cell, number_cell, share_cell, text_cell
from edgekit.report.models import Model
from edgekit.report.tables import labels_table
from edgekit.report.verdict import describe_photos, featured, headline, judge, labels_told, point_name, timed
from edgekit.terminal import printable
from edgekit.train.record import Calibration, PhotoCounts, TrainRecord

# What a card written here begins with: another one was written by hand.
MARK = "<!-- made by `edgekit report`; changes here are lost -->"
_MOST_GROUPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSection:
    """One part of a card: paragraphs, then names with values, then tables."""

    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is said of one model, for pages and for Markdown alike."""

    title: str
    sections: tuple[CardSection, ...]


def make_card(model: Model) -> Card:
    """Say of a model what its records and its contract tell, and where they tell nothing."""
    writers = (_details, _intended, _limits, _data, _training, _metrics, _considerations)
    return Card(title=model.name, sections=tuple(write(model) for write in writers))


def write_card(card: Card, path: Path) -> None:
    """Write a card as Markdown.

    Raises:
        EdgekitError: there is a card that was not made here, or the file can't be written.
    """
    if path.exists() and not begins_with(path, MARK):
        raise EdgekitError(f"{path} was not made by `edgekit report`; move it away, or use --no-card")
    write_atomic(path, to_markdown(card).encode())


def begins_with(path: Path, mark: str) -> bool:
    """Whether a path is a file that begins so, as those that are written here do; no pipe is waited for."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(mark)) == mark.encode()


def card_path(model: Model) -> Path | None:
    """Beside the model, ``demo-int8.card.md``; None where the model's file is not there."""
    return model.file.with_suffix(".card.md") if model.file else None


def to_markdown(card: Card) -> str:
    """The card as Markdown; the same card gives the same text."""
    lines = [MARK, f"# Model card: {_escaped(card.title)}"]
    for section in card.sections:
        lines += [f"## {section.title}", *map(_escaped, section.paragraphs)]
        if section.items:
            lines.append("\n".join(f"- **{_escaped(name)}:** {_escaped(value)}" for name, value in section.items))
        for table in section.tables:
            rows = [table.columns, ["---"] * len(table.columns), *([cell.text for cell in row] for row in table.rows)]
            head, rule, *body = [
                "| " + " | ".join(cell if at == 1 else _escaped(cell) for cell in row) + " |"
                for at, row in enumerate(rows)
            ]
            lines += [f"**{_escaped(table.title)}**", "\n".join((head, rule, *body))]
            lines += [_escaped(table.note)] if table.note else []
    return "\n\n".join(lines) + "\n"


def _escaped(words: str) -> str:
    """Names come from folders and files: none may become markup, a link or another line."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~&])", r"\\\1", printable(words))


def _details(model: Model) -> CardSection:
    contract = model.contract
    items = [("file", model.file.name if model.file else "not there")]
    items += [("size", file_size(model.file_bytes))] if model.file_bytes is not None else []
    items += [("SHA-256 of the file", model.file_sha256)] if model.file_sha256 else []
    if contract is not None:
        decision = contract.decision
        threshold = decision.threshold
        usual = "most probable label" if contract.multi_label is None else "every label that reaches its threshold"
        cut = usual if threshold is None else f"attack from a score of {threshold:g}"
        early = "stops early where the rest would hardly turn the answer" if decision.early_stop is not None else ""
        abstain = f"retake from {decision.abstain[0]:g} to {decision.abstain[1]:g}" if decision.abstain else ""
        floor = f"unknown under {decision.floor:g}" if decision.floor is not None else ""
        if contract.unknown is not None:
            floor = f"unknown by {contract.unknown.rule} from {contract.unknown.threshold:.3g}"
        vote = f"{decision.vote} vote at temperature {decision.temperature:.3g}"
        items += [
            ("tells apart", listed(contract.labels, 20)),
            *((("genuine label", contract.bona_fide),) if contract.bona_fide else ()),
            ("precision", contract.precision),
            ("input", f"uint8 RGB, {contract.side_px} × {contract.side_px} px"),
            ("crops", f"{contract.plan.crops} ({contract.plan}), working size {contract.plan.working_px or 'any'}"),
            *((("heads", f"one for each of {', '.join(contract.heads)}"),) if contract.heads else ()),
            ("decision", "; ".join(part for part in (vote, cut, abstain, floor, early) if part)),
            ("ran on", ", ".join(contract.checked_on) or NOTHING),
        ]
    return CardSection(title="Model", items=tuple(items))


def _intended(model: Model) -> CardSection:
    contract = model.contract
    if contract is None:
        return CardSection(title="Intended use", paragraphs=("No contract is known, so neither is the use.",))
    if contract.bona_fide is None:
        purpose = f"Tells photos of {listed(contract.labels, 20)} apart, on the device and without a network."
    else:
        attacks = listed([label for label in contract.labels if label != contract.bona_fide], 20)
        purpose = (
            f"Tells genuine photos ({contract.bona_fide}) from presentation attacks ({attacks}), such as photos of a "
            "screen or a print, on the device and without a network. Meant as one signal among others: for asking for "
            "another photo, or for review by a person."
        )
    method = (
        "Input is a photo as its camera made it; edgekit's runtime, or a port that passes its conformance vectors, "
        f"cuts {count(contract.plan.crops, 'crop')} by the contract inside the file and votes on them."
    )
    return CardSection(title="Intended use", paragraphs=(purpose, method))


def _limits(model: Model) -> CardSection:
    attacks = model.contract is not None and model.contract.bona_fide is not None
    rule = None if model.contract is None else model.contract.unknown
    others = "photos of anything but its classes, " if rule is None else ""
    other = "judging what a photo shows, " if attacks else others
    scope = (
        f"Out of scope: identifying people, {other}and decisions about people that nobody reviews. "
        "Photos that were resized, filtered, cropped or sent through a messenger are not what it was measured on."
    )
    if rule is not None:
        scope += " Photos of anything but its classes are called unknown by a rule, which misses some"
        if rule.false_accept is not None:
            scope += f": of classes that training held out in turn, {percent(rule.false_accept)} of the photos passed"
        scope += "."
    lacking = "Kinds of attacks, cameras and screens" if attacks else "Cameras, places, lights and varieties"
    unknown = f"{lacking} that the data below lacks may do quite differently: only a measurement on them would tell."
    cautions = tuple(("caution", caution) for caution in judge(model).cautions)
    return CardSection(title="Out of scope and limits", paragraphs=(scope, unknown), items=cautions)


def _data(model: Model) -> CardSection:
    stage = model.stages[-1] if model.stages else None
    if stage is None:
        provenance = model.contract.provenance if model.contract else {}
        sha256 = provenance.get("data_sha256")
        known = (("data SHA-256", str(sha256)),) if sha256 else ()
        why = "The run's record is not there, so no counts are known."
        if "adopted" in provenance:
            why = "Others trained this model; edgekit doesn't know on which photos."
        return CardSection(title="Data", paragraphs=(why,), items=known)
    split = stage.split
    sizes = ", ".join(
        f"{len(paths):,} {name}"
        for name, paths in (("training", split.train), ("validation", split.val), ("test", split.test))
    )
    method = {"manifest": "named by the data itself", "groups": "by groups, none on two sides", "random": "at random"}
    items = [
        ("photos", sizes),
        ("split", method[split.method] + (f"; {split.caution}" if split.caution else "")),
        ("left out", count(stage.skipped_photos, "unreadable photo")),
        ("data SHA-256", stage.data_sha256),
        ("split SHA-256", split.sha256),
    ]
    counts = _counts(stage.counts)
    paragraphs = () if counts else ("Counts by class, group and kind were not recorded.",)
    return CardSection(title="Data", paragraphs=paragraphs, items=tuple(items), tables=counts)


def _counts(counted: Sequence[PhotoCounts]) -> tuple[Table, ...]:
    """Photos by class, kind and group in each part; a long list of groups becomes their number."""
    rows: list[tuple[Cell, ...]] = []
    for what, of in (("class", "labels"), ("kind", "kinds"), ("group", "groups")):
        names = sorted({name for one in counted for name in getattr(one, of)})
        if what == "group" and len(names) > _MOST_GROUPS:
            rows.append(
                (text_cell("groups"), text_cell("in all"), *(number_cell(len(one.groups), 0) for one in counted))
            )
            continue
        rows += [
            (text_cell(what), text_cell(name), *(number_cell(getattr(one, of).get(name, 0), 0) for one in counted))
            for name in names
        ]
    if not rows:
        return ()
    return (Table(title="Photos", columns=("of", "name", *(one.part for one in counted)), rows=tuple(rows)),)


def _training(model: Model) -> CardSection:
    items = [item for stage in model.stages for item in _stage(stage)]
    conversion = model.conversion
    if conversion is not None:
        gate = conversion.gate
        said = {
            "kept": "passed",
            "undecided": "passed, undecided",
            "lost": "FAILED, file written with --allow-drop",
        }[gate.outcome]
        outcome = (
            f"{said}: {gate.drop_points:+.2f} points of {gate.measure} lost, at most {gate.max_drop_points:g} allowed; "
            f"{percent(gate.agreement)} of {count(gate.photos, 'validation photo')} answered as by the float network"
        )
        items += [
            ("conversion", f"{conversion.contract.precision} from the {conversion.stage} stage"),
            ("gate", outcome),
            *([("caution", gate.caution)] if gate.caution else ()),
            *(_calibrated_on(conversion.calibration) if conversion.stage == "float" else ()),
            ("versions", ", ".join(f"{name} {version}" for name, version in sorted(conversion.versions.items()))),
        ]
    if not items and model.contract is not None:
        provenance = model.contract.provenance
        known = ("backbone", "alpha", "features", "stage", "split", "weights_sha256", "calibration_sha256")
        items = [(name.replace("_", " "), str(provenance[name])) for name in known if name in provenance]
        items += _adopted(provenance.get("adopted"))
    if not items:
        return CardSection(title="How it was made", paragraphs=("Neither a run nor a conversion is on record.",))
    return CardSection(title="How it was made", items=tuple(items))


def _adopted(told: object) -> list[tuple[str, str]]:
    """Where a model that others made comes from; a file's word, of whatever form."""
    if not isinstance(told, dict):
        return []
    done = told.get("done")
    steps = "; ".join(map(str, done)) if isinstance(done, list) else ""
    return [
        ("adopted from", f"{told.get('source')}, SHA-256 {told.get('source_sha256')}"),
        ("what was done", steps or NOTHING),
    ]


def _stage(stage: TrainRecord) -> list[tuple[str, str]]:
    network, config = stage.config.network, stage.config
    epochs = max((len(values) for values in stage.history.values()), default=0)
    fitted = f"{count(epochs, 'epoch')}, the best is number {stage.best_epoch + 1}"
    how = "head solved" if config.is_solved else fitted
    width = f" × {network.alpha:g}" if network.known.any_width else ""
    weights = {"none": "random weights", "imagenet": "ImageNet weights"}.get(network.weights, "weights from a file")
    start = weights if stage.stage == "float" else "the float stage"
    features = f" on {network.features} features" if network.known.has_choice else ""
    made = (
        f"{network.backbone}{width}{features}, from {start}; {how}; seed {config.seed}; {stage.seconds:.0f} s"
        f"{'; STOPPED EARLY' if stage.interrupted else ''}"
    )
    lines = [(f"{stage.stage} stage", made)]
    if stage.calibration_crops:
        used = Calibration(
            crops=stage.calibration_crops, sha256=stage.calibration_sha256 or "", own=stage.calibration_images
        )
        lines += _calibrated_on(used)
    return lines


def _calibrated_on(used: Calibration | None) -> list[tuple[str, str]]:
    """What set the int8 ranges."""
    if used is None:
        return []
    if used.own is None:
        return [("calibration", f"{count(used.crops, 'training crop')}, manifest {short(used.sha256)}")]
    said = f"{count(used.crops, 'crop')} of {count(used.own.images, 'own image')}, {short(used.sha256)}"
    return [("calibration", said), *([("caution", used.own.caution)] if used.own.caution else [])]


def _metrics(model: Model) -> CardSection:
    found, told = headline(model), labels_told(model)
    if told:
        return CardSection(title="Metrics", tables=(*map(labels_table, told), *_speeds(model)))
    if found is None:
        return CardSection(
            title="Metrics",
            paragraphs=("Nothing was measured yet; `edgekit bench` and `edgekit evaluate` do.",),
            tables=_open_set(model),
        )
    evaluation = found.evaluation
    rows: list[tuple[Cell, ...]] = [(text_cell("balanced accuracy"), estimate_cell(evaluation.balanced_accuracy))]
    if evaluation.attack is not None:
        kind = evaluation.attack.apcer_kind
        rows += [
            (text_cell(f"APCER of the worst kind ({kind})"), estimate_cell(evaluation.apcer)),
            (text_cell("BPCER"), estimate_cell(evaluation.bpcer)),
            (text_cell("EER"), share_cell(evaluation.eer)),
            (text_cell("BPCER at 5 % APCER"), share_cell(evaluation.bpcer20)),
        ]
    rows += [(text_cell("macro F1"), estimate_cell(evaluation.f1))]
    rows += [(text_cell("AUC"), Cell(text=interval(evaluation.auc, scale=1.0)))] if evaluation.auc else []
    methods = sorted({one.method for one in (evaluation.balanced_accuracy, evaluation.apcer, evaluation.bpcer) if one})
    accuracy = Table(
        title=f"Accuracy with {found.crops_said}",
        columns=("metric", f"value ({short_percent(evaluation.balanced_accuracy.level)} interval)"),
        rows=tuple(rows),
        note=f"On {describe_photos(evaluation, found.photos, model)} (data {short(found.photos.data_sha256)}). "
        f"Intervals: {listed(methods)}."
        + (f" {worst_rule(one.n for one in evaluation.attack.apcer_by_kind.values())}." if evaluation.attack else ""),
    )
    return CardSection(title="Metrics", tables=(accuracy, *_open_set(model), *_speeds(model)))


def _open_set(model: Model) -> tuple[Table, ...]:
    """The rule for unknown: what training said of it, and what photos of other classes say; nothing without one."""
    rule = None if model.contract is None else model.contract.unknown
    if rule is None:
        return ()
    said = (
        ("rule", f"{rule.rule}, unknown from score {rule.threshold:.3g}"),
        ("AUROC, classes held out", NOTHING if rule.auroc is None else f"{rule.auroc:.3f}"),
        ("false accepts, classes held out", percent(rule.false_accept)),
        ("false rejects, known classes", percent(rule.false_reject)),
    )
    trained = Table(
        title="Unknown, as training found it",
        columns=("measure", "value"),
        rows=tuple((text_cell(name), Cell(text=value)) for name, value in said),
        note="Out of fold; classes were held out in turn, and false accepts are those at a like cost.",
    )
    measured = (one.open_set for one in model.evaluated if one.open_set is not None)
    # The photos that say most of what is unknown.
    found = max(measured, key=lambda one: (one.unknown, one.known), default=None)
    return (trained, *open_set_tables(found))


def _speeds(model: Model) -> tuple[Table, ...]:
    if not model.measured:
        return ()
    rows, measures = [], list[str]()
    for one in model.measured:
        own = featured(one, model) if one.points else None
        same = timed(one, model)
        for point in [point for point in (same, own if own != same else None) if point is not None]:
            numbers = (number_cell(point.total.p50_ms), number_cell(point.total.p95_ms))
            rest = (number_cell(point.cold_start_ms, 0), number_cell(point.peak_memory_mb, 0))
            accuracy = share_cell(point.evaluation.headline.value)
            measures.append(point.evaluation.measure)
            rows.append((text_cell(one.device), text_cell(point_name(point)), *numbers, accuracy, *rest))
    note = " · ".join(
        f"{one.device}: {', '.join(f'{name} {value}' for name, value in one.conditions if name != 'device')}"
        for one in model.measured
    )
    columns = ("device", "setting", "p50 ms", "p95 ms", *measures[:1], "cold start ms", "peak MiB")
    return (Table(title="What a photo costs", columns=columns, rows=tuple(rows), note=note),)


def _considerations(model: Model) -> CardSection:
    found = headline(model)
    cost = ""
    if found is not None and found.evaluation.attack is not None:
        called = interval(found.evaluation.bpcer)
        cost = f" Of genuine photos {called} are called attacks: people whom that happens to need another way."
    attacks = model.contract is not None and model.contract.bona_fide is not None
    sees = "It looks at the texture of a photo, not at who or what is in it, and runs" if attacks else "It runs"
    ethics = (
        f"{sees} where the photo is taken: no photo has to leave the device.{cost} Groups that do worse than others "
        "are listed in the report."
    )
    licence = (
        "The file carries no licence of its own. What its photos and its pretrained weights allow, it allows; whoever "
        "passes it on must know both."
    )
    return CardSection(title="Ethics and licence", paragraphs=(ethics, licence))
