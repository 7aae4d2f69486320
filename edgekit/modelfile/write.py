"""Writes the one-file artefact that ``edgekit.runtime`` reads: flatbuffer, TFLite metadata, labels and contract."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.contract import CONTRACT_NAME, DETECTOR_NAME, LABELS_NAME, Contract
from edgekit.errors import ContractError, InterpreterError
from edgekit.modelfile.flatbuffer import input_quantization, set_metadata
from edgekit.modelfile.metadata import METADATA_NAME, build_metadata
from edgekit.records import sha256, write_atomic
from edgekit.runtime.bundle import Bundle, read_bundle
from edgekit.runtime.interpreter import ModelInterpreter, ScoreKind, installed_backends, score_kind
from edgekit.runtime.regions.detector import check_detector
from edgekit.runtime.verify.model import check_classifier

# A contract before its flatbuffer is final.
NO_SHA256 = "0" * 64


def make_bundle(flatbuffer: bytes, contract: Contract, detector: bytes = b"") -> Bundle:
    """Complete a model in memory. The same arguments and interpreters give the same bundle.

    Args:
        flatbuffer: uint8 [1, S, S, 3] RGB in, float32 [1, outputs] probabilities out. Where the contract has heads,
            these are the first head's, and float32 [1, heads - 1, outputs] of the others are a second output.
        contract: The model's contract; ``model_sha256`` and ``checked_on`` are filled in here.
        detector: What finds the contract's regions; empty where it has none.

    Returns:
        The flatbuffer with its metadata, run once in every installed interpreter.

    Raises:
        ContractError: the flatbuffer or the detector is not as the contract says, or an output is no probability.
        InterpreterError: none of the installed interpreters runs it.
    """
    check_classifier(flatbuffer, side_px=contract.side_px, classes=contract.outputs, heads=contract.head_count)
    if contract.regions is not None:
        check_detector(detector, contract.regions)
    final = _with_metadata(flatbuffer, contract)
    told = replace(contract, model_sha256=sha256(final), checked_on=_run_once(final, score_kind(contract)))
    return Bundle(contract=told, flatbuffer=final, detector=detector)


def say_in_metadata(bundle: Bundle, said: str) -> Bundle:
    """The model with a sentence more in the metadata's description, which other tools show.

    Interpreters do not read metadata, so the model is not run again.
    """
    final = _with_metadata(bundle.flatbuffer, bundle.contract, said)
    return replace(bundle, contract=replace(bundle.contract, model_sha256=sha256(final)), flatbuffer=final)


def _with_metadata(flatbuffer: bytes, contract: Contract, said: str = "") -> bytes:
    metadata = build_metadata(
        name=contract.name,
        description=f"Tells {', '.join(contract.labels[:10])} apart. {said}".strip(),
        side_px=contract.side_px,
        quantization=input_quantization(flatbuffer),
        other_heads=(contract.heads or ())[1:],
    )
    return set_metadata(flatbuffer, METADATA_NAME, metadata)


def write_bundle(bundle: Bundle, out: Path) -> Bundle:
    """Write a model file, whole or not at all. The same bundle gives the same bytes.

    A detector that is to lie beside it is written there, before.

    Returns:
        What a reader finds in the file.

    Raises:
        ContractError: the contract is of another flatbuffer, or of another detector.
    """
    regions = bundle.contract.regions
    content = bundle.flatbuffer + _archive(bundle, offset=len(bundle.flatbuffer))
    if regions is None or regions.place == "inside":
        found = read_bundle(content)
        write_atomic(out, content)
        return found
    check_detector(bundle.detector, regions)
    write_atomic(out.parent / regions.detector_file, bundle.detector)
    write_atomic(out, content)
    return read_bundle(out)


def update_contract(path: Path, contract: Contract, *, bundle: Bundle | None = None, out: Path | None = None) -> Bundle:
    """Give a model file another contract (a new threshold, say); its flatbuffer keeps every byte.

    Args:
        path: The model file.
        contract: For the same flatbuffer, input, heads and number of labels.
        bundle: The model file as it was read before, which is then not opened again.
        out: Where the result goes, whole or not at all; None replaces the model file.

    Raises:
        ContractError: the file is damaged, or the contract belongs to another model.
    """
    bundle = bundle or read_bundle(path)
    for what in ("model_sha256", "side_px", "heads", "regions", "precision", "checked_on"):
        old, new = getattr(bundle.contract, what), getattr(contract, what)
        if old != new:
            raise ContractError(
                f"{path}: a new contract must keep {what} {old!r}, got {new!r}; start from the file's own"
            )
    if len(contract.labels) != len(bundle.contract.labels):
        raise ContractError(
            f"{path}: a new contract must keep {len(bundle.contract.labels)} labels, got {contract.labels}"
        )
    if contract.outputs != bundle.contract.outputs:
        raise ContractError(
            f"{path}: a new contract must keep outputs {bundle.contract.outputs}, got {contract.outputs}; keep its "
            "rule for unknown"
        )
    return write_bundle(replace(bundle, contract=contract), out or path)


def _run_once(flatbuffer: bytes, kind: ScoreKind) -> tuple[str, ...]:
    """Names of the installed interpreters that run the model; the contract promises no others.

    An interpreter may refuse (the frozen tflite-runtime knows no dynamic-range model), as long as one does not.
    """
    ran, refused = [], []
    for backend in installed_backends():
        try:
            interpreter = ModelInterpreter(flatbuffer, backend=backend, scores=kind)
            for head in range(interpreter.heads):
                interpreter(np.zeros((interpreter.side_px, interpreter.side_px, 3), np.uint8), head)
        except InterpreterError as refusal:
            refused.append(str(refusal))
            continue
        ran.append(interpreter.name)
    if not ran:
        raise InterpreterError(
            f"one installed interpreter must run the model, none does: {'; '.join(refused) or 'none is installed'}; "
            "pip install ai-edge-litert"
        )
    return tuple(ran)


def _archive(bundle: Bundle, *, offset: int) -> bytes:
    """The archive for behind a flatbuffer of ``offset`` bytes: stored, as MediaPipe demands, and without a clock."""
    contract = bundle.contract
    members = {
        LABELS_NAME: ("\n".join(contract.output_labels) + "\n").encode(),
        CONTRACT_NAME: contract.to_json().encode(),
    }
    if contract.regions is not None and contract.regions.place == "inside":
        members[DETECTOR_NAME] = bundle.detector
    # The directory counts from the file's start, so the archive is written behind a gap of the flatbuffer's length.
    file = io.BytesIO()
    file.seek(offset)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, member in members.items():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, member)
    return file.getvalue()[offset:]
