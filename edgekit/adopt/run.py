"""A model file that others made to one that every command takes, held against the untouched file before that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.adopt.check import (
    Comparison,
    Untouched,
    as_probabilities,
    compare,
    limit_of,
    pictures,
    shapes_when_run,
    tell_scores,
)
from edgekit.adopt.edges import add_input_edge, add_output_edge, facts_of, output_end, quantised_edge, takes_bytes
from edgekit.adopt.interface import InputFacts, check_adoptable, understand_input
from edgekit.adopt.labels import fit_labels, parse_labels, read_labels
from edgekit.adopt.options import AdoptConfig
from edgekit.arrays import Float64Array, RGBArray
from edgekit.contract import Contract, CropPlan, Precision
from edgekit.data.options import guess_bona_fide
from edgekit.errors import ContractError, EdgekitError
from edgekit.modelfile.editing import GraphEditor, with_shapes
from edgekit.modelfile.flatbuffer import describe
from edgekit.modelfile.foreign import ForeignModel, examine_model, read_model
from edgekit.modelfile.write import NO_SHA256, make_bundle, write_bundle
from edgekit.progress import SILENT, Progress
from edgekit.records import plain, write_json
from edgekit.runtime.bundle import Bundle, holds_contract

# Pixels of the shorter side that are left of a large photo for each of the model's side.
_WORKING_SIDES = 2
_LEAST_WORKING_PX = 720


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRequest:
    """What is adopted, and what goes into the contract.

    Attributes:
        source: The model file.
        labels: A file with a label a line; None takes the model's own.
        photos: A folder of photos for the comparison; None draws some.
        plan: Scales of the crops, as ``CropPlan.parse`` reads them.
        crops: How many crops a photo has.
        bona_fide: Label of genuine photos, "none", or None to tell it by its name.
    """

    source: Path
    labels: Path | None = None
    photos: Path | None = None
    plan: str = "centre"
    crops: int = 1
    bona_fide: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptRecord:
    """What an adoption leaves beside its file.

    Attributes:
        config: What the user said of the model.
        source: Name of the file it came from.
        source_sha256: Its SHA-256.
        input: Its input.
        output: Its output.
        normalisation: Where it was read how bytes go in.
        done: What was done to the graph.
        notes: What was done to the labels, and what is left out.
        comparison: Against the untouched file.
        model: Name of the adopted file.
        model_bytes: Its size.
        contract: Its contract.
    """

    config: AdoptConfig
    source: str
    source_sha256: str
    input: str
    output: str
    normalisation: str
    done: tuple[str, ...]
    notes: tuple[str, ...]
    comparison: Comparison
    model: str
    model_bytes: int
    contract: Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A flatbuffer with both edges, and what was found on the way."""

    flatbuffer: bytes
    input: InputFacts
    labels: tuple[str, ...]
    done: tuple[str, ...]
    notes: tuple[str, ...]
    comparison: Comparison


def adopt_model(request: AdoptRequest, out: Path, config: AdoptConfig, *, progress: Progress = SILENT) -> AdoptRecord:
    """Bring a classifier that others made to the contract.

    Args:
        request: What is adopted.
        out: The adopted file; its record is written beside it as ``.json``.
        config: What the file does not say of itself.
        progress: Told of every step.

    Raises:
        ContractError: it can't be adopted, with the cause; no file is written.
        InterpreterError: no interpreter runs it.
        DataError, PhotoError: the photos can't be used.
    """
    content = read_model(request.source)
    if holds_contract(content):
        raise ContractError(f"{request.source} has a contract inside already; every command takes it as it is")
    model = examine_model(content)
    check_adoptable(model)
    made = _make(content, model, request, config, progress)
    bundle = make_bundle(made.flatbuffer, _contract(made, model, request, out))
    bundle = write_bundle(bundle, out)
    record = _record(made, model, request, config, (out, bundle))
    try:
        write_json(out.with_suffix(".json"), record)
    except EdgekitError:
        out.unlink(missing_ok=True)
        raise
    return record


def _make(content: bytes, model: ForeignModel, request: AdoptRequest, config: AdoptConfig, progress: Progress) -> _Made:
    editor = GraphEditor(content)
    edge = quantised_edge(editor)
    edge_facts = None if edge is None else facts_of(editor, edge[0])
    facts = understand_input(model, config, edge_facts, own=takes_bytes(editor))
    plan = crop_plan(request, facts.side_px)
    untouched = Untouched(content, facts, model.inputs[0], edge_facts)
    shown = pictures(request.photos, plan, facts.side_px, progress)
    raw = _scores(untouched, shown, progress)
    end = output_end(editor)
    scores = tell_scores(end, raw, config.output)
    labels, notes = _labels(model, request, raw.shape[1])
    new_input, first = add_input_edge(editor, facts, edge)
    new_output, last = add_output_edge(editor, end, scores, raw.shape[1])
    flatbuffer = editor.finish(new_input=new_input, new_output=new_output)
    flatbuffer = with_shapes(flatbuffer, shapes_when_run(_static_input(flatbuffer, new_input, facts.side_px)))
    limit, limit_is = limit_of(end, scores, dynamic=precision_of(content) == "dynamic")
    difference, same = compare(flatbuffer, shown, as_probabilities(raw, scores))
    if difference > limit:
        raise ContractError(
            f"the adopted model must answer as {request.source.name} does: a probability differs by {difference:.3g} "
            f"on {len(shown)} photos, at most {limit:.3g} is allowed ({limit_is}); nothing was written"
        )
    comparison = Comparison(
        photos=len(shown),
        generated=request.photos is None,
        largest_difference=difference,
        limit=limit,
        limit_is=limit_is,
        same_answer=same,
    )
    return _Made(
        flatbuffer=flatbuffer,
        input=facts,
        labels=labels,
        done=(*first, *last),
        notes=(*notes, *_left_out(model, raw)),
        comparison=comparison,
    )


def _static_input(flatbuffer: bytes, index: int, side_px: int) -> bytes:
    """The model with its input's one shape, so that the interpreter works out all others."""
    return with_shapes(flatbuffer, {index: [1, side_px, side_px, 3]})


def crop_plan(request: AdoptRequest, side_px: int) -> CropPlan:
    """The plan of an adopted model: large photos are halved while that leaves twice the model's side."""
    working = max(_LEAST_WORKING_PX, _WORKING_SIDES * side_px)
    return CropPlan.parse(request.plan, crops=request.crops, working_px=working)


def _scores(untouched: Untouched, shown: list[RGBArray], progress: Progress) -> Float64Array:
    """(pictures, outputs) of the model as it came."""
    progress.begin("running the model as it came", len(shown))
    rows = []
    for picture in shown:
        scores = untouched(picture)
        if scores.size != max(scores.shape, default=1):
            raise ContractError(f"a classifier must give one score a class, got an output of {list(scores.shape)}")
        rows.append(scores.reshape(-1))
        progress.advance()
    return np.stack(rows)


def _labels(model: ForeignModel, request: AdoptRequest, outputs: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if request.labels is not None:
        return fit_labels(read_labels(request.labels), outputs, where=str(request.labels))
    for name, text in model.labels.items():
        labels, notes = fit_labels(parse_labels(text, where=name), outputs, where=f"{name} in {request.source.name}")
        return labels, (f"labels are those of {name} in the file", *notes)
    raise ContractError(
        f"{request.source} has no labels inside, and {outputs} outputs: name a file with one label a line, in the "
        "order of the outputs: --labels labels.txt (a model whose outputs are no classes can't be adopted)"
    )


def _left_out(model: ForeignModel, raw: Float64Array) -> tuple[str, ...]:
    notes = []
    if model.metadata is not None and model.metadata.calibrated:
        notes.append("the metadata's score calibration is left out")
    if np.ptp(raw, axis=0).max() == 0:
        notes.append("the model gives the same scores for every picture: check --mean and --std")
    return tuple(notes)


def precision_of(flatbuffer: bytes) -> Precision:
    """In what a model computes, by the types of what reads weights."""
    inside = describe(flatbuffer)
    heavy = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL")
    kinds = {types for name in heavy for types in inside.arithmetic.get(name, ())}
    if any("int16" in types for types in kinds):
        return "int16x8"
    if kinds & {"float32+int8", "float32+uint8"}:
        return "dynamic"
    if kinds and all(types in ("int8", "uint8", "int4+int8") for types in kinds):
        return "int8"
    return "float16" if inside.tensors.get("float16") else "float32"


def _contract(made: _Made, model: ForeignModel, request: AdoptRequest, out: Path) -> Contract:
    bona_fide = guess_bona_fide(made.labels) if request.bona_fide is None else request.bona_fide
    return Contract(
        name=out.stem,
        labels=made.labels,
        bona_fide=None if bona_fide in ("", "none") else bona_fide,
        side_px=made.input.side_px,
        plan=crop_plan(request, made.input.side_px),
        precision=precision_of(made.flatbuffer),
        model_sha256=NO_SHA256,
        provenance={
            "adopted": {
                "source": request.source.name,
                "source_sha256": model.sha256,
                "normalisation": made.input.source,
                "done": list(made.done),
                "comparison": plain(made.comparison),
            }
        },
    )


def _record(
    made: _Made, model: ForeignModel, request: AdoptRequest, config: AdoptConfig, written: tuple[Path, Bundle]
) -> AdoptRecord:
    out, bundle = written
    return AdoptRecord(
        config=config,
        source=request.source.name,
        source_sha256=model.sha256,
        input=str(model.inputs[0]),
        output=str(model.outputs[0]),
        normalisation=made.input.source,
        done=made.done,
        notes=made.notes,
        comparison=made.comparison,
        model=out.name,
        model_bytes=out.stat().st_size,
        contract=bundle.contract,
    )
