"""Whether a model may be given to an interpreter: forged flatbuffers crash it, take its memory, or never end."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.errors import ContractError
from edgekit.runtime.verify.operators import NAMES, RULES, Lengths, Operator, check_operator
from edgekit.runtime.verify.structure import Fields, read_structure
from edgekit.runtime.verify.tensors import MAX_BYTES, MAX_TENSORS, Tensor, refuse

SCHEMA_VERSION = 3
MAX_OPERATORS = 10_000
# Inputs and outputs of all operators.
MAX_OPERANDS = 100_000
# Several times the largest classifiers that phones run; minutes on a small board.
MAX_WORK = 100_000_000_000
_CUSTOM = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A tensor that goes into a model or comes out of it.

    Attributes:
        type: Such as ``uint8`` or ``float32``.
        shape: As stored.
        signature: The same, with -1 for dimensions that were left open.
    """

    type: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedModel:
    """What goes into a checked model and comes out, and the most memory that it takes at a time beside its file."""

    inputs: tuple[Interface, ...]
    outputs: tuple[Interface, ...]
    memory_bytes: int


def check_classifier(content: bytes, *, side_px: int, classes: int, heads: int = 1) -> CheckedModel:
    """Check a flatbuffer that edgekit runs: ``check_model``, and static uint8 [1, S, S, 3] in, float32 [1, n] out.

    A model with several heads has a second output, float32 [1, heads - 1, n].

    Args:
        content: The flatbuffer.
        side_px: What its contract says.
        classes: The same.
        heads: The same.

    Raises:
        ContractError: another interface, or what ``check_model`` refuses.
    """
    checked = check_model(content)
    inputs, outputs = len(checked.inputs), len(checked.outputs)
    if inputs != 1:
        raise ContractError(f"a model must have one input, got {inputs}; export a single input")
    if heads == 1 and outputs != 1:
        raise ContractError(f"a model must have one output, got {outputs}; export a single output")
    if heads > 1 and outputs != 2:
        raise ContractError(f"a model with {heads} heads must have two outputs, got {outputs}; convert it again")
    _hold("input", checked.inputs[0], "uint8", (1, side_px, side_px, 3))
    _hold("output", checked.outputs[0], "float32", (1, classes))
    for other in checked.outputs[1:]:
        _hold("second output", other, "float32", (1, heads - 1, classes))
    return checked


def _hold(what: str, found: Interface, kind: str, shape: tuple[int, ...]) -> None:
    if (found.type, found.shape) != (kind, shape):
        raise ContractError(
            f"a model's {what} must be {kind} {list(shape)}, got {found.type} {list(found.shape)}; convert it again"
        )
    # LiteRT.js refuses the others.
    if found.signature != shape:
        raise ContractError(f"a model's {what} must be static, got {list(found.signature)}; convert with a batch of 1")


def check_model(content: bytes, *, input_shape: Lengths | None = None) -> CheckedModel:
    """Check that a flatbuffer is whole and can be run safely, before an interpreter sees it.

    Of the structure: every offset, length and alignment, and that names are UTF-8. Of the graph: one subgraph, known
    operators with their own options, each tensor made once and before it is read, data as long as shapes say, scales
    and zero points in range, shapes that follow from operator to operator, and bounds on memory and work. What is said
    of weights is nothing: whether a model is good shows on photos.

    Args:
        content: The flatbuffer.
        input_shape: What its one input will be resized to; all other shapes then follow instead of being those stored.

    Raises:
        ContractError: the model is none of these; the message says what and where.
    """
    model = read_structure(content)
    if model["version"] != SCHEMA_VERSION:
        refuse(f"its schema is {model['version']}, not {SCHEMA_VERSION}")
    if len(model["subgraphs"]) != 1:
        raise ContractError(f"a model must have one subgraph, got {len(model['subgraphs'])}; export a single signature")
    if model["external_buffers"] or model["external_buffer_groups"]:
        refuse("its weights lie in other files")
    graph = model["subgraphs"][0]
    if len(graph["tensors"]) > MAX_TENSORS or len(graph["operators"]) > MAX_OPERATORS:
        refuse(f"it has {len(graph['tensors'])} tensors and {len(graph['operators'])} operators")
    operands = sum(len(row["inputs"]) + len(row["outputs"]) for row in graph["operators"])
    if operands > MAX_OPERANDS:
        refuse(f"its operators have {operands} inputs and outputs, at most {MAX_OPERANDS}")
    buffers = _buffers(model, content)
    tensors = [Tensor(index, table, buffers) for index, table in enumerate(graph["tensors"])]
    _check_names(model, len(tensors))
    inputs, outputs = (_interface(graph[name], tensors, name) for name in ("inputs", "outputs"))
    if input_shape is not None:
        if len(inputs) != 1:
            refuse(f"its inputs are {len(inputs)} tensors, of which one can be resized")
        inputs[0].resize(input_shape)
    memory_bytes = _run(model, tensors, (inputs, outputs), follow=input_shape is not None)
    return CheckedModel(
        inputs=tuple(Interface(type=one.type, shape=one.shape, signature=one.signature) for one in inputs),
        outputs=tuple(Interface(type=one.type, shape=one.shape, signature=one.signature) for one in outputs),
        memory_bytes=memory_bytes,
    )


def _buffers(model: Fields, content: bytes) -> list[memoryview | None]:
    """The data of each buffer; None without."""
    found: list[memoryview | None] = []
    for number, table in enumerate(model["buffers"]):
        data, offset, size = table["data"], table["offset"], table["size"]
        # Converters write 1 for "not yet known".
        if offset > 1:
            if data is not None and len(data):
                refuse(f"buffer {number} has data in two places")
            if offset % 16 or offset + size > len(content):
                refuse(f"buffer {number} has {size} bytes from {offset} of {len(content)}")
            data = memoryview(content)[offset : offset + size]
        elif size > 1:
            refuse(f"buffer {number} has {size} bytes nowhere")
        found.append(data if data is not None and len(data) else None)
    if not found or found[0] is not None:
        refuse("buffer 0 must be there and empty: it stands for no data")
    return found


def _check_names(model: Fields, tensors: int) -> None:
    """Hold that metadata and signatures name buffers and tensors that are there."""
    named = [*(one["buffer"] for one in model["metadata"]), *model["metadata_buffer"]]
    if not all(0 <= one < len(model["buffers"]) for one in named):
        refuse(f"its metadata name a buffer beyond {len(model['buffers'])}")
    for signature in model["signature_defs"]:
        maps = [*signature["inputs"], *signature["outputs"]]
        if signature["subgraph_index"] != 0 or not all(one["tensor_index"] < tensors for one in maps):
            refuse(f"a signature names a subgraph or a tensor beyond {tensors}")


def _interface(indices: tuple[int, ...], tensors: list[Tensor], what: str) -> list[Tensor]:
    if not 1 <= len(indices) <= MAX_TENSORS or len({int(one) for one in indices}) != len(indices):
        refuse(f"its {what} are {len(indices)} tensors, some of them twice or none")
    if not all(0 <= one < len(tensors) for one in indices):
        refuse(f"its {what} are beyond its {len(tensors)} tensors")
    return [tensors[one] for one in indices]


class _Memory:
    """The bytes that operators take beside the file, one after the other.

    Attributes:
        most: The most at a time.
    """

    def __init__(self, rows: list[Fields], tensors: list[Tensor], interface: tuple[list[Tensor], list[Tensor]]) -> None:
        inputs, outputs = interface
        self._last_read = {int(index): number for number, row in enumerate(rows) for index in row["inputs"]}
        self._last_read |= {one.index: len(rows) for one in outputs}
        # What follows from constants alone, an interpreter computes once and keeps.
        self._kept = {one.index for one in tensors if one.constant}
        # Those whose shapes it learns only when it runs, it never frees.
        self._dynamic: set[int] = set()
        # Constants of other types in the file that no operator has read as its weights.
        self._widened: set[int] = set()
        self._live = {one.index: one.bytes for one in inputs}
        self._now = self.most = sum(self._live.values())

    def run(self, operator: Operator) -> None:
        """Make its outputs, and free what nothing reads any more."""
        given = [one for one in operator.inputs if one is not None]
        made = {one.index: one.bytes for one in operator.outputs}
        if operator.dynamic or any(one.index in self._dynamic for one in given):
            self._dynamic |= made.keys()
        if all(one.index in self._kept for one in given):
            self._kept |= made.keys()
            self._widened |= made.keys() if operator.name == "DEQUANTIZE" else set()
        self._live |= made
        self._now += sum(made.values()) + operator.lasting
        if operator.lasting and operator.input(1).index in self._widened:
            # A delegate widens and packs them at once.
            self._widened.remove(operator.input(1).index)
            self._now -= min(operator.input(1).bytes, operator.lasting)
        self.most = max(self.most, self._now + operator.scratch)
        for index in (*(one.index for one in given), *made):
            is_freed = self._last_read.get(index, operator.number) <= operator.number
            if is_freed and index not in self._kept and index not in self._dynamic:
                self._now -= self._live.pop(index, 0)


def _run(model: Fields, tensors: list[Tensor], interface: tuple[list[Tensor], list[Tensor]], *, follow: bool) -> int:
    """Go through the operators in their order; returns the most bytes that they take at a time."""
    inputs, outputs = interface
    if any(one.constant for one in inputs):
        refuse("an input is a constant")
    codes = [_operator_name(number, table) for number, table in enumerate(model["operator_codes"])]
    rows = model["subgraphs"][0]["operators"]
    ready = {one.index for one in inputs} | {one.index for one in tensors if one.constant}
    memory, work = _Memory(rows, tensors, interface), 0
    for number, row in enumerate(rows):
        operator = _operator(number, row, codes, tensors)
        unmade = [one.index for one in operator.inputs if one is not None and one.index not in ready]
        if unmade:
            refuse(f"operator {number} ({operator.name}) reads tensor {unmade[0]}, which nothing has made yet")
        made = {one.index for one in operator.outputs}
        twice = [index for index in made if index in ready]
        if twice or len(made) != len(operator.outputs):
            refuse(f"operator {number} ({operator.name}) writes a tensor that is there already: {twice}")
        check_operator(operator, follow=follow)
        ready |= made
        memory.run(operator)
        work += operator.work
        if memory.most > MAX_BYTES or work > MAX_WORK:
            refuse(
                f"operator {number} ({operator.name}) brings it to {memory.most} bytes and {work} multiplications, at "
                f"most {MAX_BYTES} and {MAX_WORK}"
            )
    if not all(one.index in ready and not one.constant for one in outputs):
        refuse("an output is made by no operator")
    return memory.most


def _operator_name(number: int, table: Fields) -> str:
    # Old converters fill only the deprecated 8-bit field.
    code = max(table["builtin_code"], table["deprecated_builtin_code"])
    if code not in NAMES:
        which = (
            f"the custom operator {table['custom_code']!r:.100}" if code == _CUSTOM else f"number {code} of the schema"
        )
        raise ContractError(
            f"a model must have operators that edgekit runs, got {which}; convert it without (edgekit runs "
            f"{', '.join(sorted(RULES))})"
        )
    # Which versions it knows, an interpreter tells by itself.
    if table["version"] < 1:
        refuse(f"operator code {number} has the version {table['version']}")
    return NAMES[code]


def _operator(number: int, row: Fields, codes: list[str], tensors: list[Tensor]) -> Operator:
    """A row of the list of operators, with its tensors and options."""
    if row["opcode_index"] >= len(codes):
        refuse(f"operator {number} has the code {row['opcode_index']} of {len(codes)}")
    name = codes[row["opcode_index"]]
    rule = RULES[name]
    inputs, outputs = row["inputs"], row["outputs"]
    if not rule.inputs[0] <= len(inputs) <= rule.inputs[1] or not 1 <= len(outputs) <= rule.outputs:
        refuse(f"operator {number} ({name}) has {len(inputs)} inputs and {len(outputs)} outputs")
    if (
        row["custom_options"]
        or len(row["intermediates"])
        or row["builtin_options_2"]
        or row["large_custom_options_size"]
    ):
        refuse(f"operator {number} ({name}) has options or tensors of its own that it does not need")
    if any(row["mutating_variable_inputs"]):
        refuse(f"operator {number} ({name}) changes its inputs")
    absent = [at for at, index in enumerate(inputs) if index == -1]
    beyond = [index for index in (*inputs, *outputs) if not 0 <= index < len(tensors)]
    if len(beyond) != len(absent) or not set(absent) <= {rule.optional}:
        refuse(f"operator {number} ({name}) has the tensors {list(inputs)} and {list(outputs)} of {len(tensors)}"[:300])
    options = row["builtin_options"] or {}
    if row["builtin_options_type"] and options.get("_table") != rule.options:
        refuse(f"operator {number} ({name}) has the options of another ({row['builtin_options_type']})")
    return Operator(
        number,
        name,
        [None if one == -1 else tensors[one] for one in inputs],
        [tensors[one] for one in outputs],
        options,
    )
