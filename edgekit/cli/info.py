"""``edgekit info``: what one model file says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgekit.cli import console, options
from edgekit.metrics.wording import NOTHING, file_size
from edgekit.shipped import model_file

if TYPE_CHECKING:
    from edgekit.contract import Contract, RegionPlan
    from edgekit.modelfile.foreign import ForeignModel


def _seen(regions: RegionPlan | None) -> str:
    """What is classified, in words; empty for the whole photo."""
    if regions is None:
        return ""
    where = "inside" if regions.place == "inside" else f"beside, as {regions.detector_file}"
    turned = ", turned so that the eyes are level" if regions.align == "eyes" else ""
    return f"each {regions.thing} that {regions.detector} ({where}) finds, with a margin of {regions.margin:g}{turned}"


def info(
    model: Annotated[
        Path, typer.Argument(parser=model_file, metavar="MODEL", help="Any .tflite file, or a shipped model's name.")
    ],
    json: options.AsJson = False,
) -> None:
    """Show a model file's contract, operators and origin.

    Of a file that others made: what goes in and comes out, what it is made of, and how it can be adopted.
    """
    from edgekit.modelfile.flatbuffer import describe
    from edgekit.modelfile.foreign import read_model
    from edgekit.records import file_sha256
    from edgekit.runtime import read_bundle
    from edgekit.runtime.bundle import holds_contract

    if not holds_contract(read_model(model)):
        _foreign(model, json=json)
        return
    bundle = read_bundle(model)
    inside, whole = describe(bundle.flatbuffer), file_sha256(model)
    if json:
        console.print_json({"contract": bundle.contract.to_plain(), "inside": inside, "file_sha256": whole})
        return
    contract = bundle.contract
    rows = [
        ["labels", ", ".join(contract.labels)],
        ["bona fide", contract.bona_fide or ""],
        ["input", f"uint8 [1, {contract.side_px}, {contract.side_px}, 3] RGB"],
        ["precision", contract.precision],
        ["crops", f"{contract.plan.crops} of {contract.plan}"],
        ["heads", ", ".join(contract.heads or ())],
        ["classifies", _seen(contract.regions)],
        ["working size", f"{contract.plan.working_px} px or more" if contract.plan.working_px else "the photo's own"],
        ["several labels", _thresholds(contract)],
        ["decision", _decision(contract)],
        ["unknown", console.unknown_said(contract.unknown)],
        ["operators", ", ".join(f"{count} {name}" for name, count in sorted(inside.operators.items()))],
        ["not in int8", ", ".join(inside.not_int8) or NOTHING],
        ["runs on", ", ".join(contract.checked_on)],
        ["SHA-256 of the file", whole],
        ["SHA-256 of the flatbuffer", contract.model_sha256],
        ["tuned on", _tuned_on(contract)],
        *(
            [key, _words(value)]
            for key, value in contract.provenance.items()
            if key not in ("operating_point", "unknown")
        ),
    ]
    rows = [row for row in rows if row[1]]
    console.print_table(f"{model} ({model.stat().st_size / 1e6:.2f} MB)", ["", "value"], rows, rest="left")


def _foreign(path: Path, *, json: bool) -> None:
    """A file without a contract: what it is, and whether it can be adopted."""
    from edgekit.adopt.advice import advise
    from edgekit.modelfile.foreign import examine_model, read_model

    content = read_model(path)
    model = examine_model(content)
    advice = advise(content, model, str(path))
    if json:
        console.print_json({"contract": None, "model": model, "adoption": advice})
        return
    rows = [
        *(["input", f"{one} ({one.name})"] for one in model.inputs),
        *(["output", f"{one} ({one.name})"] for one in model.outputs),
        ["operators", ", ".join(f"{count} {name}" for name, count in model.operators.items())],
        ["custom operators", ", ".join(model.custom)],
        ["parameters", f"{model.parameters:,}"],
        ["subgraphs", str(model.subgraphs)],
        ["signatures", ", ".join(model.signatures)],
        ["description", model.description],
        *_metadata_rows(model),
        ["SHA-256 of the file", model.sha256],
        ["contract", "none: edgekit did not make this file, or it was cut short"],
        ["can be adopted", advice.verdict],
        ["by", advice.command],
    ]
    rows = [row for row in rows if row[1]]
    console.print_table(f"{path} ({file_size(model.size)})", ["", "value"], rows, rest="left")
    if advice.hint:
        console.note(advice.hint)


def _metadata_rows(model: ForeignModel) -> list[list[str]]:
    said = model.metadata
    if said is None:
        return [["metadata", NOTHING]]
    labels = [f"{name} with {len(text.splitlines())} lines" for name, text in model.labels.items()]
    means, stds = (",".join(f"{number:g}" for number in numbers) for numbers in (said.mean, said.std))
    return [
        ["metadata", ": ".join(filter(None, (said.name, said.description)))],
        ["metadata: normalisation", f"(byte - {means}) / {stds}" if said.mean else ""],
        ["metadata: labels", ", ".join(labels)],
    ]


def _thresholds(contract: Contract) -> str:
    """From which probability on a photo has each label, where it may have several; else empty."""
    if contract.multi_label is None:
        return ""
    return ", ".join(
        f"{label} from {least:.3g}" for label, least in zip(contract.labels, contract.multi_label, strict=True)
    )


def _decision(contract: Contract) -> str:
    """How scores become an answer, in words."""
    one = contract.decision
    parts = [f"vote {one.vote}", f"temperature {one.temperature:.3g}"]
    if contract.multi_label is not None:
        parts.append("every label that reaches its threshold")
    else:
        parts.append("the most probable label" if one.threshold is None else f"attack from score {one.threshold:.3g}")
    if one.abstain is not None:
        parts.append(f"retake from score {one.abstain[0]:.3g} to {one.abstain[1]:.3g}")
    if one.floor is not None:
        parts.append(f"unknown below probability {one.floor:.3g}")
    bounds = one.early_stop
    early = f"stops early at bounds of {max(bounds):.3g} to {min(bounds):.3g}" if bounds else "all crops are scored"
    parts.append(early)
    return ", ".join(parts)


def _tuned_on(contract: Contract) -> str:
    """Which photos chose the operating point after conversion; a file's word is not trusted to be any."""
    note = contract.provenance.get("operating_point")
    if not isinstance(note, dict):
        return _words(note)
    own = note.get("data_sha256") == contract.provenance.get("data_sha256")
    data = "the training data" if own else f"other data, {str(note.get('data_sha256'))[:16]}…"
    target = f" for {note['target']}" if note.get("target") else ""
    return f"{note.get('part')} photos of {data}{target}"


def _words(value: Any) -> str:
    """A value of the provenance for people: floats rounded, no brackets; nothing for what is empty."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {text}" for key, one in value.items() if (text := _words(one)))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_words, value))
    return "" if value is None else str(value)
