package edgekit.runtime.verify

import java.math.BigInteger

internal fun reshape(operator: Operator): List<Lengths> {
    val x = operator.x
    // As the kernel does: only a list of int32 is a shape, else the options hold it.
    val isGiven = operator.inputs.size > 1 && operator.input(1).let { it.type == Type.INT32 && it.shape.size == 1 }
    val asked = if (isGiven) operator.values(1) else shapeOption(operator)
    val open = asked.count { it == -1L }
    operator.need(open <= 1 && asked.all { it in 1..MAX_DIMENSION || it == -1L }, "a shape")
    val rest = asked.filter { it != -1L }.product()
    operator.need(open == 0 || x.elements % rest == 0L, "a shape for all its numbers")
    val made = asked.map { if (it == -1L) x.elements / rest else it }
    operator.need(made.product() == x.elements, "a shape for all its numbers ($made)")
    operator.y.values = x.values
    return listOf(made)
}

private fun shapeOption(operator: Operator): Lengths {
    val asked = operator.listOption("new_shape")
    operator.need(asked.size <= MAX_FOLDED, "a shape")
    // Old converters mean a scalar by it.
    return asked.longs().let { if (it == listOf(0L)) emptyList() else it }
}

internal fun squeeze(operator: Operator): List<Lengths> {
    val x = operator.x
    val named = operator.listOption("squeeze_dims")
    operator.need(named.size <= MAX_FOLDED, "dimensions to drop")
    val asked = named.longs().map { operator.axis(it, x.shape.size) }.toSet()
    operator.need(asked.all { x.shape[it] == 1L }, "dimensions of 1 to drop")
    operator.y.values = x.values
    return listOf(x.shape.filterIndexed { at, length -> if (asked.isEmpty()) length != 1L else at !in asked })
}

internal fun expand(operator: Operator): List<Lengths> {
    val x = operator.x
    val axis = operator.axis(operator.values(1, 1)[0], x.shape.size + 1)
    operator.y.values = x.values
    return listOf(x.shape.take(axis) + 1L + x.shape.drop(axis))
}

internal fun pad(operator: Operator): List<Lengths> {
    val x = operator.x
    val rank = x.shape.size
    operator.need(rank in 1..5 && operator.input(1).shape == listOf(rank.toLong(), 2L), "two paddings a dimension")
    val around = operator.values(1, 2 * rank)
    operator.need(around.all { it in 0..MAX_DIMENSION }, "paddings of 0 or more")
    if (operator.name == "MIRROR_PAD") {
        val mode = operator.option("mode")
        operator.need(mode == 0L || mode == 1L, "a mode of REFLECT or SYMMETRIC ($mode)")
        val isWithin = around.indices.all { around[it] <= x.shape[it / 2] - (1 - mode) }
        operator.need(isWithin, "paddings within the tensor")
    }
    if (operator.name == "PADV2") {
        operator.need(operator.input(2).let { it.type == x.type && it.elements == 1L }, "one value to pad with")
    }
    return listOf(x.shape.mapIndexed { at, length -> length + around[2 * at] + around[2 * at + 1] })
}

/** The numbers of all parts, where they are few and known. */
private fun joined(parts: List<Tensor>): List<Long>? {
    if (parts.fold(0L) { sum, one -> plus(sum, one.elements) } > MAX_FOLDED) return null
    return parts.flatMap { it.values ?: return null }
}

internal fun concatenate(operator: Operator): List<Lengths> {
    operator.need(operator.option("fused_activation_function") == 0L, "no fused activation")
    val parts = operator.inputs.indices.map { operator.input(it) }
    val x = operator.x
    val axis = operator.axis(operator.option("axis"), x.shape.size)
    val isFitting = parts.all { part ->
        part.shape.size == x.shape.size && x.shape.indices.all { it == axis || part.shape[it] == x.shape[it] }
    }
    operator.need(isFitting, "shapes that fit")
    if (x.type in QUANTISED) operator.ratio(*parts.map { it.mostScale / operator.y.mostScale }.toDoubleArray())
    if (x.shape.size == 1) operator.y.values = joined(parts)
    return listOf(x.shape.mapIndexed { at, length -> if (at == axis) parts.sumOf { it.shape[axis] } else length })
}

internal fun pack(operator: Operator): List<Lengths> {
    val parts = operator.inputs.indices.map { operator.input(it) }
    val x = operator.x
    operator.need(operator.option("values_count") == parts.size.toLong(), "as many inputs as its options say")
    operator.need(parts.all { it.shape == x.shape }, "equal shapes")
    val axis = operator.axis(operator.option("axis"), x.shape.size + 1)
    if (axis == 0) operator.y.values = joined(parts)
    return listOf(x.shape.take(axis) + parts.size.toLong() + x.shape.drop(axis))
}

internal fun unpack(operator: Operator): List<Lengths> {
    val x = operator.x
    val axis = operator.axis(operator.option("axis"), x.shape.size)
    val count = operator.outputs.size.toLong()
    operator.need(operator.option("num") == count && count == x.shape[axis], "an output for each part")
    return operator.outputs.map { x.shape.filterIndexed { at, _ -> at != axis } }
}

/** SPLIT has its axis first, SPLIT_V last, behind the lengths. */
internal fun split(operator: Operator): List<Lengths> {
    val isEven = operator.name == "SPLIT"
    val x = operator.input(if (isEven) 1 else 0)
    if (x.type in QUANTISED) {
        operator.need(operator.outputs.all { it.type == x.type }, "one type")
    } else {
        operator.sameType(ANY, listOf(x) + operator.outputs)
    }
    val axis = operator.axis(operator.values(if (isEven) 0 else 2, 1)[0], x.shape.size)
    val count = operator.option("num_splits")
    operator.need(count == operator.outputs.size.toLong(), "an output for each part")
    val lengths = if (isEven) {
        operator.need(x.shape[axis] % count == 0L, "parts of one length")
        List(count.toInt()) { x.shape[axis] / count }
    } else {
        splitLengths(operator, x.shape[axis], count.toInt())
    }
    return lengths.map { length -> x.shape.mapIndexed { at, whole -> if (at == axis) length else whole } }
}

private fun splitLengths(operator: Operator, whole: Long, count: Int): List<Long> {
    val asked = operator.values(1, count)
    operator.need(asked.all { it in -1..MAX_DIMENSION }, "parts of the whole")
    val isOpen = asked.count { it == -1L } == 1
    val rest = whole - asked.filter { it != -1L }.sum()
    val lengths = if (isOpen) asked.map { if (it == -1L) rest else it } else asked
    operator.need(lengths.all { it > 0 } && lengths.sum() == whole, "parts of the whole")
    return lengths
}

internal fun slice(operator: Operator): List<Lengths> {
    val x = operator.x
    val rank = x.shape.size
    operator.need(rank in 1..5, "one to five dimensions")
    val begin = operator.values(1, rank)
    val sizes = operator.values(2, rank)
    operator.need((0 until rank).all { begin[it] in 0..x.shape[it] }, "a part of the tensor")
    val made = List(rank) { if (sizes[it] == -1L) x.shape[it] - begin[it] else sizes[it] }
    operator.need((0 until rank).all { made[it] in 1..x.shape[it] - begin[it] }, "a part of the tensor")
    val known = x.values
    if (known != null && rank == 1) operator.y.values = known.drop(begin[0].toInt()).take(made[0].toInt())
    return listOf(made)
}

internal fun gather(operator: Operator): List<Lengths> {
    val x = operator.x
    val indices = operator.input(1)
    operator.need(operator.option("batch_dims") == 0L && indices.type in INTEGERS, "indices and no batch")
    operator.need(x.shape.isNotEmpty() && indices.shape.size <= 2, "a dimension to gather along")
    val axis = operator.axis(operator.option("axis"), x.shape.size)
    val known = indices.values
    operator.need(known != null, "indices that are known beforehand")
    operator.need(known.orEmpty().all { it in 0 until x.shape[axis] }, "indices within the tensor")
    val numbers = x.values
    if (numbers != null && x.shape.size == 1) operator.y.values = known.orEmpty().map { numbers[it.toInt()] }
    return listOf(x.shape.take(axis) + indices.shape + x.shape.drop(axis + 1))
}

internal fun transpose(operator: Operator): List<Lengths> {
    val x = operator.x
    val rank = x.shape.size
    val asked = operator.values(1, rank)
    operator.need(asked.all { it >= -rank && it < rank }, "an order of its dimensions")
    val order = asked.map { operator.axis(it, rank) }
    operator.need(order.sorted() == x.shape.indices.toList(), "an order")
    return listOf(order.map { x.shape[it] })
}

internal fun shape(operator: Operator): List<Lengths> {
    operator.need(integerOf(operator.option("out_type")) == operator.y.type, "a result as its options say")
    operator.y.values = operator.x.shape
    return listOf(listOf(operator.x.shape.size.toLong()))
}

internal fun resize(operator: Operator): List<Lengths> {
    val x = operator.x
    operator.need(x.shape.size == 4 && operator.input(1).type == Type.INT32, "four dimensions and a size")
    val isBoth = operator.option("align_corners") != 0L && operator.option("half_pixel_centers") != 0L
    operator.need(!isBoth, "one way to place pixels")
    val (height, width) = operator.values(1, 2)
    operator.need(height in 1..MAX_DIMENSION && width in 1..MAX_DIMENSION, "a size of 1 or more")
    operator.lasting = times(64, times(height, width))
    return listOf(listOf(x.shape[0], height, width, x.shape[3]))
}

internal fun blocks(operator: Operator): List<Lengths> {
    val size = operator.option("block_size")
    operator.need(operator.x.shape.size == 4 && size in 1..MAX_STEP, "four dimensions and a block ($size)")
    val (batch, height, width, depth) = operator.x.shape
    if (operator.name == "SPACE_TO_DEPTH") {
        operator.need(height % size == 0L && width % size == 0L, "whole blocks")
        return listOf(listOf(batch, height / size, width / size, depth * size * size))
    }
    operator.need(depth % (size * size) == 0L, "whole blocks")
    return listOf(listOf(batch, height * size, width * size, depth / (size * size)))
}

internal fun batches(operator: Operator): List<Lengths> {
    val x = operator.x
    val block = operator.values(1, 2)
    val around = operator.values(2, 4)
    operator.need(x.shape.size == 4 && operator.input(2).shape == listOf(2L, 2L), "four dimensions")
    operator.need(block.all { it in 1..MAX_STEP } && around.all { it in 0..MAX_DIMENSION }, "a block")
    operator.need(operator.input(1).type == Type.INT32 && operator.input(2).type == Type.INT32, "int32 blocks")
    val (batch, height, width, depth) = x.shape
    val cells = block[0] * block[1]
    val sides = listOf(height, width)
    val edges = listOf(around[0] + around[1], around[2] + around[3])
    if (operator.name == "SPACE_TO_BATCH_ND") {
        val wide = List(2) { sides[it] + edges[it] }
        operator.need((0..1).all { wide[it] % block[it] == 0L }, "whole blocks")
        return listOf(listOf(batch * cells, wide[0] / block[0], wide[1] / block[1], depth))
    }
    operator.need(batch % cells == 0L, "whole blocks")
    val left = List(2) { sides[it] * block[it] - edges[it] }
    operator.need(left.min() > 0, "something left")
    return listOf(listOf(batch / cells, left[0], left[1], depth))
}

internal fun tile(operator: Operator): List<Lengths> {
    val x = operator.x
    val repeats = operator.values(1, x.shape.size)
    operator.need(repeats.all { it in 1..MAX_DIMENSION }, "repeats of 1 or more")
    return listOf(x.shape.mapIndexed { at, length -> length * repeats[at] })
}

internal fun broadcastTo(operator: Operator): List<Lengths> {
    val asked = operator.values(1)
    operator.need(asked.all { it in 1..MAX_DIMENSION }, "a shape")
    val made = broadcast(operator, operator.x.shape, asked, 6)
    operator.need(made == asked, "a shape that holds the input")
    return listOf(made)
}

internal fun fill(operator: Operator): List<Lengths> {
    operator.need(operator.input(1).let { it.type == operator.y.type && it.elements == 1L }, "one value")
    operator.need(operator.y.type in NUMBERS, "numbers")
    val asked = operator.values(0)
    operator.need(asked.all { it in 1..MAX_DIMENSION }, "a shape")
    return listOf(asked)
}

internal fun reverse(operator: Operator): List<Lengths> {
    val axes = operator.values(1).map { operator.axis(it, operator.x.shape.size) }.sorted()
    operator.need(axes.isNotEmpty() && axes == List(axes.size) { axes[0] + it }, "axes in a row")
    return listOf(operator.x.shape)
}

/** What one entry of a strided slice takes of its dimension: every [step]th element from [first] on, [count] of them. */
private class Taken(val first: Long, val step: Long, val count: Long, val isDropped: Boolean = false)

internal fun strided(operator: Operator): List<Lengths> {
    val x = operator.x
    val rank = x.shape.size
    operator.need(rank in 1..5, "one to five dimensions")
    operator.need(operator.option("offset") == 0L, "ends that count from the front")
    val count = operator.values(1).size
    operator.values(2, count)
    operator.values(3, count)
    val (whole, added, dropped) = listOf("ellipsis", "new_axis", "shrink_axis").map { operator.option("${it}_mask") }
    val isPlain = whole and (whole - 1) == 0L && listOf(whole and added, whole and dropped, added and dropped).all { it == 0L }
    operator.need(isPlain, "plain masks")
    val spelt = (0 until count).count { !has(whole or added, it) }
    operator.need(spelt <= rank && count <= rank + 5, "slices of its dimensions")
    // Null adds a dimension of 1.
    val taken = ArrayList<Taken?>()
    for (at in 0 until count) {
        val dimension = taken.count { it != null }
        when {
            has(whole, at) -> repeat(rank - spelt) { taken.add(Taken(0, 1, x.shape[dimension + it])) }
            has(added, at) -> taken.add(null)
            else -> taken.add(takenOf(operator, at, x.shape[dimension]))
        }
    }
    for (dimension in taken.count { it != null } until rank) taken.add(Taken(0, 1, x.shape[dimension]))
    val made = taken.mapNotNull { if (it == null) 1L else if (it.isDropped) null else it.count }
    operator.need(made.all { it > 0 }, "a part of the tensor")
    x.values?.let { operator.y.values = picked(it, x.shape, taken.filterNotNull()) }
    return listOf(made)
}

// As in Python, bits beyond the mask repeat its sign.
private fun has(mask: Long, at: Int): Boolean = mask shr minOf(at, 63) and 1 != 0L

/** What a slice takes of a dimension, by its number in the list of slices. */
private fun takenOf(operator: Operator, at: Int, length: Long): Taken {
    val (begin, end, step) = (1..3).map { operator.values(it)[at] }
    operator.need(step != 0L && step in -MAX_DIMENSION..MAX_DIMENSION, "steps other than 0")
    if (has(operator.option("shrink_axis_mask"), at)) {
        operator.need(begin >= -length && begin < length && step > 0, "an element of the tensor")
        return Taken(if (begin < 0) begin + length else begin, 1, 1, isDropped = true)
    }
    // Beyond either end counts as that end; backwards, the ends are one in front of the first and the last element.
    val lowest = if (step > 0) 0L else -1L
    val highest = if (step > 0) length else length - 1
    fun placed(asked: Long) = (if (asked < 0) asked + length else asked).coerceIn(lowest, highest)
    val first = if (has(operator.option("begin_mask"), at)) (if (step > 0) lowest else highest) else placed(begin)
    val last = if (has(operator.option("end_mask"), at)) (if (step > 0) highest else lowest) else placed(end)
    val reach = if (step > 0) last - first else first - last
    val stride = if (step > 0) step else -step
    return Taken(first, step, if (reach > 0) (reach + stride - 1) / stride else 0)
}

/** The numbers that a strided slice takes, row by row. */
private fun picked(numbers: List<Long>, shape: Lengths, taken: List<Taken>): List<Long>? {
    if (numbers.size.toBigInteger() != shape.fold(BigInteger.ONE) { one, other -> one * other.toBigInteger() }) return null
    var places = listOf(0L)
    for ((dimension, one) in taken.withIndex()) {
        places = places.flatMap { place -> (0 until one.count).map { place * shape[dimension] + one.first + it * one.step } }
    }
    return places.map { numbers[it.toInt()] }
}
