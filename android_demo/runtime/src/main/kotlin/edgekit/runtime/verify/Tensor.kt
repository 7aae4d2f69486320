package edgekit.runtime.verify

import edgekit.runtime.ContractException
import java.nio.ByteBuffer
import java.nio.ByteOrder

internal const val MAX_TENSORS = 20_000

// Beyond any layer of a classifier; also keeps products of two sides in 64 bits.
internal const val MAX_DIMENSION = 1L shl 24
private const val MAX_RANK = 6
internal const val MAX_BYTES = 512L * 1024 * 1024

// Integers that shapes are made of.
private const val MAX_VALUES = 1024L

// Those that operators make; shapes have fewer.
internal const val MAX_FOLDED = 64
private const val MOST_SHOWN = 100

/** Says that a model is none that may be run. */
internal fun refuse(what: String): Nothing =
    throw ContractException("a model must be one that can be run safely: $what; convert it again")

/** A type of numbers by the schema. All others (strings, resources, complex, four bits) are refused. */
internal enum class Type(val code: Int, val bytes: Int, val zeroPoints: LongRange = 0L..0L) {
    FLOAT32(0, 4),
    FLOAT16(1, 2),
    INT32(2, 4),
    UINT8(3, 1, 0L..255L),
    INT64(4, 8),
    BOOL(6, 1),
    INT16(7, 2),
    INT8(9, 1, -128L..127L),
    UINT32(15, 4);

    val spelling: String = name.lowercase(java.util.Locale.ROOT)

    override fun toString(): String = spelling

    companion object {
        // Whatever has a scale; int32 and int64 are biases, float32 what training left behind.
        val SCALED = setOf(INT8, UINT8, INT16, INT32, INT64, FLOAT32, FLOAT16)
        val WITH_ZERO_POINTS = setOf(INT8, UINT8)
        private val BY_CODE = entries.associateBy { it.code }

        fun of(code: Int): Type? = BY_CODE[code]
    }
}

/** A shape: lengths of dimensions. */
internal typealias Lengths = List<Long>

/** The product, or the largest number where it is larger: every bound is below. */
internal fun times(one: Long, other: Long): Long =
    if (one != 0L && other > Long.MAX_VALUE / one) Long.MAX_VALUE else one * other

/** The product of numbers that are 0 or more; as [times]. */
internal fun Iterable<Long>.product(): Long = fold(1L) { one, other -> times(one, other) }

/** The sum, or the largest number where it is larger. */
internal fun plus(one: Long, other: Long): Long = if (one > Long.MAX_VALUE - other) Long.MAX_VALUE else one + other

/**
 * One tensor.
 *
 * @property index its number
 * @param content the flatbuffer
 * @param buffers the data of each buffer; null without
 */
internal class Tensor(val index: Int, table: Table, private val content: ByteBuffer, buffers: List<Span?>) {
    val type: Type = table.int("type").let {
        Type.of(it) ?: refuse("tensor $index has the type $it, which no classifier needs")
    }

    /** As stored; every length is 1 or more. */
    var shape: Lengths = emptyList()
        private set

    /** How many numbers it has. */
    var elements: Long = 1
        private set

    /** The shape with -1 for dimensions that were left open. */
    val signature: Lengths

    /** The bytes of a constant, else null. */
    val data: Span?

    /** How many scales it has: 0 where it is not quantised, several where it is quantised per channel. */
    var scales: Int = 0
        private set
    var leastScale: Double = 0.0
        private set
    var mostScale: Double = 0.0
        private set

    /** The first zero point, 0 without one. */
    var zeroPoint: Long = 0
        private set

    /** Which dimension the scales count along. */
    var axis: Int = 0
        private set

    init {
        resize(lengthsOf(table, "shape"))
        val isOdd = table.long("is_variable") != 0L || table.has("sparsity") || !table.isEmpty("variant_tensors")
        if (isOdd || table.long("external_buffer") != 0L) refuse("tensor $index is variable, sparse, variant or in another file")
        signature = lengthsOf(table, "shape_signature").ifEmpty { shape }
        if (!fits(signature, shape)) {
            refuse("tensor $index has the shape $shape by the signature ${signature.toString().take(MOST_SHOWN)}")
        }
        val buffer = table.long("buffer")
        if (buffer >= buffers.size) refuse("tensor $index has the buffer $buffer of ${buffers.size}")
        data = buffers[buffer.toInt()]
        if (data != null && data.length.toLong() != bytes) refuse("tensor $index has ${data.length} bytes for $type $shape")
        table.table("quantization")?.let { quantize(it) }
    }

    /** What its numbers take. */
    val bytes: Long get() = times(elements, type.bytes.toLong())

    /** Whether its numbers are in the file. */
    val isConstant: Boolean get() = data != null

    // Noted only if they are few: thousands of operators may make some.
    private var made: List<Long>? = null

    /** Its numbers, row by row, where they are integers known without running the model. */
    var values: List<Long>?
        get() {
            val known = data ?: return made
            if ((type != Type.INT32 && type != Type.INT64) || elements > MAX_VALUES) return made
            // Read anew each time: thousands of tensors may have one buffer.
            val bytes = content.duplicate().order(ByteOrder.LITTLE_ENDIAN)
            val isWide = type == Type.INT64
            return List(elements.toInt()) {
                if (isWide) bytes.getLong(known.start + 8 * it) else bytes.getInt(known.start + 4 * it).toLong()
            }
        }
        set(known) {
            made = known?.takeIf { it.size <= MAX_FOLDED }
        }

    /** Takes a shape. */
    fun resize(lengths: Lengths) {
        if (lengths.size > MAX_RANK || !lengths.all { it in 1..MAX_DIMENSION }) {
            refuse("tensor $index has the shape ${lengths.toString().take(MOST_SHOWN)}")
        }
        shape = lengths
        elements = lengths.product()
        if (bytes > MAX_BYTES) refuse("tensor $index takes $bytes bytes, at most $MAX_BYTES")
    }

    private fun lengthsOf(table: Table, field: String): Lengths {
        val lengths = table.numbers(field)
        if (lengths.size > MAX_RANK) refuse("tensor $index has ${lengths.size} dimensions")
        return lengths.longs()
    }

    private fun quantize(table: Table) {
        val found = table.numbers("scale")
        val zeroPoints = table.numbers("zero_point")
        val along = table.int("quantized_dimension")
        if (table.has("details") || table.long("details_type") != 0L) refuse("tensor $index is quantised in a way of its own")
        if (found.size == 0) {
            if (zeroPoints.size > 1 || !zeroPoints.all { it == 0.0 }) refuse("tensor $index has zero points without scales")
            return
        }
        checkScales(found, zeroPoints, along)
        scales = found.size
        axis = along
        zeroPoint = if (zeroPoints.size > 0) zeroPoints.long(0) else 0
        leastScale = (0 until found.size).minOf { found.double(it) }
        mostScale = (0 until found.size).maxOf { found.double(it) }
    }

    private fun checkScales(found: Numbers, zeroPoints: Numbers, along: Int) {
        if (type !in Type.SCALED) refuse("tensor $index is quantised, but $type")
        val isShort = zeroPoints.size == 0 && type in Type.WITH_ZERO_POINTS
        if ((zeroPoints.size != 0 && zeroPoints.size != found.size) || isShort) {
            refuse("tensor $index has ${found.size} scales and ${zeroPoints.size} zero points")
        }
        if (found.size > 1 && shape.getOrNull(along) != found.size.toLong()) {
            refuse("tensor $index has ${found.size} scales along dimension $along of $shape")
        }
        if (along !in 0 until maxOf(1, shape.size)) refuse("tensor $index is quantised along dimension $along of $shape")
        if (!(0 until zeroPoints.size).all { zeroPoints.long(it) in type.zeroPoints }) {
            refuse("tensor $index has a zero point beyond ${type.zeroPoints}")
        }
        if (!found.all { it in SCALES }) refuse("tensor $index has a scale beyond $SCALES")
    }
}

// What float32 holds in full, and what leaves room for products; NaN is not within.
private val SCALES = 1.1754943508222875e-38..1e30

/** Whether a shape is the one that was asked for, where some lengths were left open. */
internal fun fits(signature: Lengths, shape: Lengths): Boolean =
    signature.size == shape.size && signature.indices.all { signature[it] == -1L || signature[it] == shape[it] }
