package edgekit.runtime

import java.math.BigInteger

/**
 * JSON of records, read strictly, as RFC 8259 has it: no comments, no trailing commas, no unquoted names, no NaN.
 *
 * Of two equal keys the last one counts. Values are
 * `Map<String, Any?>` in the order of the text, `List<Any?>`, `String`, `Long` or `BigInteger` (whole numbers without
 * point or exponent), `Double`, `Boolean` and null.
 */
public object Json {
    /**
     * Reads one value.
     *
     * @throws RecordException no JSON, nested deeper than 200, or longer than 64 Mi characters
     */
    @JvmStatic
    @Throws(EdgekitException::class)
    public fun parse(text: String): Any? = JsonReader(text).whole()

    /**
     * Writes a value on one line, or with [indent] spaces a level; numbers may be any [Number], and those that are not
     * finite become null, as in Python's records.
     *
     * @throws RecordException a value of another type than [parse] gives, or nested deeper than 200
     */
    @JvmStatic
    @JvmOverloads
    @Throws(EdgekitException::class)
    public fun write(value: Any?, indent: Int = 0): String {
        val text = StringBuilder()
        JsonWriter(text, indent).write(value, 1)
        return text.toString()
    }
}

// Far more than any record; readers and writers of JSON recurse.
private const val MAX_DEPTH = 200
private const val MAX_CHARACTERS = 64 * 1024 * 1024

// What Python converts from text at most.
private const val MAX_DIGITS = 4300

private class JsonReader(private val text: String) {
    private var at = 0

    fun whole(): Any? {
        if (text.length > MAX_CHARACTERS) fail("has more than $MAX_CHARACTERS characters")
        skipBlanks()
        val value = value(0)
        skipBlanks()
        if (at < text.length) fail("goes on behind its end")
        return value
    }

    private fun fail(what: String): Nothing = throw RecordException("it must be JSON, but $what, at character $at")

    private fun peek(): Char = if (at < text.length) text[at] else fail("breaks off")

    private fun skipBlanks() {
        while (at < text.length && text[at] in " \t\n\r") at++
    }

    private fun value(depth: Int): Any? = when (peek()) {
        '{' -> if (depth < MAX_DEPTH) map(depth + 1) else fail("is nested deeper than $MAX_DEPTH")
        '[' -> if (depth < MAX_DEPTH) list(depth + 1) else fail("is nested deeper than $MAX_DEPTH")
        '"' -> string()
        't' -> word("true", true)
        'f' -> word("false", false)
        'n' -> word("null", null)
        '-', in '0'..'9' -> number()
        else -> fail("has no value")
    }

    private fun <T> word(spelling: String, value: T): T {
        if (!text.startsWith(spelling, at)) fail("has no value")
        at += spelling.length
        return value
    }

    private fun map(depth: Int): Map<String, Any?> {
        val found = LinkedHashMap<String, Any?>()
        each('}') {
            if (peek() != '"') fail("has a name without quotes")
            val key = string()
            skipBlanks()
            if (peek() != ':') fail("has a name without a value")
            at++
            skipBlanks()
            found[key] = value(depth)
        }
        return found
    }

    private fun list(depth: Int): List<Any?> {
        val found = ArrayList<Any?>()
        each(']') { found.add(value(depth)) }
        return found
    }

    /** Reads items between commas up to [end]. */
    private inline fun each(end: Char, item: () -> Unit) {
        at++
        skipBlanks()
        if (peek() == end) {
            at++
            return
        }
        while (true) {
            item()
            skipBlanks()
            val next = peek()
            if (next != end && next != ',') fail("lacks a comma")
            at++
            if (next == end) return
            skipBlanks()
        }
    }

    private fun string(): String {
        at++
        val plain = at
        while (peek() != '"' && text[at] != '\\' && text[at] >= ' ') at++
        if (text[at] == '"') return text.substring(plain, at++)
        val found = StringBuilder().append(text, plain, at)
        while (peek() != '"') {
            val one = text[at++]
            if (one < ' ') fail("has a control character in a text")
            found.append(if (one == '\\') escaped() else one)
        }
        at++
        return found.toString()
    }

    private fun escaped(): Char {
        val kind = peek()
        at++
        return when (kind) {
            '"', '\\', '/' -> kind
            'b' -> '\b'
            'f' -> '\u000c'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> hexadecimal()
            else -> fail("has an unknown escape")
        }
    }

    private fun hexadecimal(): Char {
        if (at + 4 > text.length) fail("breaks off")
        var code = 0
        repeat(4) {
            val digit = if (text[at] < '\u0080') Character.digit(text[at], 16) else -1
            if (digit < 0) fail("has an unknown escape")
            code = code * 16 + digit
            at++
        }
        return code.toChar()
    }

    private fun number(): Any {
        val start = at
        if (text[at] == '-') at++
        val first = peek()
        if (first == '0') at++ else digits()
        val end = at
        // What does not go on as a fraction or an exponent ends the number, and is no comma then.
        if (hasDigits(at, ".")) {
            at++
            digits()
        }
        if (hasDigits(at, "eE") || (hasOneOf(at, "eE") && hasDigits(at + 1, "+-"))) {
            at += 2
            while (at < text.length && text[at] in '0'..'9') at++
        }
        if (at > end) return text.substring(start, at).toDouble()
        if (end - start > MAX_DIGITS) fail("has a number of more than $MAX_DIGITS digits")
        val digits = text.substring(start, end)
        return digits.toLongOrNull() ?: BigInteger(digits)
    }

    private fun digits() {
        if (peek() !in '0'..'9') fail("has a number without digits")
        while (at < text.length && text[at] in '0'..'9') at++
    }

    private fun hasOneOf(place: Int, letters: String) = place < text.length && text[place] in letters

    /** Whether one of these letters and a digit follow. */
    private fun hasDigits(place: Int, letters: String) =
        hasOneOf(place, letters) && place + 1 < text.length && text[place + 1] in '0'..'9'
}

private class JsonWriter(private val text: StringBuilder, private val indent: Int) {
    fun write(value: Any?, depth: Int) {
        if (depth > MAX_DEPTH + 1) throw RecordException("a record must be nested at most $MAX_DEPTH deep, got more")
        when (value) {
            null, is Boolean -> text.append(value)
            is String -> string(value)
            is Number -> number(value)
            is Map<*, *> -> items('{', '}', value.entries, depth) { (key, item) ->
                string(key as? String ?: refuse(key))
                text.append(": ")
                write(item, depth + 1)
            }
            is List<*> -> items('[', ']', value, depth) { write(it, depth + 1) }
            else -> refuse(value)
        }
    }

    private fun refuse(value: Any?): Nothing =
        throw RecordException("a record must hold what JSON knows, got ${value?.javaClass?.name ?: "null as a name"}")

    private fun <T> items(begin: Char, end: Char, values: Collection<T>, depth: Int, item: (T) -> Unit) {
        text.append(begin)
        var isFirst = true
        for (one in values) {
            if (!isFirst) text.append(if (indent > 0) "," else ", ")
            isFirst = false
            newLine(depth)
            item(one)
        }
        if (values.isNotEmpty()) newLine(depth - 1)
        text.append(end)
    }

    private fun newLine(depth: Int) {
        if (indent == 0) return
        text.append('\n')
        repeat(indent * depth) { text.append(' ') }
    }

    private fun number(value: Number) {
        val isWhole = value is Long || value is Int || value is Short || value is Byte || value is BigInteger
        val real = value.toDouble()
        when {
            isWhole -> text.append(value.toString())
            real.isNaN() || real.isInfinite() -> text.append("null")
            // As a float32 is in Python: the double that it is.
            else -> text.append(real.toString())
        }
    }

    private fun string(value: String) {
        text.append('"')
        for ((place, one) in value.withIndex()) {
            when {
                one == '"' || one == '\\' -> text.append('\\').append(one)
                one == '\n' -> text.append("\\n")
                one == '\r' -> text.append("\\r")
                one == '\t' -> text.append("\\t")
                one < ' ' || isAlone(value, place) -> text.append("\\u").append(one.code.toString(16).padStart(4, '0'))
                else -> text.append(one)
            }
        }
        text.append('"')
    }

    /** Whether it is half of a pair whose other half is missing, which no encoding can hold. */
    private fun isAlone(value: String, at: Int): Boolean = when {
        value[at].isHighSurrogate() -> at + 1 == value.length || !value[at + 1].isLowSurrogate()
        value[at].isLowSurrogate() -> at == 0 || !value[at - 1].isHighSurrogate()
        else -> false
    }
}
