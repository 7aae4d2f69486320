"""Makes the tiny models of the tests: ``python tests/models/make.py [FOLDER]``.

They compare the mean colours of an 8 px photo, so that every right answer can be worked out by hand:

- ``red_blue.tflite``: a bundle; float arithmetic; red is genuine, blue is recapture.
- ``three_colours.tflite``: a bundle with three labels and no bona fide one.
- ``heads.tflite``: a bundle with a head for each scale of its plan; each sees the colours otherwise, so that an answer
  by another head is another answer.
- ``marks.tflite``: a bundle that classifies what is bright on black ground, as ``red_blue.tflite`` does; a detector of
  the form of MediaPipe's, inside, finds squares of an eighth of the frame.
- ``logits_int8.tflite``: a bare flatbuffer as the converter leaves it: int8 inside, float logits out, no archive.

``conv_int8.tflite`` is not made here: it is a demo's model of November 2026, kept as it was, so that int8
convolutions are compared on the same numbers whatever later demos give.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgekit.contract import Contract, CropPlan, Decision, RegionPlan, Unknown
from edgekit.modelfile.flatbuffer import append_sigmoid, append_softmax, pack
from edgekit.modelfile.unknown_output import append_energy
from edgekit.modelfile.write import NO_SHA256, make_bundle, write_bundle
from edgekit.records import sha256

SIDE_PX = 8
# Logits per full channel: at 8, a pure red photo is genuine with probability 1 - 1e-7.
GAIN = 8.0
RED_BLUE = np.array([[GAIN, 0, -GAIN], [-GAIN, 0, GAIN]], np.float32)
THREE_COLOURS = GAIN * np.eye(3, dtype=np.float32)
# A log-sum-exp between those that grey and a pure colour give.
UNKNOWN_ENERGY = 6.5
# What makes a crop of each scale genuine: red on the full frame, blue at a quarter of the width, green at full size.
HEADS = {"full": (GAIN, 0, -GAIN), "1/4": (-1.5 * GAIN, 0, 1.5 * GAIN), "native": (-GAIN, GAIN, 0)}

Type = schema.TensorType
Operator = schema.BuiltinOperator
Options = schema.BuiltinOptions


class Graph:
    """Collects the tensors and operators of one subgraph."""

    def __init__(self) -> None:
        self.buffers = [schema.BufferT()]
        self.tensors: list[schema.TensorT] = []
        self.operators: list[schema.OperatorT] = []
        self.codes: list[schema.OperatorCodeT] = []

    def tensor(self, name, shape, kind, *, scale=None, zero_point=0, data=None) -> int:
        """Add a tensor; with ``data`` a constant, with ``scale`` a quantised one."""
        buffer = 0
        if data is not None:
            self.buffers.append(schema.BufferT(data=np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)))
            buffer = len(self.buffers) - 1
        quantization = None
        if scale is not None:
            quantization = schema.QuantizationParametersT(scale=[scale], zeroPoint=[zero_point])
        self.tensors.append(
            schema.TensorT(shape=list(shape), type=kind, buffer=buffer, name=name, quantization=quantization)
        )
        return len(self.tensors) - 1

    def operator(self, code, version, inputs, outputs, options=None) -> None:
        """Add an operator; ``options`` is an options object of the schema."""
        self.codes.append(schema.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version))
        kind = 0 if options is None else getattr(Options, type(options).__name__.removesuffix("T"))
        self.operators.append(
            schema.OperatorT(
                opcodeIndex=len(self.codes) - 1,
                inputs=inputs,
                outputs=outputs,
                builtinOptionsType=kind,
                builtinOptions=options,
            )
        )

    def finish(self, inputs, outputs) -> bytes:
        """The flatbuffer, with a signature as converters write it."""
        signature = schema.SignatureDefT(
            signatureKey="serving_default",
            inputs=[schema.TensorMapT(name="photo", tensorIndex=inputs[0])],
            outputs=[
                schema.TensorMapT(name=name, tensorIndex=index)
                for name, index in zip(("scores", "scores_of_heads"), outputs, strict=False)
            ],
        )
        graph = schema.SubGraphT(
            tensors=self.tensors, inputs=inputs, outputs=outputs, operators=self.operators, name="main"
        )
        return pack(
            schema.ModelT(
                version=3,
                operatorCodes=self.codes,
                subgraphs=[graph],
                buffers=self.buffers,
                signatureDefs=[signature],
                description="edgekit test model",
            )
        )


def float_logits(weights: np.ndarray) -> bytes:
    """Mean colour (0 to 1) times ``weights``, in float."""
    graph = Graph()
    photo = graph.tensor("photo", [1, SIDE_PX, SIDE_PX, 3], Type.UINT8, scale=1 / 255)
    real = graph.tensor("real", [1, SIDE_PX, SIDE_PX, 3], Type.FLOAT32)
    axes = graph.tensor("axes", [2], Type.INT32, data=np.array([1, 2], np.int32))
    mean = graph.tensor("mean", [1, 3], Type.FLOAT32)
    matrix = graph.tensor("weights", weights.shape, Type.FLOAT32, data=weights.astype(np.float32))
    logits = graph.tensor("logits", [1, len(weights)], Type.FLOAT32)
    graph.operator(Operator.DEQUANTIZE, 1, [photo], [real], schema.DequantizeOptionsT())
    graph.operator(Operator.MEAN, 1, [real, axes], [mean], schema.ReducerOptionsT())
    graph.operator(Operator.FULLY_CONNECTED, 1, [mean, matrix, -1], [logits], schema.FullyConnectedOptionsT())
    return graph.finish([photo], [logits])


def heads_logits(weights: np.ndarray, *, is_parted: bool = False) -> bytes:
    """Mean colour times the (heads, classes, 3) weights: logits of the first head, and those of all others.

    The others stand in one row, or parted: one row a head.
    """
    graph = Graph()
    photo = graph.tensor("photo", [1, SIDE_PX, SIDE_PX, 3], Type.UINT8, scale=1 / 255)
    real = graph.tensor("real", [1, SIDE_PX, SIDE_PX, 3], Type.FLOAT32)
    axes = graph.tensor("axes", [2], Type.INT32, data=np.array([1, 2], np.int32))
    mean = graph.tensor("mean", [1, 3], Type.FLOAT32)
    graph.operator(Operator.DEQUANTIZE, 1, [photo], [real], schema.DequantizeOptionsT())
    graph.operator(Operator.MEAN, 1, [real, axes], [mean], schema.ReducerOptionsT())
    ends = []
    for name, rows in (("first", weights[0]), ("others", weights[1:].reshape(-1, 3))):
        matrix = graph.tensor(f"weights_{name}", rows.shape, Type.FLOAT32, data=rows.astype(np.float32))
        ends.append(graph.tensor(f"logits_{name}", [1, len(rows)], Type.FLOAT32))
        graph.operator(Operator.FULLY_CONNECTED, 1, [mean, matrix, -1], [ends[-1]], schema.FullyConnectedOptionsT())
    if is_parted:
        rows = [1, len(weights) - 1, weights.shape[1]]
        shape = graph.tensor("shape", [3], Type.INT32, data=np.array(rows, np.int32))
        parted = graph.tensor("parted", rows, Type.FLOAT32)
        graph.operator(Operator.RESHAPE, 1, [ends[1], shape], [parted], schema.ReshapeOptionsT(newShape=rows))
        ends[1] = parted
    return graph.finish([photo], ends)


def int8_logits(weights: np.ndarray) -> bytes:
    """The same in int8, with float logits behind a DEQUANTIZE."""
    graph = Graph()
    colour, weight, logit = 1 / 255, float(np.abs(weights).max()) / 127, 0.1
    photo = graph.tensor("photo", [1, SIDE_PX, SIDE_PX, 3], Type.UINT8, scale=colour)
    signed = graph.tensor("signed", [1, SIDE_PX, SIDE_PX, 3], Type.INT8, scale=colour, zero_point=-128)
    axes = graph.tensor("axes", [2], Type.INT32, data=np.array([1, 2], np.int32))
    mean = graph.tensor("mean", [1, 3], Type.INT8, scale=colour, zero_point=-128)
    steps = np.rint(weights / weight).astype(np.int8)
    matrix = graph.tensor("weights", weights.shape, Type.INT8, scale=weight, data=steps)
    zeros = np.zeros(len(weights), np.int32)
    bias = graph.tensor("bias", zeros.shape, Type.INT32, scale=colour * weight, data=zeros)
    quantised = graph.tensor("logits_int8", [1, len(weights)], Type.INT8, scale=logit)
    logits = graph.tensor("logits", [1, len(weights)], Type.FLOAT32)
    graph.operator(Operator.QUANTIZE, 1, [photo], [signed], schema.QuantizeOptionsT())
    graph.operator(Operator.MEAN, 2, [signed, axes], [mean], schema.ReducerOptionsT())
    graph.operator(Operator.FULLY_CONNECTED, 4, [mean, matrix, bias], [quantised], schema.FullyConnectedOptionsT())
    graph.operator(Operator.DEQUANTIZE, 2, [quantised], [logits], schema.DequantizeOptionsT())
    return graph.finish([photo], [logits])


def float_layers(side_px: int = 16, classes: int = 3) -> bytes:
    """A network of float layers as other tools convert them, from pixels to probabilities; its weights are drawn."""
    rng = np.random.default_rng(0)
    graph, half = Graph(), side_px // 2

    def constant(name, values, kind=Type.FLOAT32):
        values = np.asarray(values, np.int32 if kind == Type.INT32 else np.float32)
        return graph.tensor(name, values.shape, kind, data=values)

    def made(name, *shape):
        return graph.tensor(name, shape, Type.FLOAT32)

    photo = graph.tensor("photo", [1, side_px, side_px, 3], Type.UINT8)
    real, centred, scaled = (made(name, 1, side_px, side_px, 3) for name in ("real", "centred", "scaled"))
    padded, first = made("padded", 1, side_px + 1, side_px + 1, 3), made("first", 1, half, half, 8)
    bent, deep, added = (made(name, 1, half, half, 8) for name in ("bent", "deep", "added"))
    joined, pooled = made("joined", 1, half, half, 16), made("pooled", 1, half // 2, half // 2, 16)
    mean, flat = made("mean", 1, 1, 1, 16), made("flat", 1, 16)
    logits, scores = made("logits", 1, classes), made("scores", 1, classes)
    relu6 = schema.ActivationFunctionType.RELU6
    valid, same = schema.Padding.VALID, schema.Padding.SAME
    convolution = schema.Conv2DOptionsT(padding=valid, strideW=2, strideH=2, fusedActivationFunction=relu6)
    depthwise = schema.DepthwiseConv2DOptionsT(padding=same, strideW=1, strideH=1, depthMultiplier=1)
    pool = schema.Pool2DOptionsT(padding=same, strideW=2, strideH=2, filterWidth=2, filterHeight=2)
    kernel = constant("kernel", rng.normal(0, 0.3, (8, 3, 3, 3)))
    depth = constant("depth", rng.normal(0, 0.3, (1, 3, 3, 8)))
    matrix = constant("matrix", rng.normal(0, 0.3, (classes, 16)))
    zeros = constant("zeros", np.zeros(8))
    around = constant("around", [[0, 0], [0, 1], [0, 1], [0, 0]], Type.INT32)
    graph.operator(Operator.CAST, 1, [photo], [real], schema.CastOptionsT())
    graph.operator(Operator.SUB, 1, [real, constant("mean_colour", [127.5] * 3)], [centred], schema.SubOptionsT())
    graph.operator(Operator.MUL, 1, [centred, constant("step", 1 / 127.5)], [scaled], schema.MulOptionsT())
    graph.operator(Operator.PAD, 1, [scaled, around], [padded], schema.PadOptionsT())
    graph.operator(Operator.CONV_2D, 1, [padded, kernel, zeros], [first], convolution)
    graph.operator(Operator.HARD_SWISH, 1, [first], [bent], schema.HardSwishOptionsT())
    graph.operator(Operator.DEPTHWISE_CONV_2D, 1, [bent, depth, zeros], [deep], depthwise)
    graph.operator(Operator.ADD, 1, [bent, deep], [added], schema.AddOptionsT())
    graph.operator(Operator.CONCATENATION, 1, [added, bent], [joined], schema.ConcatenationOptionsT(axis=3))
    graph.operator(Operator.AVERAGE_POOL_2D, 1, [joined], [pooled], pool)
    axes = constant("axes", [1, 2], Type.INT32)
    graph.operator(Operator.MEAN, 1, [pooled, axes], [mean], schema.ReducerOptionsT(keepDims=True))
    shape = constant("shape", [-1, 16], Type.INT32)
    graph.operator(Operator.RESHAPE, 1, [mean, shape], [flat], schema.ReshapeOptionsT())
    graph.operator(Operator.FULLY_CONNECTED, 1, [flat, matrix, -1], [logits], schema.FullyConnectedOptionsT())
    graph.operator(Operator.SOFTMAX, 1, [logits], [scores], schema.SoftmaxOptionsT(beta=1.0))
    return graph.finish([photo], [scores])


# Of a mark, in pixels of the detector's input, from its middle: width, height, and six points, the first two of which
# are eyes on a line that falls by 3 in 4 to the right.
MARK_PX = 20
MARK = (0, 0, MARK_PX, MARK_PX, -4, -3, 4, 3, 0, 2, 0, 5, -8, 0, 8, 0)
MARK_CELL_PX = 16


def marks_detector(*, gain: float = 15.0) -> bytes:
    """What finds bright squares on black: a detector with the inputs and outputs of MediaPipe's for two metres.

    A cell of 16 px is a mark where its colours sum to more than a third of full red; ``gain`` below that finds none.
    """
    graph = Graph()
    photo = graph.tensor("photo", [1, 128, 128, 3], Type.FLOAT32)
    ends: dict[str, list[int]] = {"scores": [], "rows": []}
    for cell, anchors in ((8, 2), (MARK_CELL_PX, 6)):
        cells = 128 // cell
        pooled = graph.tensor(f"mean_{cell}", [1, cells, cells, 3], Type.FLOAT32)
        pool = schema.Pool2DOptionsT(strideW=cell, strideH=cell, filterWidth=cell, filterHeight=cell)
        pool.padding = schema.Padding.VALID
        graph.operator(Operator.AVERAGE_POOL_2D, 1, [photo], [pooled], pool)
        # The input is -1 for black: three channels of it.
        weights, offsets = np.zeros((anchors, 1, 1, 3), np.float32), np.full(anchors, -100, np.float32)
        if cell == MARK_CELL_PX:
            weights[0], offsets[0] = gain, 3 * gain - 10
        rows = np.tile(np.array(MARK, np.float32), anchors)
        outputs = {"scores": (weights, offsets), "rows": (np.zeros((len(rows), 1, 1, 3), np.float32), rows)}
        for name, (kernel, bias) in outputs.items():
            given = [
                graph.tensor(f"{name}_{what}_{cell}", values.shape, Type.FLOAT32, data=values)
                for what, values in (("kernel", kernel), ("bias", bias))
            ]
            made = graph.tensor(f"{name}_grid_{cell}", [1, cells, cells, len(bias)], Type.FLOAT32)
            convolution = schema.Conv2DOptionsT(padding=schema.Padding.VALID, strideW=1, strideH=1)
            graph.operator(Operator.CONV_2D, 1, [pooled, *given], [made], convolution)
            flat = [1, cells * cells * anchors, len(bias) // anchors]
            shape = graph.tensor(f"{name}_shape_{cell}", [3], Type.INT32, data=np.array(flat, np.int32))
            ends[name].append(graph.tensor(f"{name}_{cell}", flat, Type.FLOAT32))
            graph.operator(Operator.RESHAPE, 1, [made, shape], ends[name][-1:], schema.ReshapeOptionsT(newShape=flat))
    joined = []
    for name, length in (("rows", len(MARK)), ("scores", 1)):
        joined.append(graph.tensor(name, [1, 896, length], Type.FLOAT32))
        graph.operator(Operator.CONCATENATION, 1, ends[name], joined[-1:], schema.ConcatenationOptionsT(axis=1))
    return graph.finish([photo], joined)


def marks_plan(detector: bytes, **how: object) -> RegionPlan:
    """Regions that the detector of marks finds."""
    return RegionPlan(detector="blazeface-short", detector_sha256=sha256(detector), **{"margin": 0.0, **how})


def newer(three_colours: Contract) -> list[tuple[str, Contract, bytes]]:
    """Names, contracts and flatbuffers of models that tell what is unknown, or several labels a photo."""
    logits = float_logits(THREE_COLOURS)
    energy = Unknown(rule="energy", threshold=0.5)
    return [
        (
            "colours_or_unknown",
            replace(three_colours, name="colours or unknown").with_unknown(energy),
            append_softmax(append_energy(logits, zero=UNKNOWN_ENERGY, slope=1.0)),
        ),
        (
            "colours_at_once",
            replace(three_colours, name="colours at once").with_multi_label((0.75, 0.98, 0.75)),
            append_sigmoid(logits),
        ),
    ]


def write_all(folder: Path) -> None:
    """Write every test model into ``folder``."""
    common = {
        "side_px": SIDE_PX,
        "precision": "float32",
        "model_sha256": NO_SHA256,
        "plan": CropPlan(lead=("centre",), cycle=("1/4", "native"), crops=3),
        "provenance": {"made_by": "tests/models/make.py"},
    }
    red_blue = Contract(
        name="red or blue",
        labels=("genuine", "recapture"),
        bona_fide="genuine",
        decision=Decision(threshold=0.5),
        **common,
    )
    three_colours = Contract(name="three colours", labels=("red", "green", "blue"), **common)
    for columns, contract, name in ((RED_BLUE, red_blue, "red_blue"), (THREE_COLOURS, three_colours, "three_colours")):
        write_bundle(make_bundle(append_softmax(float_logits(columns)), contract), folder / f"{name}.tflite")
    by_scale = np.array([(row, np.negative(row)) for row in HEADS.values()], np.float32)
    plan = CropPlan(lead=("full",), cycle=("1/4", "native"), crops=5)
    decision = Decision(threshold=0.5, early_stop=(20.0, 14.0, 10.0, 7.0))
    heads = replace(red_blue, name="heads", plan=plan, decision=decision).with_heads(tuple(HEADS))
    write_bundle(make_bundle(append_softmax(heads_logits(by_scale)), heads), folder / "heads.tflite")
    detector = marks_detector()
    marks = replace(red_blue, name="marks").with_regions(marks_plan(detector))
    write_bundle(make_bundle(append_softmax(float_logits(RED_BLUE)), marks, detector), folder / "marks.tflite")
    for name, contract, flatbuffer in newer(three_colours):
        write_bundle(make_bundle(flatbuffer, contract), folder / f"{name}.tflite")
    (folder / "logits_int8.tflite").write_bytes(int8_logits(RED_BLUE))


if __name__ == "__main__":
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
