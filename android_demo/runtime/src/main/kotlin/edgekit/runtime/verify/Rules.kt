package edgekit.runtime.verify

private const val MAX_INPUTS = 1024

/**
 * What is asked of an operator, and what it makes of the shapes and types that it is given; shapes follow the TFLite
 * kernels.
 *
 * @property code the schema's number
 * @property inputs the fewest and the most inputs
 * @property options the table of its options; empty: none
 * @property data how many of the first inputs must have the type of the outputs; 0: [shapes] holds the types
 * @property types those that it computes in
 * @property shapes works out the shapes of the outputs
 * @property optional an input that may be left out
 * @property outputs the most outputs
 */
internal class Rule(
    val name: String,
    val code: Int,
    val inputs: IntRange,
    val options: String,
    val data: Int,
    val types: Set<Type>,
    val shapes: (Operator) -> List<Lengths>,
    val optional: Int = -2,
    val outputs: Int = 1,
)

private val ONE = 1..1
private val TWO = 2..2
private val THREE = 3..3
private val MANY = 1..MAX_INPUTS

private val RULE_LIST = listOf(
    // Layers with weights.
    // Kernels read the biases of convolutions unasked.
    Rule("CONV_2D", 3, THREE, "Conv2DOptions", 0, emptySet(), ::convolution),
    Rule("DEPTHWISE_CONV_2D", 4, THREE, "DepthwiseConv2DOptions", 0, emptySet(), ::convolution),
    Rule("FULLY_CONNECTED", 9, 2..3, "FullyConnectedOptions", 0, emptySet(), ::dense, optional = 2),
    Rule("BATCH_MATMUL", 126, TWO, "BatchMatMulOptions", 0, emptySet(), ::matrices),
    // Windows and normalisation.
    Rule("AVERAGE_POOL_2D", 1, ONE, "Pool2DOptions", 1, REALS, ::pool),
    Rule("MAX_POOL_2D", 17, ONE, "Pool2DOptions", 1, REALS, ::pool),
    Rule("L2_POOL_2D", 12, ONE, "Pool2DOptions", 1, FLOATS, ::pool),
    Rule("L2_NORMALIZATION", 11, ONE, "L2NormOptions", 1, REALS, ::lastFused),
    Rule("LOCAL_RESPONSE_NORMALIZATION", 13, ONE, "LocalResponseNormalizationOptions", 1, FLOATS, ::localResponse),
    // Element by element.
    Rule("ADD", 0, TWO, "AddOptions", 2, NUMBERS, binary(5)),
    Rule("SUB", 41, TWO, "SubOptions", 2, NUMBERS, binary(5)),
    Rule("MUL", 18, TWO, "MulOptions", 2, NUMBERS, binary(5)),
    Rule("DIV", 42, TWO, "DivOptions", 2, setOf(Type.FLOAT32, Type.UINT8), binary(5)),
    Rule("MAXIMUM", 55, TWO, "MaximumMinimumOptions", 2, NUMBERS, binary(5)),
    Rule("MINIMUM", 57, TWO, "MaximumMinimumOptions", 2, NUMBERS, binary(5)),
    Rule("SQUARED_DIFFERENCE", 99, TWO, "SquaredDifferenceOptions", 2, setOf(Type.FLOAT32, Type.INT8), binary(4)),
    Rule("POW", 78, TWO, "PowOptions", 2, FLOATS, binary(4)),
    Rule("FLOOR_DIV", 90, TWO, "FloorDivOptions", 2, setOf(Type.FLOAT32, Type.INT32), binary(4)),
    Rule("FLOOR_MOD", 95, TWO, "FloorModOptions", 2, FLOATS + INTEGERS, binary(4)),
    Rule("ADD_N", 106, MANY, "AddNOptions", MAX_INPUTS, FLOATS, ::addN),
    Rule("RELU", 19, ONE, "", 1, REALS, ::same),
    Rule("RELU_N1_TO_1", 20, ONE, "", 1, REALS, ::same),
    Rule("RELU6", 21, ONE, "", 1, REALS, ::same),
    Rule("RELU_0_TO_1", 152, ONE, "", 1, REALS, ::same),
    Rule("LEAKY_RELU", 98, ONE, "LeakyReluOptions", 1, REALS, ::leaky),
    Rule("PRELU", 54, TWO, "", 2, REALS, ::prelu),
    Rule("ELU", 111, ONE, "", 1, setOf(Type.FLOAT32, Type.INT8), ::lookup),
    Rule("GELU", 150, ONE, "GeluOptions", 1, setOf(Type.FLOAT32, Type.INT8, Type.UINT8), ::lookup),
    Rule("HARD_SWISH", 117, ONE, "HardSwishOptions", 1, setOf(Type.FLOAT32, Type.INT8, Type.UINT8), ::same),
    Rule("LOGISTIC", 14, ONE, "", 1, REALS, ::same),
    Rule("TANH", 28, ONE, "", 1, REALS, ::same),
    Rule("SOFTMAX", 25, ONE, "SoftmaxOptions", 1, REALS, ::softmax),
    Rule("LOG_SOFTMAX", 50, ONE, "LogSoftmaxOptions", 1, FLOATS, ::lookup),
    Rule("EXP", 47, ONE, "ExpOptions", 1, setOf(Type.FLOAT32, Type.INT8), ::lookup),
    Rule("LOG", 73, ONE, "", 1, FLOATS, ::lookup),
    Rule("SQRT", 75, ONE, "", 1, FLOATS, ::lookup),
    Rule("RSQRT", 76, ONE, "", 1, FLOATS, ::lookup),
    Rule("SQUARE", 92, ONE, "SquareOptions", 1, FLOATS, ::lookup),
    Rule("ABS", 101, ONE, "AbsOptions", 1, FLOATS, ::lookup),
    Rule("NEG", 59, ONE, "NegOptions", 1, FLOATS, ::lookup),
    Rule("FLOOR", 8, ONE, "", 1, FLOATS, ::lookup),
    Rule("CEIL", 104, ONE, "", 1, FLOATS, ::lookup),
    Rule("ROUND", 116, ONE, "", 1, FLOATS, ::lookup),
    Rule("COS", 108, ONE, "CosOptions", 1, FLOATS, ::lookup),
    Rule("SIN", 66, ONE, "", 1, FLOATS, ::lookup),
    // Along dimensions.
    Rule("MEAN", 40, TWO, "ReducerOptions", 1, REALS, ::reduce),
    Rule("SUM", 74, TWO, "ReducerOptions", 1, NUMBERS, ::reduce),
    Rule("REDUCE_PROD", 81, TWO, "ReducerOptions", 1, FLOATS + INTEGERS, ::reduce),
    Rule("REDUCE_MAX", 82, TWO, "ReducerOptions", 1, NUMBERS, ::reduce),
    Rule("REDUCE_MIN", 89, TWO, "ReducerOptions", 1, NUMBERS, ::reduce),
    Rule("ARG_MAX", 56, TWO, "ArgMaxOptions", 0, emptySet(), ::arg),
    Rule("ARG_MIN", 79, TWO, "ArgMinOptions", 0, emptySet(), ::arg),
    // Between types.
    Rule("QUANTIZE", 114, ONE, "QuantizeOptions", 0, emptySet(), ::quantize),
    Rule("DEQUANTIZE", 6, ONE, "DequantizeOptions", 0, emptySet(), ::dequantize),
    Rule("CAST", 53, ONE, "CastOptions", 0, emptySet(), ::cast),
    // Where numbers lie.
    Rule("RESHAPE", 22, 1..2, "ReshapeOptions", 1, ANY, ::reshape),
    Rule("SQUEEZE", 43, ONE, "SqueezeOptions", 1, ANY, ::squeeze),
    Rule("EXPAND_DIMS", 70, TWO, "ExpandDimsOptions", 1, ANY, ::expand),
    Rule("SHAPE", 77, ONE, "ShapeOptions", 0, emptySet(), ::shape),
    Rule("TRANSPOSE", 39, TWO, "TransposeOptions", 1, ANY, ::transpose),
    Rule("PAD", 34, TWO, "PadOptions", 1, NUMBERS, ::pad),
    Rule("PADV2", 60, THREE, "PadV2Options", 1, NUMBERS, ::pad),
    Rule("MIRROR_PAD", 100, TWO, "MirrorPadOptions", 1, NUMBERS, ::pad),
    Rule("CONCATENATION", 2, MANY, "ConcatenationOptions", MAX_INPUTS, NUMBERS, ::concatenate),
    Rule("PACK", 83, MANY, "PackOptions", MAX_INPUTS, NUMBERS, ::pack),
    Rule("UNPACK", 88, ONE, "UnpackOptions", 1, NUMBERS, ::unpack, outputs = MAX_INPUTS),
    Rule("SPLIT", 49, TWO, "SplitOptions", 0, emptySet(), ::split, outputs = MAX_INPUTS),
    Rule("SPLIT_V", 102, THREE, "SplitVOptions", 0, emptySet(), ::split, outputs = MAX_INPUTS),
    Rule("SLICE", 65, THREE, "SliceOptions", 1, NUMBERS, ::slice),
    Rule("STRIDED_SLICE", 45, 4..4, "StridedSliceOptions", 1, NUMBERS, ::strided),
    Rule("GATHER", 36, TWO, "GatherOptions", 1, NUMBERS, ::gather),
    Rule("REVERSE_V2", 105, TWO, "ReverseV2Options", 1, NUMBERS, ::reverse),
    Rule("TILE", 69, TWO, "TileOptions", 1, NUMBERS, ::tile),
    Rule("BROADCAST_TO", 130, TWO, "BroadcastToOptions", 1, NUMBERS, ::broadcastTo),
    Rule("FILL", 94, TWO, "FillOptions", 0, emptySet(), ::fill),
    Rule("RESIZE_BILINEAR", 23, TWO, "ResizeBilinearOptions", 1, REALS, ::resize),
    Rule("RESIZE_NEAREST_NEIGHBOR", 97, TWO, "ResizeNearestNeighborOptions", 1, REALS, ::resize),
    Rule("SPACE_TO_DEPTH", 26, ONE, "SpaceToDepthOptions", 1, NUMBERS, ::blocks),
    Rule("DEPTH_TO_SPACE", 5, ONE, "DepthToSpaceOptions", 1, NUMBERS, ::blocks),
    Rule("SPACE_TO_BATCH_ND", 38, THREE, "SpaceToBatchNDOptions", 1, REALS, ::batches),
    Rule("BATCH_TO_SPACE_ND", 37, THREE, "BatchToSpaceNDOptions", 1, REALS, ::batches),
)

internal val RULES: Map<String, Rule> = RULE_LIST.associateBy { it.name }
internal val RULES_BY_CODE: Map<Int, Rule> = RULE_LIST.associateBy { it.code }

// What a kernel does with a number costs about as much as so many multiplications of these.
private val MULTIPLIERS = setOf("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL")
private const val PER_NUMBER = 30L

// These move numbers without looking at them, so that steps need no scale.
private val MOVERS = setOf(
    "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "GATHER", "REVERSE_V2", "TILE",
    "BROADCAST_TO", "UNPACK", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "PAD", "PADV2",
    "MIRROR_PAD", "PACK", "RESIZE_NEAREST_NEIGHBOR",
)

/** Holds that an operator's types, options and shapes are those that its kernel takes and gives. */
internal fun checkOperator(operator: Operator) {
    val rule = RULES.getValue(operator.name)
    if (rule.data > 0) {
        val tensors = List(minOf(rule.data, operator.inputs.size)) { operator.input(it) } + operator.outputs
        if (operator.name in MOVERS) {
            val kind = operator.x.type
            operator.need(kind in rule.types && tensors.all { it.type == kind }, "one type that it knows")
        } else {
            operator.sameType(rule.types, tensors)
        }
    }
    val expected = rule.shapes(operator)
    if (operator.name !in MULTIPLIERS) operator.work = times(operator.work, PER_NUMBER)
    for ((one, shape) in operator.outputs.zip(expected)) {
        // Old converters write no shape where they did not work it out, later ones 1 for an open length; the kernel works
        // them out.
        if ((one.shape.isEmpty() && shape.isNotEmpty()) || fits(one.signature, shape)) one.resize(shape)
    }
    operator.need(operator.outputs.map { it.shape } == expected, "results of $expected")
    for (one in operator.outputs) {
        // Values that are not as many as the elements are none.
        if (one.values?.size?.toLong() != one.elements) one.values = null
    }
}
