package edgekit.runtime

/**
 * JSON of records, read strictly: no comments, no trailing commas, no unquoted names.
 *
 * As Python's reader does it, NaN and Infinity are numbers, and of two equal keys the last one counts. Values are
 * `Map<String, Any?>` in the order of the text, `List<Any?>`, `String`, `Long` or `BigInteger` (whole numbers without
 * point or exponent), `Double`, `Boolean` and null.
 */
public object Json {
    /**
     * Reads one value.
     *
     * @throws RecordException no JSON, nested deeper than 200, or longer than 64 MiB of characters
     */
    @JvmStatic
    public fun parse(text: String): Any? = TODO(text)

    /**
     * Writes a value on one line, or with [indent] spaces a level; numbers may be any [Number] that is finite.
     *
     * @throws RecordException a number that is not finite, or a value of another type than [parse] gives
     */
    @JvmStatic
    @JvmOverloads
    public fun write(value: Any?, indent: Int = 0): String = TODO("$value $indent")
}

/**
 * One object of a record, read strictly: unknown keys, missing keys and wrong types are errors.
 *
 * `true` is no number, and 1.0 no whole one.
 *
 * @param raw what [Json.parse] gave
 * @property where names the place in messages
 * @param required keys that must be there
 * @param optional keys that may be
 * @param fail makes the exception of a message
 */
public class JsonRecord @JvmOverloads constructor(
    raw: Any?,
    public val where: String,
    required: Set<String>,
    optional: Set<String> = emptySet(),
    private val fail: (String) -> EdgekitException = { RecordException(it) },
) {
    init {
        TODO("$raw $required $optional $fail")
    }

    /** Whether a key is there. */
    public fun has(key: String): Boolean = TODO(key)

    /** A text. */
    public fun string(key: String): String = TODO(key)

    /** A text or null. */
    public fun stringOrNull(key: String): String? = TODO(key)

    /** A whole number of 32 bits. */
    public fun int(key: String): Int = TODO(key)

    /** A whole number of 64 bits. */
    public fun long(key: String): Long = TODO(key)

    /** A finite number, whole or not. */
    public fun double(key: String): Double = TODO(key)

    /** A finite number or null. */
    public fun doubleOrNull(key: String): Double? = TODO(key)

    /** True or false. */
    public fun boolean(key: String): Boolean = TODO(key)

    /** A list of anything. */
    public fun list(key: String): List<Any?> = TODO(key)

    /** A list of texts. */
    public fun strings(key: String): List<String> = TODO(key)

    /** A list of finite numbers. */
    public fun doubles(key: String): List<Double> = TODO(key)

    /** An object with any keys. */
    public fun map(key: String): Map<String, Any?> = TODO(key)

    /** An object that is a record of its own. */
    public fun record(key: String, required: Set<String>, optional: Set<String> = emptySet()): JsonRecord = TODO(key)

    /** What is under a key, whatever it is; null also where the key is absent. */
    public fun any(key: String): Any? = TODO(key)
}
