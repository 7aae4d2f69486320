package edgekit.runtime.verify

// Strides, dilations and windows of layers end far below.
internal const val MAX_STEP = 4096L

// Output channels that XNNPACK packs side by side, depthwise taps that its smallest kernels take, and the bytes of a bias
// and a scale.
private const val TILE = 64L
private const val TAPS = 25L
private const val PER_CHANNEL = 8L

/** How many windows lie along a side; may be less than 1. */
private fun slid(operator: Operator, length: Long, window: Long, stride: Long, dilation: Long = 1): Long {
    val padding = operator.option("padding")
    operator.need(padding == 0L || padding == 1L, "a padding of SAME or VALID ($padding)")
    operator.need(listOf(window, stride, dilation).all { it in 1..MAX_STEP }, "steps of 1 to $MAX_STEP ($stride)")
    val reach = (window - 1) * dilation + 1
    return if (padding == 0L) (length + stride - 1) / stride else Math.floorDiv(length - reach + stride, stride)
}

/** The product of a shape that may have lengths below 1, which no tensor has. */
private fun productOf(lengths: Lengths): Long = lengths.map { maxOf(0L, it) }.product()

internal fun pool(operator: Operator): List<Lengths> {
    operator.fused()
    operator.need(operator.x.shape.size == 4, "four dimensions")
    val (batch, height, width, depth) = operator.x.shape
    val rows = operator.option("filter_height")
    val columns = operator.option("filter_width")
    val made = listOf(
        batch,
        slid(operator, height, rows, operator.option("stride_h")),
        slid(operator, width, columns, operator.option("stride_w")),
        depth,
    )
    // A window reaches no farther than the picture.
    operator.work = times(productOf(made), minOf(rows, height) * minOf(columns, width))
    // Kernels list the address of every pixel of every window.
    operator.scratch = times(8 * rows * columns, productOf(made.take(3)))
    return listOf(made)
}

/** Reckons with weights as XNNPACK lays them out: channels in whole tiles, at the widest of its tiles. */
private fun packWeights(operator: Operator, channels: Long, reads: Long, groups: Long = 1) {
    val weights = operator.input(1)
    val size = if (weights.type == Type.FLOAT16) 4L else weights.type.bytes.toLong()
    val tiles = (channels / groups + TILE - 1) / TILE * TILE
    operator.lasting = plus(operator.lasting, times(times(groups, tiles), times(reads, size) + PER_CHANNEL))
}

/** What convolutions and dense layers have in common: types, scales and the bias. */
private fun weigh(operator: Operator, channels: Long, axis: Int) {
    val x = operator.x
    val weights = operator.input(1)
    val bias = operator.inputs.getOrNull(2)
    operator.fused()
    operator.need(bias == null || (bias.elements == channels && bias.shape.isNotEmpty()), "$channels biases")
    val perChannel = weights.scales == 1 || (weights.scales.toLong() == channels && weights.axis == axis)
    if (x.type == Type.FLOAT32) {
        weighFloats(operator, weights, bias, perChannel)
    } else {
        weighSteps(operator, weights, bias, perChannel)
    }
}

private fun weighFloats(operator: Operator, weights: Tensor, bias: Tensor?, perChannel: Boolean) {
    val kinds = setOf(Type.FLOAT32, Type.FLOAT16, Type.INT8, Type.UINT8)
    operator.need(operator.y.type == Type.FLOAT32 && weights.type in kinds, "float results")
    operator.need(weights.type == Type.FLOAT32 || weights.isConstant, "constant weights")
    operator.need(bias == null || bias.type == Type.FLOAT32 || bias.type == Type.FLOAT16, "float biases")
    if (weights.type in QUANTISED) {
        operator.need(perChannel, "scales of weights")
        // The input is quantised on the fly.
        operator.scratch += operator.x.elements + 4 * operator.y.elements
    }
}

private fun weighSteps(operator: Operator, weights: Tensor, bias: Tensor?, perChannel: Boolean) {
    val x = operator.x
    val y = operator.y
    operator.need(x.type in QUANTISED && y.type == x.type, "results of the input's type")
    operator.quantised(listOf(x, y))
    operator.need(weights.type == (if (x.type == Type.UINT8) Type.UINT8 else Type.INT8) && weights.isConstant, "constant weights")
    operator.need(perChannel, "scales of weights")
    operator.need(weights.type == Type.UINT8 || weights.scales > 1 || weights.zeroPoint == 0L, "symmetric weights")
    operator.need(x.type != Type.INT16 || (x.zeroPoint == 0L && y.zeroPoint == 0L), "zero points of 0")
    val isWhole = bias == null || bias.type == Type.INT32 || (bias.type == Type.INT64 && x.type == Type.INT16)
    operator.need(isWhole, "whole biases")
    operator.need(bias == null || bias.isConstant, "constant biases")
    operator.ratio(x.mostScale * weights.leastScale / y.mostScale, x.mostScale * weights.mostScale / y.mostScale)
}

internal fun convolution(operator: Operator): List<Lengths> {
    val x = operator.x
    val weights = operator.input(1)
    operator.need(x.shape.size == 4 && weights.shape.size == 4, "four dimensions")
    val isDepthwise = operator.name == "DEPTHWISE_CONV_2D"
    val (batch, height, width, depth) = x.shape
    val (_, rows, columns, _) = weights.shape
    val made = if (isDepthwise) weights.shape[3] else weights.shape[0]
    val reads = if (isDepthwise) 1 else weights.shape[3]
    if (isDepthwise) holdDepthwise(operator, made, depth) else holdGroups(operator, made, depth, reads)
    weigh(operator, made, if (isDepthwise) 3 else 0)
    if (isDepthwise) {
        packWeights(operator, made, maxOf(times(rows, columns), TAPS))
    } else {
        packWeights(operator, made, listOf(rows, columns, reads).product(), depth / reads)
    }
    val shape = listOf(
        batch,
        slid(operator, height, rows, operator.option("stride_h"), operator.option("dilation_h_factor", 1)),
        slid(operator, width, columns, operator.option("stride_w"), operator.option("dilation_w_factor", 1)),
        made,
    )
    operator.work = times(productOf(shape), listOf(rows, columns, reads).product())
    // The addresses of the pixels of every patch; steps are copied patch by patch.
    val patches = times(productOf(shape.take(3)), times(rows, columns))
    operator.lasting = plus(operator.lasting, times(8, patches))
    val isCopied = weights.type != Type.FLOAT32 && !isDepthwise && rows * columns > 1
    if (isCopied) operator.scratch = plus(operator.scratch, times(patches, depth))
    return listOf(shape)
}

private fun holdDepthwise(operator: Operator, made: Long, depth: Long) {
    operator.need(operator.input(1).shape[0] == 1L && made % depth == 0L, "kernels of whole channels")
    val multiplier = operator.option("depth_multiplier")
    operator.need(multiplier == 0L || multiplier == made / depth, "a depth multiplier that fits ($multiplier)")
}

private fun holdGroups(operator: Operator, made: Long, depth: Long, reads: Long) {
    operator.need(depth % reads == 0L && made % (depth / reads) == 0L, "kernels of whole groups of channels")
}

internal fun dense(operator: Operator): List<Lengths> {
    val x = operator.x
    val weights = operator.input(1)
    operator.need(operator.option("weights_format") == 0L, "plain weights")
    operator.need(weights.shape.size == 2 && x.shape.isNotEmpty(), "a matrix of weights")
    val (made, reads) = weights.shape
    operator.need(x.elements % reads == 0L, "inputs that fill the weights")
    weigh(operator, made, 0)
    packWeights(operator, made, reads)
    val rows = x.elements / reads
    operator.work = listOf(rows, made, reads).product()
    if (operator.option("keep_num_dims") == 0L) return listOf(listOf(rows, made))
    operator.need(x.shape.last() == reads, "inputs whose last dimension fits the weights")
    return listOf(x.shape.dropLast(1) + made)
}

internal fun matrices(operator: Operator): List<Lengths> {
    val x = operator.x
    val other = operator.input(1)
    val ranks = listOf(x.shape.size, other.shape.size)
    operator.need(ranks.min() >= 2 && ranks.max() <= 5, "matrices")
    if (x.type == Type.FLOAT32 && other.type == Type.INT8) {
        operator.need(operator.y.type == Type.FLOAT32 && other.scales == 1 && other.isConstant, "constant weights")
        operator.scratch = x.elements + 4 * operator.y.elements
    } else {
        operator.sameType(REALS - Type.UINT8, listOf(x, other, operator.y))
        if (x.type in QUANTISED) operator.ratio(x.mostScale * other.mostScale / operator.y.mostScale)
    }
    val (rows, inner) = x.shape.takeLast(2).let { if (operator.option("adj_x") != 0L) it.reversed() else it }
    val (meets, columns) = other.shape.takeLast(2).let { if (operator.option("adj_y") != 0L) it.reversed() else it }
    operator.need(inner == meets, "matrices that fit")
    val batch = broadcast(operator, x.shape.dropLast(2), other.shape.dropLast(2), 3)
    operator.work = (batch + listOf(rows, inner, columns)).product()
    val groups = other.shape.dropLast(2).product()
    packWeights(operator, times(columns, groups), inner, groups)
    // Either may be turned round first.
    operator.scratch += x.bytes + other.bytes
    return listOf(batch + listOf(rows, columns))
}
