package edgekit.runtime.verify

import java.math.BigInteger
import kotlin.math.abs

/** Element by element. */
internal fun same(operator: Operator): List<Lengths> {
    if (operator.x.type in QUANTISED) operator.ratio(operator.x.mostScale / operator.y.mostScale)
    return listOf(operator.x.shape)
}

/** Element by element by a table of all inputs, so that no ratio of scales matters. */
internal fun lookup(operator: Operator): List<Lengths> = listOf(operator.x.shape)

internal fun softmax(operator: Operator): List<Lengths> {
    val beta = operator.realOption("beta")
    operator.need(beta > 0 && beta <= 1e4 && operator.x.shape.isNotEmpty(), "a beta above 0 ($beta) and a dimension")
    if (operator.x.type in QUANTISED) operator.ratio(beta * operator.x.mostScale)
    return listOf(operator.x.shape)
}

internal fun leaky(operator: Operator): List<Lengths> {
    val alpha = operator.realOption("alpha")
    operator.need(abs(alpha) <= 1e4, "a finite alpha ($alpha)")
    return same(operator)
}

internal fun localResponse(operator: Operator): List<Lengths> {
    val numbers = listOf("bias", "alpha", "beta").map { operator.realOption(it) }
    val radius = operator.option("radius")
    operator.need(
        operator.x.shape.size == 4 && numbers.none { it.isNaN() || it.isInfinite() } && radius in 0..operator.x.shape[3],
        "four dimensions, finite numbers and a radius within the depth ($numbers, $radius)",
    )
    operator.work = times(operator.work, 2 * radius + 1)
    return listOf(operator.x.shape)
}

internal fun lastFused(operator: Operator): List<Lengths> {
    operator.fused()
    operator.need(operator.x.shape.isNotEmpty(), "a dimension")
    return listOf(operator.x.shape)
}

/** The shape of an operation on two tensors, of which lengths of 1 are repeated. */
internal fun broadcast(operator: Operator, one: Lengths, other: Lengths, mostRank: Int): Lengths {
    if (one == other) return one
    val rank = maxOf(one.size, other.size)
    operator.need(rank <= mostRank, "at most $mostRank dimensions to repeat over")
    return List(rank) { at ->
        val a = one.getOrElse(at - (rank - one.size)) { 1 }
        val b = other.getOrElse(at - (rank - other.size)) { 1 }
        operator.need(a == b || a == 1L || b == 1L, "lengths that are equal or 1")
        maxOf(a, b)
    }
}

/** Two tensors, element by element. */
internal fun binary(mostRank: Int): (Operator) -> List<Lengths> = { operator ->
    operator.fused()
    val x = operator.x
    val other = operator.input(1)
    if (x.type in QUANTISED) holdScales(operator, x, other, operator.y)
    if (x.type in INTEGERS) foldBinary(operator, x.values, other.values)
    listOf(broadcast(operator, x.shape, other.shape, mostRank))
}

private fun holdScales(operator: Operator, x: Tensor, other: Tensor, y: Tensor) {
    val most = maxOf(x.mostScale, other.mostScale)
    when (operator.name) {
        "MUL" -> operator.ratio(x.mostScale * other.mostScale / y.mostScale)
        "DIV" -> operator.ratio(x.mostScale / other.mostScale / y.mostScale)
        "SQUARED_DIFFERENCE" -> operator.ratio(most * most / y.mostScale)
        "ADD", "SUB" -> {
            // Sums are kept in 20 more bits than either side, and must need fewer to leave. How far the sides are from
            // each other does not matter: a dead branch has the smallest of scales.
            operator.ratio(4096 * most / y.mostScale)
            // That kernel repeats nothing, and aborts.
            val isPowersOfTwo = x.type == Type.INT16 && operator.option("pot_scale_int16", 1) != 0L
            operator.need(!isPowersOfTwo || x.shape == other.shape, "equal shapes for scales of powers of two")
        }
    }
}

private val CALCULATE: Map<String, (BigInteger, BigInteger) -> BigInteger> = mapOf(
    "ADD" to BigInteger::add,
    "SUB" to BigInteger::subtract,
    "MUL" to BigInteger::multiply,
    "MAXIMUM" to BigInteger::max,
    "MINIMUM" to BigInteger::min,
    "FLOOR_DIV" to { a, b -> floored(a, b).first },
    "FLOOR_MOD" to { a, b -> floored(a, b).second },
)

private fun floored(a: BigInteger, b: BigInteger): Pair<BigInteger, BigInteger> {
    val (quotient, rest) = a.divideAndRemainder(b)
    return if (rest.signum() != 0 && rest.signum() != b.signum()) quotient - BigInteger.ONE to rest + b else quotient to rest
}

/** Integers whose result shapes may be made of. */
private fun foldBinary(operator: Operator, one: List<Long>?, other: List<Long>?) {
    if (one == null || other == null) return
    val length = maxOf(one.size, other.size)
    val isPaired = setOf(one.size, other.size).all { it == 1 || it == length }
    if (length > MAX_FOLDED || !isPaired || operator.option("fused_activation_function") != 0L) return
    if (operator.name in listOf("FLOOR_DIV", "FLOOR_MOD") && 0L in other) return
    val calculate = CALCULATE[operator.name] ?: return
    operator.y.values = small(List(length) { calculate(one[it % one.size].toBigInteger(), other[it % other.size].toBigInteger()) })
}

/** Numbers that a shape may have, or null where one of them is too large. */
internal fun small(numbers: List<BigInteger>): List<Long>? =
    if (numbers.all { it.abs() <= BigInteger.valueOf(MAX_DIMENSION) }) numbers.map { it.toLong() } else null

internal fun addN(operator: Operator): List<Lengths> {
    operator.need(operator.inputs.all { it != null && it.shape == operator.x.shape }, "equal shapes")
    return listOf(operator.x.shape)
}

internal fun prelu(operator: Operator): List<Lengths> {
    val x = operator.x
    val alpha = operator.input(1)
    operator.need(x.shape.size <= 4, "at most four dimensions")
    if (x.type in QUANTISED) {
        operator.ratio(x.mostScale / operator.y.mostScale, x.mostScale * alpha.mostScale / operator.y.mostScale)
    }
    operator.lasting = times(4, alpha.elements)
    val made = broadcast(operator, x.shape, alpha.shape, 4)
    operator.need(made == x.shape, "slopes that fit the input")
    return listOf(made)
}

internal fun reduce(operator: Operator): List<Lengths> {
    val x = operator.x
    if (x.type in QUANTISED) operator.ratio(x.mostScale / operator.y.mostScale)
    val axes = operator.values(1).map { operator.axis(it, x.shape.size) }.toSet()
    val isKept = operator.option("keep_dims") != 0L
    val known = x.values
    if (known != null && x.shape.size == 1 && axes.isNotEmpty()) {
        operator.y.values = folded(operator.name, known.map { it.toBigInteger() })?.let { small(listOf(it)) }
    }
    operator.scratch = 8 * operator.y.elements + 64 * x.shape.size
    return listOf(x.shape.mapIndexedNotNull { at, length -> if (at !in axes) length else if (isKept) 1L else null })
}

private fun folded(name: String, numbers: List<BigInteger>): BigInteger? = when (name) {
    "REDUCE_PROD" -> numbers.reduce(BigInteger::multiply)
    "SUM" -> numbers.reduce(BigInteger::add)
    "REDUCE_MAX" -> numbers.max()
    "REDUCE_MIN" -> numbers.min()
    else -> null
}

internal fun arg(operator: Operator): List<Lengths> {
    val x = operator.x
    val y = operator.y
    operator.need(x.type in NUMBERS && y.type in INTEGERS, "numbers in and whole numbers out")
    operator.need(integerOf(operator.option("output_type")) == y.type, "results as its options say")
    val axis = operator.axis(operator.values(1, 1)[0], x.shape.size)
    return listOf(x.shape.filterIndexed { at, _ -> at != axis })
}

/** The integers that an option names. */
internal fun integerOf(code: Long): Type? = Type.of(code.toInt())?.takeIf { it in INTEGERS }

internal fun quantize(operator: Operator): List<Lengths> {
    val x = operator.x
    val y = operator.y
    operator.need(x.type in REALS && y.type in QUANTISED, "numbers in and steps out")
    operator.quantised(listOf(y))
    if (x.type in QUANTISED) {
        operator.quantised(listOf(x))
        operator.ratio(x.mostScale / y.mostScale)
    }
    return listOf(x.shape)
}

internal fun dequantize(operator: Operator): List<Lengths> {
    val x = operator.x
    val isKnown = x.type in QUANTISED || x.type == Type.FLOAT16
    operator.need(operator.y.type == Type.FLOAT32 && isKnown, "steps in and float32 out")
    if (x.type != Type.FLOAT16) {
        operator.need(x.scales == 1 || (x.isConstant && x.scales > 1 && x.type == Type.INT8), "scales")
    }
    return listOf(x.shape)
}

internal fun cast(operator: Operator): List<Lengths> {
    operator.need(operator.x.type in ANY && operator.y.type in ANY, "numbers")
    if (operator.x.type in INTEGERS && operator.y.type in INTEGERS) operator.y.values = operator.x.values
    return listOf(operator.x.shape)
}
