"""What each operator makes of shapes, held against the interpreter, and forged operators."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from forging import edited
from models.make import Graph

from edgekit.errors import ContractError
from edgekit.runtime.verify.model import check_model
from edgekit.runtime.verify.operators import RULES

Type = schema.TensorType
CONV = {"padding": 0, "strideW": 2, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
POOL = {"padding": 1, "strideW": 2, "strideH": 2, "filterWidth": 3, "filterHeight": 2}


def one(name, *inputs, made, options=None, out=Type.FLOAT32, **fields):
    """A row: an operator, its inputs (shapes of float32, or arrays of constants) and the shapes that it makes."""
    return pytest.param(name, inputs, made, options, fields, out, id=f"{name} {made}")


def whole(*numbers):
    return np.array(numbers, np.int32)


def drawn(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


# Operators on two tensors, and on one, element by element → the table of their options.
PAIRED = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions", "POW": "PowOptions"}
PAIRED |= {"MAXIMUM": "MaximumMinimumOptions", "MINIMUM": "MaximumMinimumOptions", "FLOOR_DIV": "FloorDivOptions"}
PAIRED |= {"SQUARED_DIFFERENCE": "SquaredDifferenceOptions", "FLOOR_MOD": "FloorModOptions"}
SINGLE: dict[str, str | None] = {"GELU": "GeluOptions", "HARD_SWISH": "HardSwishOptions", "COS": "CosOptions"}
SINGLE |= {"EXP": "ExpOptions", "SQUARE": "SquareOptions", "ABS": "AbsOptions", "NEG": "NegOptions"}
SINGLE |= {"LOG_SOFTMAX": "LogSoftmaxOptions"}
SINGLE |= dict.fromkeys(["RELU", "RELU_N1_TO_1", "RELU6", "RELU_0_TO_1", "ELU", "LOGISTIC", "TANH"])
SINGLE |= dict.fromkeys(["LOG", "SQRT", "RSQRT", "FLOOR", "CEIL", "ROUND", "SIN"])
ROWS = [
    one("CONV_2D", (1, 9, 8, 4), drawn(6, 3, 3, 4), drawn(6), made=[(1, 9, 4, 6)], options="Conv2DOptions", **CONV),
    one("CONV_2D", (1, 9, 8, 4), drawn(6, 3, 3, 4), drawn(6), made=[(1, 3, 4, 6)], options="Conv2DOptions",
        **{**CONV, "padding": 1, "strideW": 1, "dilationWFactor": 2, "dilationHFactor": 3}),
    one("CONV_2D", (1, 5, 5, 4), drawn(6, 1, 1, 2), drawn(6), made=[(1, 5, 3, 6)], options="Conv2DOptions", **CONV),
    one("DEPTHWISE_CONV_2D", (1, 9, 8, 4), drawn(1, 3, 3, 8), drawn(8), made=[(1, 9, 4, 8)],
        options="DepthwiseConv2DOptions", depthMultiplier=2, **CONV),
    one("FULLY_CONNECTED", (2, 3, 4), drawn(5, 4), drawn(5), made=[(6, 5)], options="FullyConnectedOptions"),
    one("FULLY_CONNECTED", (2, 3, 4), drawn(5, 4), made=[(2, 3, 5)], options="FullyConnectedOptions", keepNumDims=True),
    one("BATCH_MATMUL", (2, 3, 4), (2, 4, 5), made=[(2, 3, 5)], options="BatchMatMulOptions"),
    one("BATCH_MATMUL", (2, 4, 3), (1, 5, 4), made=[(2, 3, 5)], options="BatchMatMulOptions", adjX=True, adjY=True),
    one("AVERAGE_POOL_2D", (1, 9, 8, 4), made=[(1, 4, 3, 4)], options="Pool2DOptions", **POOL),
    one("MAX_POOL_2D", (1, 9, 8, 4), made=[(1, 5, 4, 4)], options="Pool2DOptions", **{**POOL, "padding": 0}),
    one("L2_POOL_2D", (1, 9, 8, 4), made=[(1, 4, 3, 4)], options="Pool2DOptions", **POOL),
    one("L2_NORMALIZATION", (1, 4), made=[(1, 4)], options="L2NormOptions"),
    one("LOCAL_RESPONSE_NORMALIZATION", (1, 3, 3, 4), made=[(1, 3, 3, 4)],
        options="LocalResponseNormalizationOptions", radius=2, bias=1.0, alpha=0.1, beta=0.5),
    *(one(name, (1, 3, 1, 4), (2, 1), made=[(1, 3, 2, 4)], options=options) for name, options in PAIRED.items()),
    one("ADD_N", (2, 3), (2, 3), (2, 3), made=[(2, 3)], options="AddNOptions"),
    *(one(name, (1, 3, 4), made=[(1, 3, 4)], options=options) for name, options in SINGLE.items()),
    one("LEAKY_RELU", (1, 3), made=[(1, 3)], options="LeakyReluOptions", alpha=0.1),
    one("PRELU", (1, 3, 3, 4), drawn(1, 1, 4), made=[(1, 3, 3, 4)]),
    one("SOFTMAX", (1, 3), made=[(1, 3)], options="SoftmaxOptions", beta=1.0),
    *(
        one(name, (1, 3, 4, 5), whole(1, -1), made=[made], options="ReducerOptions", keepDims=keep)
        for name in ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN")
        for made, keep in (((1, 4), False), ((1, 1, 4, 1), True))
    ),
    one("ARG_MAX", (1, 3, 4), whole(-1), made=[(1, 3)], options="ArgMaxOptions", outputType=4, out=Type.INT64),
    one("ARG_MIN", (1, 3, 4), whole(1), made=[(1, 4)], options="ArgMinOptions", outputType=2, out=Type.INT32),
    one("CAST", (1, 3), made=[(1, 3)], options="CastOptions", out=Type.INT32),
    one("RESHAPE", (1, 3, 4), whole(2, -1), made=[(2, 6)], options="ReshapeOptions"),
    one("RESHAPE", (1, 3, 4), made=[(4, 3)], options="ReshapeOptions", newShape=[4, 3]),
    one("SQUEEZE", (1, 3, 1), made=[(3,)], options="SqueezeOptions"),
    one("SQUEEZE", (1, 3, 1), made=[(1, 3)], options="SqueezeOptions", squeezeDims=[-1]),
    one("EXPAND_DIMS", (2, 3), whole(-1), made=[(2, 3, 1)], options="ExpandDimsOptions"),
    one("SHAPE", (2, 3), made=[(2,)], options="ShapeOptions", outType=2, out=Type.INT32),
    one("TRANSPOSE", (2, 3, 4), whole(2, 0, 1), made=[(4, 2, 3)], options="TransposeOptions"),
    one("PAD", (2, 3), whole([0, 1], [2, 3]), made=[(3, 8)], options="PadOptions"),
    one("PADV2", (2, 3), whole([0, 1], [2, 3]), np.float32(7), made=[(3, 8)], options="PadV2Options"),
    one("MIRROR_PAD", (2, 3), whole([0, 1], [2, 1]), made=[(3, 6)], options="MirrorPadOptions"),
    one("CONCATENATION", (1, 2, 3), (1, 4, 3), made=[(1, 6, 3)], options="ConcatenationOptions", axis=-2),
    one("PACK", (2, 3), (2, 3), made=[(2, 2, 3)], options="PackOptions", axis=1, valuesCount=2),
    one("UNPACK", (2, 3), made=[(2,), (2,), (2,)], options="UnpackOptions", axis=1, num=3),
    one("SPLIT", whole(1), (2, 6), made=[(2, 3), (2, 3)], options="SplitOptions", numSplits=2),
    one("SPLIT_V", (2, 6), whole(2, -1), whole(1), made=[(2, 2), (2, 4)], options="SplitVOptions", numSplits=2),
    one("SLICE", (2, 6), whole(1, 2), whole(1, -1), made=[(1, 4)], options="SliceOptions"),
    one("STRIDED_SLICE", (2, 6, 3), whole(0, 5), whole(2, 0), whole(1, -2), made=[(2, 3, 3)],
        options="StridedSliceOptions"),
    one("STRIDED_SLICE", (2, 6, 3), whole(1, 1, -3), whole(0, 9, 0), whole(1, 2, 1), made=[(3, 3)],
        options="StridedSliceOptions", shrinkAxisMask=1, endMask=4),
    one("STRIDED_SLICE", (2, 6, 3), whole(0, 0), whole(0, 0), whole(1, -1), made=[(2, 6, 3)],
        options="StridedSliceOptions", ellipsisMask=1, beginMask=2, endMask=2),
    one("STRIDED_SLICE", (2, 6, 3), whole(0, 0, 1), whole(0, 0, 0), whole(1, 1, 1), made=[(1, 2, 6)],
        options="StridedSliceOptions", newAxisMask=1, ellipsisMask=2, shrinkAxisMask=4),
    one("GATHER", (2, 6), whole([2, 1], [0, 5]), made=[(2, 2, 2)], options="GatherOptions", axis=1),
    one("REVERSE_V2", (2, 3), whole(1), made=[(2, 3)], options="ReverseV2Options"),
    one("TILE", (2, 3), whole(2, 1), made=[(4, 3)], options="TileOptions"),
    one("BROADCAST_TO", (1, 3), whole(4, 2, 3), made=[(4, 2, 3)], options="BroadcastToOptions"),
    one("RESIZE_BILINEAR", (1, 3, 4, 2), whole(6, 5), made=[(1, 6, 5, 2)], options="ResizeBilinearOptions"),
    one("RESIZE_NEAREST_NEIGHBOR", (1, 3, 4, 2), whole(6, 5), made=[(1, 6, 5, 2)],
        options="ResizeNearestNeighborOptions"),
    one("SPACE_TO_DEPTH", (1, 4, 6, 2), made=[(1, 2, 3, 8)], options="SpaceToDepthOptions", blockSize=2),
    one("DEPTH_TO_SPACE", (1, 2, 3, 8), made=[(1, 4, 6, 2)], options="DepthToSpaceOptions", blockSize=2),
    one("SPACE_TO_BATCH_ND", (1, 4, 6, 2), whole(2, 3), whole([0, 0], [1, 2]), made=[(6, 2, 3, 2)],
        options="SpaceToBatchNDOptions"),
    one("BATCH_TO_SPACE_ND", (6, 2, 3, 2), whole(2, 3), whole([0, 0], [1, 2]), made=[(1, 4, 6, 2)],
        options="BatchToSpaceNDOptions"),
]  # fmt: skip
# Behind others in test_shapes_that_are_computed and in the models of the other tests.
ELSEWHERE = {"QUANTIZE", "DEQUANTIZE", "FILL"}
# The oldest kernel that the library has, where that is not the first.
VERSIONS = {"BROADCAST_TO": 2}


def flatbuffer(name, inputs, made, options, fields, out) -> bytes:
    """A model of one operator."""
    graph, given, asked = Graph(), [], []
    for number, one in enumerate(inputs):
        if isinstance(one, tuple):
            asked.append(graph.tensor(f"in{number}", one, Type.FLOAT32))
            given.append(asked[-1])
        else:
            kind = Type.INT32 if one.dtype == np.int32 else Type.FLOAT32
            given.append(graph.tensor(f"constant{number}", one.shape, kind, data=one))
    outputs = [graph.tensor(f"out{number}", shape, out) for number, shape in enumerate(made)]
    table = getattr(schema, f"{options}T")(**fields) if options else None
    graph.operator(getattr(schema.BuiltinOperator, name), VERSIONS.get(name, 1), given, outputs, table)
    return graph.finish(asked, outputs)


def test_every_operator_is_tried():
    assert {row.values[0] for row in ROWS} | ELSEWHERE == set(RULES)


@pytest.mark.parametrize(("name", "inputs", "made", "options", "fields", "out"), ROWS)
def test_shapes_are_those_of_the_interpreter(name, inputs, made, options, fields, out):
    content = flatbuffer(name, inputs, made, options, fields, out)
    assert [one.shape for one in check_model(content).outputs] == made
    library = importlib.import_module("ai_edge_litert.interpreter")
    interpreter = library.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for one in interpreter.get_input_details():
        interpreter.set_tensor(one["index"], np.ones(one["shape"], one["dtype"]))
    interpreter.invoke()
    found = {detail["name"]: detail["index"] for detail in interpreter.get_output_details()}
    assert [interpreter.get_tensor(found[f"out{number}"]).shape for number in range(len(made))] == made


@pytest.mark.parametrize(("name", "inputs", "made", "options", "fields", "out"), ROWS)
def test_other_shapes_are_refused(name, inputs, made, options, fields, out):
    wrong = [(*made[0][:-1], made[0][-1] + 1), *made[1:]]
    with pytest.raises(ContractError, match="must have results of"):
        check_model(flatbuffer(name, inputs, wrong, options, fields, out))


def test_an_unknown_shape_is_worked_out():
    """Old converters leave it out."""
    content = flatbuffer("RESHAPE", [(1, 3, 4), whole(2, -1)], [()], "ReshapeOptions", {}, Type.FLOAT32)
    assert check_model(content).outputs[0].shape == (2, 6)


def test_an_open_length_is_worked_out():
    """Converters store 1 for it."""
    content = flatbuffer("TILE", [(2, 3), whole(2, 1)], [(1, 3)], "TileOptions", {}, Type.FLOAT32)

    def leave_open(model, graph):
        graph.tensors[graph.outputs[0]].shapeSignature = [-1, 3]

    with pytest.raises(ContractError, match=r"results of \[\[4, 3\]\]"):
        check_model(content)
    assert check_model(edited(content, leave_open)).outputs[0].shape == (4, 3)


def test_shapes_that_are_computed_are_followed():
    """Batches that were left open are reshaped by numbers that operators make."""
    graph = Graph()
    photo = graph.tensor("photo", [1, 4, 4, 3], Type.FLOAT32)
    shape, batch = graph.tensor("shape", [4], Type.INT32), graph.tensor("batch", [], Type.INT32)
    asked, flat = graph.tensor("asked", [2], Type.INT32), graph.tensor("flat", [1, 48], Type.FLOAT32)
    begin, end, step, rest = (
        graph.tensor(name, data.shape, Type.INT32, data=data)
        for name, data in (("begin", whole(0)), ("end", whole(1)), ("step", whole(1)), ("rest", np.array(48, np.int32)))
    )
    sliced = schema.StridedSliceOptionsT(shrinkAxisMask=1)
    operator = schema.BuiltinOperator
    graph.operator(operator.SHAPE, 1, [photo], [shape], schema.ShapeOptionsT(outType=Type.INT32))
    graph.operator(operator.STRIDED_SLICE, 1, [shape, begin, end, step], [batch], sliced)
    graph.operator(operator.PACK, 1, [batch, rest], [asked], schema.PackOptionsT(valuesCount=2))
    graph.operator(operator.RESHAPE, 1, [photo, asked], [flat], schema.ReshapeOptionsT())
    content = graph.finish([photo], [flat])
    check_model(content)
    with pytest.raises(ContractError, match=r"RESHAPE\) must have a shape for all its numbers"):
        check_model(edited(content, lambda model, graph: set_data(model, graph.tensors[rest], 47)))


def set_data(model, tensor, *numbers):
    model.buffers[tensor.buffer].data = np.frombuffer(whole(*numbers).tobytes(), np.uint8)


def set_options(index, **fields):
    def edit(model, graph):
        for name, value in fields.items():
            setattr(graph.operators[index].builtinOptions, name, value)

    return edit


def set_scale(index, scale):
    return lambda model, graph: setattr(graph.tensors[index].quantization, "scale", [scale])


def set_inputs(index, *numbers):
    return lambda model, graph: setattr(graph.operators[index], "inputs", list(numbers))


# Of conv_int8.tflite: 0 QUANTIZE, 1-4 CONV_2D, 5 MAX_POOL_2D, 6 FULLY_CONNECTED, 7 MEAN, 8 FULLY_CONNECTED, 9 ADD,
# 10 DEQUANTIZE, 11 SOFTMAX.
FORGED = [
    pytest.param(set_options(1, strideW=0), r"CONV_2D\) must have steps of 1", id="stride of 0"),
    pytest.param(set_options(1, strideH=-1), r"CONV_2D\) must have steps of 1", id="stride below 0"),
    pytest.param(set_options(1, dilationWFactor=0), r"CONV_2D\) must have steps of 1", id="dilation of 0"),
    pytest.param(set_options(1, padding=7), r"a padding of SAME or VALID \(7\)", id="padding"),
    pytest.param(set_options(1, fusedActivationFunction=9), r"a fused activation among", id="activation"),
    pytest.param(set_options(5, filterWidth=0), r"MAX_POOL_2D\) must have steps of 1", id="window of 0"),
    pytest.param(set_options(5, filterHeight=1 << 30), r"MAX_POOL_2D\) must have steps of 1", id="window"),
    pytest.param(set_options(7, keepDims=True), r"MEAN\) must have results of \[\[1, 1, 1, ", id="kept dimensions"),
    pytest.param(set_options(6, weightsFormat=1), r"FULLY_CONNECTED\) must have plain weights", id="weights"),
    pytest.param(set_options(11, beta=0.0), r"SOFTMAX\) must have a beta above 0", id="beta of 0"),
    pytest.param(set_options(11, beta=float("nan")), r"SOFTMAX\) must have a beta above 0", id="beta"),
]


@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_a_convolution_without_biases_is_refused(name):
    """Its kernel would read them nevertheless."""
    row = next(row for row in ROWS if row.values[0] == name)
    _, inputs, *rest = row.values
    with pytest.raises(ContractError, match="has 2 inputs and 1 outputs"):
        check_model(flatbuffer(name, inputs[:2], *rest))


@pytest.mark.parametrize(("edit", "message"), FORGED)
def test_forged_options_are_refused(conv_int8, edit, message):
    with pytest.raises(ContractError, match=message):
        check_model(edited(conv_int8.flatbuffer, edit))


def test_options_of_another_operator_are_refused(conv_int8):
    def swap(model, graph):
        first, second = graph.operators[1], graph.operators[5]
        first.builtinOptions, first.builtinOptionsType = second.builtinOptions, second.builtinOptionsType

    with pytest.raises(ContractError, match=r"operator 1 \(CONV_2D\) has the options of another \(5\)"):
        check_model(edited(conv_int8.flatbuffer, swap))


def test_axes_are_within_the_tensor(int8_logits):
    with pytest.raises(ContractError, match=r"MEAN\) must have an axis within 4 dimensions \(4\)"):
        check_model(edited(int8_logits, lambda model, graph: set_data(model, graph.tensors[2], 1, 4)))


# Of logits_int8.tflite: see test_tensors.py.
TYPES = [
    pytest.param(set_inputs(1, 1, 4), "integers as input 1", id="axes of another type"),
    pytest.param(set_inputs(2, 3, 1, 5), "a matrix of weights", id="weights that are no matrix"),
    pytest.param(set_inputs(2, 3, 3, 5), "1 biases", id="weights of another layer"),
    pytest.param(set_inputs(2, 3, 4, 4), "2 biases", id="biases of another layer"),
    pytest.param(set_inputs(2, 1, 4, 5), "results of", id="another input"),
    pytest.param(set_scale(6, 1e-25), "scales nearer to each other", id="a ratio that kernels abort on"),
]


@pytest.mark.parametrize(("edit", "message"), TYPES)
def test_operands_that_do_not_fit_are_refused(int8_logits, edit, message):
    with pytest.raises(ContractError, match=message):
        check_model(edited(int8_logits, edit))


def test_a_dead_branch_may_have_the_smallest_of_scales(conv_int8):
    """One side of a sum whose numbers are all near zero: trained networks have them."""
    check_model(edited(conv_int8.flatbuffer, set_scale(22, 1e-9)))
    with pytest.raises(ContractError, match=r"ADD\) must have scales nearer to each other"):
        check_model(edited(conv_int8.flatbuffer, set_scale(23, 1e-8)))


@pytest.mark.parametrize("name", ["ADD", "SUB"])
def test_scales_of_powers_of_two_repeat_nothing(name):
    """The schema's default for int16; its kernel aborts on shapes that differ."""

    def content(repeated, options):
        graph = Graph()
        one, other, made = (
            graph.tensor(name, shape, Type.INT16, scale=2**-15)
            for name, shape in (("one", [1, 3, 4]), ("other", repeated), ("made", [1, 3, 4]))
        )
        table = getattr(schema, f"{name.title()}OptionsT")(**options)
        graph.operator(getattr(schema.BuiltinOperator, name), 1, [one, other], [made], table)
        return graph.finish([one, other], [made])

    check_model(content([1, 3, 4], {"potScaleInt16": True}))
    check_model(content([4], {"potScaleInt16": False}))
    with pytest.raises(ContractError, match=rf"{name}\) must have equal shapes for scales of powers of two"):
        check_model(content([4], {"potScaleInt16": True}))
