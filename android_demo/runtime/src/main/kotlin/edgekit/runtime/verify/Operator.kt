package edgekit.runtime.verify

// none, ReLU, ReLU of -1 to 1, ReLU6; kernels fuse no others.
private val FUSED = 0L..3L

// Kernels turn ratios of scales into 31 bits and a shift, and some abort where that ends.
private val RATIOS = 1.1754943508222875e-38..1073741824.0

internal val FLOATS = setOf(Type.FLOAT32)
internal val REALS = setOf(Type.FLOAT32, Type.INT8, Type.UINT8, Type.INT16)
internal val INTEGERS = setOf(Type.INT32, Type.INT64)
internal val NUMBERS = REALS + INTEGERS
internal val ANY = NUMBERS + setOf(Type.BOOL, Type.FLOAT16, Type.UINT32)
internal val QUANTISED = setOf(Type.INT8, Type.UINT8, Type.INT16)

/**
 * One operator with its tensors.
 *
 * @property name as the schema has it, such as `CONV_2D`
 * @property inputs null stands for one that is left out
 * @property options null without
 */
internal class Operator(
    val number: Int,
    val name: String,
    val inputs: List<Tensor?>,
    val outputs: List<Tensor>,
    private val options: Table?,
) {
    /** Multiplications of one run, and what takes as long. */
    var work: Long = (inputs.filterNotNull() + outputs).fold(0L) { sum, one -> plus(sum, one.elements) }

    /** Bytes that a kernel may take beside its tensors. */
    var scratch: Long = 0

    /**
     * Bytes that a delegate keeps for it alone as long as the model lives: its weights, laid out anew even where several
     * operators share them, and the addresses of pixels.
     */
    var lasting: Long = 0

    /** Whether the shapes of its outputs are made of numbers that the file does not hold. */
    var isDynamic: Boolean = false

    /** The first input. */
    val x: Tensor get() = input(0)

    /** The first output. */
    val y: Tensor get() = outputs[0]

    /** Holds a rule of this operator. */
    fun need(holds: Boolean, rule: String) {
        if (holds) return
        val given = inputs.joinToString { if (it == null) "none" else "${it.type} ${it.shape}" }
        val made = outputs.joinToString { "${it.type} ${it.shape}" }
        refuse("operator $number ($name) must have $rule, got $given to $made".take(600))
    }

    /** An input that must be there. */
    fun input(at: Int): Tensor = inputs.getOrNull(at) ?: refuse("operator $number ($name) must have an input $at")

    /** An option that is a whole number or a flag; [usual] without options. */
    fun option(name: String, usual: Long = 0): Long = (options?.optionOrNull(name) as Long?) ?: usual

    /** An option that is a real number; 0 without options. */
    fun realOption(name: String): Double = (options?.optionOrNull(name) as Double?) ?: 0.0

    /** An option that is a list of whole numbers; none without options. */
    fun listOption(name: String): Numbers = (options?.optionOrNull(name) as Numbers?) ?: Numbers.NONE

    /** Integers that shapes are made of, which must be known without running the model. */
    fun values(at: Int, count: Int? = null): List<Long> {
        val tensor = input(at)
        need(tensor.type in INTEGERS && tensor.shape.size <= 2, "integers as input $at")
        val known = tensor.values ?: refuse("operator $number ($name) must have an input $at that is known beforehand")
        need(count == null || known.size == count, "$count numbers as input $at")
        isDynamic = isDynamic || !tensor.isConstant
        return known
    }

    /** A dimension counted from the front. */
    fun axis(asked: Long, rank: Int): Int {
        need(asked >= -rank && asked < rank, "an axis within $rank dimensions ($asked)")
        return (if (asked < 0) asked + rank else asked).toInt()
    }

    /** Holds the activations that may be fused. */
    fun fused() {
        val kind = option("fused_activation_function")
        need(kind in FUSED, "a fused activation among $FUSED ($kind)")
    }

    /** Holds that tensors have one type, and scales where their numbers are steps. */
    fun sameType(types: Set<Type>, tensors: List<Tensor>) {
        val kind = tensors[0].type
        need(kind in types && tensors.all { it.type == kind }, "one type among $types")
        if (kind in QUANTISED) quantised(tensors)
    }

    /** Holds that tensors have one scale each. */
    fun quantised(tensors: List<Tensor>) {
        need(tensors.all { it.scales == 1 }, "one scale per tensor")
    }

    /** Holds that scales are not absurdly far apart; NaN is. */
    fun ratio(vararg ratios: Double) {
        need(ratios.all { it in RATIOS }, "scales nearer to each other (${ratios.joinToString()})")
    }
}
