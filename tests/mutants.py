"""Forged flatbuffers: a model with some of its bytes, fields or objects changed, and what came of running them."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.modelfile.flatbuffer import pack
from edgekit.runtime.verify.tables import OPTIONS, TABLES

TRIAL = Path(__file__).parent / "runtime" / "verify" / "trial.py"

# What trial.py runs each file with, one after the other.
DELEGATES = ("default", "none")
_FORMS = {"bool": "B", "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I"}
_FORMS |= {"f32": "f", "i64": "q", "u64": "Q"}


class Field(NamedTuple):
    """A number in a flatbuffer: where it lies, its struct letter, and what it is."""

    at: int
    form: str
    label: str


def fields_of(content: bytes) -> list[Field]:
    """Every number of a flatbuffer but weights: fields, offsets, lengths, lists of fields, elements and letters."""
    found: list[Field] = []

    def read(at: int, form: str, label: str) -> int:
        found.append(Field(at, form, label))
        return struct.unpack_from("<" + form, content, at)[0]

    def table(at: int, name: str) -> None:
        start = at - read(at, "i", f"{name} list")
        length = read(start, "H", f"{name} list length")
        read(start + 2, "H", f"{name} length")
        kinds = {}
        for number in range((length - 4) // 2):
            offset = read(start + 4 + 2 * number, "H", f"{name} offset of field")
            if offset and number < len(TABLES[name]):
                kinds[number] = at + offset
        union = 0
        for number, place in kinds.items():
            field, kind, _ = TABLES[name][number]
            if kind in _FORMS:
                value = read(place, _FORMS[kind], f"{name}.{field}")
                union = value if field.endswith("_type") else union
            elif kind not in ("any", "-"):
                refer(place, kind if kind != "options" else OPTIONS.get(union, ""), f"{name}.{field}")

    def refer(place: int, kind: str, label: str) -> None:
        at = place + read(place, "I", f"{label} offset")
        if kind in TABLES:
            return table(at, kind)
        if kind not in ("string", "bytes") and not kind.startswith("["):
            return None
        length = read(at, "I", f"{label} length")
        if kind == "string":
            found.extend(Field(at + 4 + n, "B", f"{label} letter") for n in range(length))
        elif kind.startswith("["):
            element = kind[1:-1]
            if element in _FORMS:
                size = struct.calcsize(_FORMS[element])
                found.extend(Field(at + 4 + n * size, _FORMS[element], f"{label} element") for n in range(length))
            elif element in TABLES:
                for n in range(length):
                    refer(at + 4 + 4 * n, element, f"{label} element")
        return None

    table(struct.unpack_from("<I", content)[0], "Model")
    found.append(Field(0, "I", "root"))
    return found


class Forger:
    """Makes mutants of one flatbuffer.

    Args:
        content: A flatbuffer that is sound.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fields = fields_of(content)
        self.by_label: dict[str, list[Field]] = {}
        for field in self.fields:
            self.by_label.setdefault(field.label, []).append(field)
        self.labels = sorted(self.by_label)

    def forge(self, kind: str, rng: np.random.Generator) -> bytes:
        """One mutant of a kind: ``mix``, ``scalar`` or ``obj``."""
        return {"mix": self.mix, "scalar": self.scalar, "obj": self.obj}[kind](rng)

    def mix(self, rng: np.random.Generator) -> bytes:
        """Bytes anywhere, most of them in tables."""
        changed = bytearray(self.content)
        for _ in range(int(rng.integers(1, 9))):
            field = self.fields[int(rng.integers(len(self.fields)))]
            at = field.at + int(rng.integers(struct.calcsize(field.form)))
            if rng.random() < 0.1:
                at = int(rng.integers(len(changed)))
            if rng.random() < 0.5:
                changed[at] ^= 1 << int(rng.integers(8))
            else:
                changed[at] = int(rng.integers(256))
        return bytes(changed)

    def scalar(self, rng: np.random.Generator) -> bytes:
        """One to three numbers, each kind of number as often as any other."""
        changed = bytearray(self.content)
        for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
            label = self.labels[int(rng.integers(len(self.labels)))]
            same = self.by_label[label]
            field = same[int(rng.integers(len(same)))]
            value = struct.unpack_from("<" + field.form, changed, field.at)[0]
            struct.pack_into("<" + field.form, changed, field.at, _other(rng, value, field.form))
        return bytes(changed)

    def obj(self, rng: np.random.Generator) -> bytes:
        """One to three edits of the model as objects, packed again."""
        model = schema.ModelT.InitFromPackedBuf(self.content)
        for _ in range(int(rng.choice([1, 1, 2, 3]))):
            Editor(rng, model).edit()
        return pack(model)


def _other(rng: np.random.Generator, value: float, form: str) -> float:
    """Another number of the same form: near, at an end, or any."""
    if form == "f":
        choices = [
            0.0,
            -value,
            float("inf"),
            float("nan"),
            1e-38,
            1e30,
            -1e30,
            1e-42,
            value * 2,
            value * 1e4,
            value / 1e4,
        ]
        drawn = np.float32(choices[int(rng.integers(len(choices)))])
        return float(drawn) if np.isfinite(drawn) or rng.random() < 0.7 else float(rng.normal())
    bits = 8 * struct.calcsize(form)
    low, high = (0, 2**bits - 1) if form.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    choices = [0, 1, -1, 2, 3, 7, 127, 128, 255, 1000, 65536, low, high, low + 1, high - 1, value + 1, value - 1]
    choices += [value * 2, value // 2, -value, int(rng.integers(0, 200)), int(rng.integers(0, 2**20))]
    return int(min(max(int(choices[int(rng.integers(len(choices)))]), low), high))


class Editor:
    """Edits a ``ModelT``: an operator and two tensors, drawn, by edits that are drawn."""

    def __init__(self, rng: np.random.Generator, model: Any) -> None:
        self.rng, self.model, self.graph = rng, model, model.subgraphs[0]
        self.operators, self.tensors = self.graph.operators, self.graph.tensors
        self.operator = self.one_of(self.operators) if self.operators else schema.OperatorT()
        self.tensor, self.other = self.one_of(self.tensors), self.one_of(self.tensors)

    def below(self, most: int) -> int:
        return int(self.rng.integers(max(1, most)))

    def one_of(self, items: Any) -> Any:
        return items[self.below(len(items))]

    def edit(self) -> None:
        """Make one edit."""
        often = [self.rewire, self.reshape, self.requantise, self.change_options]
        seldom = [self.change_data, self.change_buffer, self.move_operators, self.change_operators, self.change_type]
        self.one_of([*often, *often, *seldom, self.change_tensor, self.change_graph])()

    def rewire(self) -> None:
        name = self.one_of(["inputs", "outputs"])
        indices = [int(one) for one in _list(getattr(self.operator, name))]
        match self.below(4):
            case 0 if indices:
                indices[self.below(len(indices))] = self.below(len(self.tensors) + 2) - 1
            case 1 if indices:
                indices.pop(self.below(len(indices)))
            case 2:
                indices.append(self.below(len(self.tensors) + 1) - 1)
            case _:
                indices.reverse()
        setattr(self.operator, name, indices)

    def reshape(self) -> None:
        shape = [int(one) for one in _list(self.tensor.shape)]
        match self.below(5):
            case 0 if shape:
                at = self.below(len(shape))
                shape[at] = int(_other(self.rng, shape[at], "i"))
            case 1:
                shape.append(1 + self.below(3))
            case 2 if shape:
                shape.pop(self.below(len(shape)))
            case 3:
                shape = [int(one) for one in _list(self.other.shape)]
            case _:
                self.tensor.shapeSignature = [self.below(10) - 1 for _ in shape]
        self.tensor.shape = shape

    def requantise(self) -> None:
        quantization = self.tensor.quantization or schema.QuantizationParametersT()
        match self.below(6):
            case 0:
                quantization.scale = [float(_other(self.rng, one, "f")) for one in _list(quantization.scale)]
            case 1:
                points = _list(quantization.zeroPoint)
                quantization.zeroPoint = [int(_other(self.rng, int(one), "q")) for one in points]
            case 2:
                quantization.scale = list(_list(quantization.scale)) * 2
            case 3:
                quantization.quantizedDimension = self.below(7) - 2
            case 4:
                quantization = None
            case _:
                quantization = self.other.quantization
        self.tensor.quantization = quantization

    def change_options(self) -> None:
        options = self.operator.builtinOptions
        names = sorted(vars(options)) if options is not None else []
        if not names or self.rng.random() < 0.2:
            mate = self.one_of(self.operators) if self.operators else self.operator
            self.operator.builtinOptions = mate.builtinOptions
            self.operator.builtinOptionsType = mate.builtinOptionsType
            return
        name = self.one_of(names)
        value = getattr(options, name)
        if isinstance(value, bool | np.bool_):
            setattr(options, name, not value)
        elif isinstance(value, int | np.integer):
            is_byte = any(word in name for word in ("padding", "fused", "Type", "Format", "mode"))
            setattr(options, name, int(_other(self.rng, int(value), "b" if is_byte else "i")))
        else:
            setattr(options, name, _other(self.rng, value, "f") if isinstance(value, float) else None)

    def change_data(self) -> None:
        """Axes, shapes and biases."""
        whole = (schema.TensorType.INT32, schema.TensorType.INT64)
        constants = [
            one for one in self.tensors if one.type in whole and self.model.buffers[one.buffer].data is not None
        ]
        if not constants:
            return
        buffer = self.model.buffers[self.one_of(constants).buffer]
        data = np.array(buffer.data, np.uint8)
        words = data[: len(data) // 4 * 4].view(np.int32)
        if len(words):
            at = self.below(len(words))
            words[at] = _other(self.rng, int(words[at]), "i")
        buffer.data = data

    def change_buffer(self) -> None:
        buffer = self.one_of(self.model.buffers)
        match self.below(4):
            case 0:
                self.tensor.buffer = self.below(len(self.model.buffers))
            case 1 if buffer.data is not None:
                buffer.data = np.asarray(buffer.data)[: self.below(len(buffer.data) + 1)]
            case 2:
                buffer.offset, buffer.size = self.below(1 << 20), self.below(1 << 20)
            case _:
                self.tensor.buffer, self.other.buffer = self.other.buffer, self.tensor.buffer

    def move_operators(self) -> None:
        at, to = self.below(len(self.operators)), self.below(len(self.operators))
        match self.below(3) if self.operators else -1:
            case 0:
                self.operators[at], self.operators[to] = self.operators[to], self.operators[at]
            case 1:
                self.operators.pop(at)
            case 2:
                self.operators.insert(to, self.operators[at])

    def change_operators(self) -> None:
        if self.rng.random() < 0.5:
            self.operator.opcodeIndex = self.below(len(self.model.operatorCodes) + 1)
            return
        code = self.one_of(self.model.operatorCodes)
        code.builtinCode = self.below(210)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1 + self.below(5)

    def change_type(self) -> None:
        self.tensor.type = self.below(20) if self.rng.random() < 0.7 else self.other.type

    def change_tensor(self) -> None:
        match self.below(3):
            case 0:
                self.tensor.isVariable = True
            case 1:
                self.tensor.sparsity = schema.SparsityParametersT(traversalOrder=[0, 1], blockMap=[self.below(9)])
            case _:
                self.tensor.name = None

    def change_graph(self) -> None:
        index = self.below(len(self.tensors))
        match self.below(5):
            case 0:
                self.graph.outputs = [index]
            case 1:
                self.graph.inputs = [index]
            case 2:
                self.model.subgraphs.append(self.graph)
            case 3:
                self.operator.intermediates = [index]
            case _:
                self.operator.mutatingVariableInputs = [True]


def _list(values: Any) -> Any:
    return [] if values is None else values


class Outcome(NamedTuple):
    """What came of a file that was run in a process of its own.

    Attributes:
        file: Its name.
        delegate: What was asked to run it.
        ended: ``probabilities``, the message of an EdgekitError, or what else happened.
        is_right: Whether that is one of the first two, in time and within the memory.
        memory_mb: The most memory of its process.
        seconds: How long it took.
    """

    file: str
    delegate: str
    ended: str
    is_right: bool
    memory_mb: float
    seconds: float


def run_files(files: Iterable[Path]) -> Iterator[Outcome]:
    """Load each model file and classify a photo with it, by XNNPACK and by plain kernels, each in a process."""
    command = [sys.executable, str(TRIAL)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked: deque[Path] = deque()
        for file in files:
            process.stdin.write(f"{file}\n")
            process.stdin.flush()
            asked.append(file)
            # One runs while the next is made.
            if len(asked) > 1:
                yield from _answers(process.stdout, asked.popleft())
        process.stdin.close()
        for file in asked:
            yield from _answers(process.stdout, file)


def _answers(lines: IO[str], file: Path) -> Iterator[Outcome]:
    for _ in DELEGATES:
        line = lines.readline()
        assert line, f"the trial ended at {file}"
        yield Outcome(file.name, **json.loads(line))
