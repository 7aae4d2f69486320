"""Any ``.tflite`` file, also one that others made: what it is, what goes in, what comes out, what it is made of."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import ContractError
from edgekit.modelfile.flatbuffer import operator_name, parse, tensor_type
from edgekit.modelfile.metadata import METADATA_NAME, Metadata, read_metadata
from edgekit.modelfile.ultralytics import read_ultralytics
from edgekit.records import read_bounded, sha256
from edgekit.runtime.bundle import MAX_FILE_BYTES, folder_advice, read_archive
from edgekit.runtime.other_models import tflite_remedy

_IDENTIFIER = b"TFL3"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFacts:
    """An input or output of a model.

    Attributes:
        name: As the converter called it.
        dtype: ``float32``, ``uint8``, ``int8``, ``string``, …
        shape: Lengths; -1 where any will do.
        scale: Scale of a quantised tensor; None for one that is not, or that has one a channel.
        zero_point: Its zero point.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int | None = None

    def __str__(self) -> str:
        """Type and shape, with the quantisation: ``uint8 [1, 224, 224, 3], scale 0.0078 and zero point 128``."""
        text = f"{self.dtype} [{', '.join('?' if n < 0 else str(n) for n in self.shape)}]"
        return text if self.scale is None else f"{text}, scale {self.scale:.6g} and zero point {self.zero_point}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignModel:
    """What a ``.tflite`` file says of itself.

    Attributes:
        sha256: SHA-256 of the file.
        size: Its bytes.
        subgraphs: 1, or more where it has branches, loops or several signatures; the rest is of the first.
        inputs: What goes in.
        outputs: What comes out.
        operators: How often each operator occurs.
        custom: Names of operators that are none of TFLite's.
        parameters: Numbers in the constants.
        description: The converter's words.
        signatures: Names of the signatures.
        metadata: TFLite Model Metadata, or what Ultralytics writes in their place, or none.
        labels: Files with labels, by name, as the file holds them.
    """

    sha256: str
    size: int
    subgraphs: int
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    operators: dict[str, int]
    custom: tuple[str, ...]
    parameters: int
    description: str
    signatures: tuple[str, ...]
    metadata: Metadata | None
    labels: dict[str, str]


def read_model(path: Path) -> bytes:
    """The content of a ``.tflite`` file.

    Raises:
        ContractError: absent, too large, or something else, which the message names.
    """
    if os.path.isdir(path):
        remedy = tflite_remedy(path)
        raise ContractError(f"{path}: a model must be a .tflite file, {remedy}" if remedy else folder_advice(path))
    content = read_bounded(path, MAX_FILE_BYTES, "a model", ContractError, absent="no such model file")
    if content[4:8] != _IDENTIFIER:
        remedy = tflite_remedy(path) or f"got a file that begins with {content[:8]!r}"
        raise ContractError(f"{path}: a model must be a .tflite file, {remedy}")
    return content


def examine_model(content: bytes) -> ForeignModel:
    """Read a TFLite file of anybody.

    Raises:
        ContractError: it is damaged.
    """
    model = parse(content, any_subgraphs=True)
    graph = model.subgraphs[0]
    metadata = _metadata(model)
    labels = _label_files(content, metadata)
    if not labels and (exported := read_ultralytics(content)) is not None:
        metadata, labels = exported
    return ForeignModel(
        sha256=sha256(content),
        size=len(content),
        subgraphs=len(model.subgraphs),
        inputs=tuple(tensor_facts(graph.tensors[index]) for index in graph.inputs),
        outputs=tuple(tensor_facts(graph.tensors[index]) for index in graph.outputs),
        operators=dict(sorted(Counter(operator_name(model, one) for one in graph.operators).items())),
        custom=tuple(sorted({_words(code.customCode) for code in model.operatorCodes if code.customCode})),
        parameters=_parameters(model, graph),
        description=_words(model.description),
        signatures=tuple(_words(one.signatureKey) for one in model.signatureDefs),
        metadata=metadata,
        labels=labels,
    )


def tensor_facts(tensor: Any) -> TensorFacts:
    """What a ``TensorT`` is."""
    shape = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    quantization = tensor.quantization
    one = quantization is not None and quantization.scale is not None and len(quantization.scale) == 1
    has_zero = one and quantization.zeroPoint is not None and len(quantization.zeroPoint) == 1
    return TensorFacts(
        name=_words(tensor.name),
        dtype=tensor_type(tensor),
        shape=() if shape is None else tuple(int(length) for length in shape),
        scale=float(quantization.scale[0]) if has_zero else None,
        zero_point=int(quantization.zeroPoint[0]) if has_zero else None,
    )


def _parameters(model: Any, graph: Any) -> int:
    counted = 0
    for tensor in graph.tensors:
        data = model.buffers[tensor.buffer]
        if (data.data is not None and len(data.data)) or data.size:
            counted += math.prod(int(length) for length in (() if tensor.shape is None else tensor.shape))
    return counted


def _metadata(model: Any) -> Metadata | None:
    for entry in model.metadata:
        if _words(entry.name) == METADATA_NAME:
            data = model.buffers[entry.buffer].data
            try:
                return read_metadata(b"" if data is None else bytes(data))
            except ContractError:
                # They are for people and tools; the model runs without.
                return None
    return None


def _label_files(content: bytes, metadata: Metadata | None) -> dict[str, str]:
    if metadata is None or not metadata.label_files:
        return {}
    try:
        members, _ = read_archive("model", content, metadata.label_files)
    except ContractError:
        return {}
    return {name: text.decode("utf-8", "replace") for name, text in members.items()}


def _words(text: bytes | str | None) -> str:
    """A name in a file, whatever its bytes are."""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text or ""


def names_of(items: Iterable[str], *, most: int = 5) -> str:
    """The first few of many names."""
    listed = list(items)
    return ", ".join(listed[:most]) + (", …" if len(listed) > most else "")
