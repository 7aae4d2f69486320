package edgekit.runtime

import java.math.BigInteger

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
public class JsonRecord @JvmOverloads @Throws(EdgekitException::class) constructor(
    raw: Any?,
    public val where: String,
    required: Set<String>,
    optional: Set<String> = emptySet(),
    private val fail: (String) -> EdgekitException = { RecordException(it) },
) {
    private val fields: Map<String, Any?>

    init {
        fields = objectOf(raw, where)
        val known = (required + optional).sorted()
        val unknown = (fields.keys - known.toSet()).sorted()
        val missing = (required - fields.keys).sorted()
        if (unknown.isNotEmpty() || missing.isNotEmpty()) {
            throw fail("$where must have the keys $known: unknown ${brief(unknown)}, missing $missing")
        }
    }

    /** Whether a key is there. */
    public fun has(key: String): Boolean = fields.containsKey(key)

    /** A text. */
    @Throws(EdgekitException::class)
    public fun string(key: String): String = stringOf(fields[key], place(key))

    /** A text or null. */
    @Throws(EdgekitException::class)
    public fun stringOrNull(key: String): String? = fields[key]?.let { stringOf(it, place(key)) }

    /** A whole number of 32 bits. */
    @Throws(EdgekitException::class)
    public fun int(key: String): Int = longOf(fields[key], place(key)).let { whole ->
        if (whole.toInt().toLong() != whole) throw fail("${place(key)} must be an integer of 32 bits, got $whole")
        whole.toInt()
    }

    /** A whole number of 32 bits or null. */
    @Throws(EdgekitException::class)
    public fun intOrNull(key: String): Int? = fields[key]?.let { int(key) }

    /** A whole number of 64 bits. */
    @Throws(EdgekitException::class)
    public fun long(key: String): Long = longOf(fields[key], place(key))

    /** A finite number, whole or not. */
    @Throws(EdgekitException::class)
    public fun double(key: String): Double = doubleOf(fields[key], place(key))

    /** A finite number or null. */
    @Throws(EdgekitException::class)
    public fun doubleOrNull(key: String): Double? = fields[key]?.let { doubleOf(it, place(key)) }

    /** A list of anything. */
    @Throws(EdgekitException::class)
    public fun list(key: String): List<Any?> = fields[key] as? List<*> ?: refuse(place(key), "a list", fields[key])

    /** A list of texts. */
    @Throws(EdgekitException::class)
    public fun strings(key: String): List<String> =
        list(key).mapIndexed { at, one -> stringOf(one, "${place(key)}[$at]") }

    /** A list of finite numbers. */
    @Throws(EdgekitException::class)
    public fun doubles(key: String): List<Double> =
        list(key).mapIndexed { at, one -> doubleOf(one, "${place(key)}[$at]") }

    /** An object with any keys. */
    @Throws(EdgekitException::class)
    public fun map(key: String): Map<String, Any?> = objectOf(fields[key], place(key))

    /** An object that is a record of its own. */
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun record(key: String, required: Set<String>, optional: Set<String> = emptySet()): JsonRecord =
        JsonRecord(fields[key], place(key), required, optional, fail)

    /** What is under a key, whatever it is; null also where the key is absent. */
    public fun any(key: String): Any? = fields[key]

    private fun place(key: String) = "$where: $key"

    private fun objectOf(item: Any?, place: String): Map<String, Any?> {
        if (item !is Map<*, *>) refuse(place, "an object", item)
        @Suppress("UNCHECKED_CAST") // Json.parse makes no others.
        return item as Map<String, Any?>
    }

    private fun stringOf(item: Any?, place: String): String = item as? String ?: refuse(place, "str", item)

    private fun longOf(item: Any?, place: String): Long = when (item) {
        is Long -> item
        is BigInteger -> throw fail("$place must be an integer of 64 bits, got one of ${item.bitLength()}")
        else -> refuse(place, "int", item)
    }

    private fun doubleOf(item: Any?, place: String): Double {
        val number = if (item is Long || item is BigInteger || item is Double) (item as Number).toDouble() else null
        if (number == null || number.isNaN() || number.isInfinite()) refuse(place, "float", item)
        return number
    }

    private fun refuse(place: String, kind: String, item: Any?): Nothing =
        throw fail("$place must be $kind, got ${brief(item)}")

    private fun brief(item: Any?): String = when (item) {
        is String -> "'$item'"
        is Map<*, *> -> "an object"
        else -> item.toString()
    }.take(MOST_SHOWN)

    private companion object {
        const val MOST_SHOWN = 80
    }
}
