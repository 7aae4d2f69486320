package edgekit.runtime.verify

import edgekit.runtime.ContractException
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.charset.CharacterCodingException

internal const val IDENTIFIER = "TFL3"
private const val MAX_TABLES = 200_000

// Numbers in vectors other than buffers. One vector may be named many times, and each time is work.
private const val MAX_NUMBERS = 8_000_000L
private const val MAX_TABLE_DEPTH = 8

/** A table that was read: a value for each of its fields. Absent numbers have the schema's default. */
internal class Table(private val kind: TableKind, private val values: Array<Any?>) {
    val name: String get() = kind.name

    private fun value(field: String) = values[kind.place(field)]

    /** Whether a field that is no number is there. */
    fun has(field: String): Boolean = value(field) != null

    fun long(field: String): Long = (value(field) as Number).toLong()

    fun int(field: String): Int = long(field).toInt()

    fun double(field: String): Double = (value(field) as Number).toDouble()

    fun table(field: String): Table? = value(field) as Table?

    fun string(field: String): String? = value(field) as String?

    /** Tables of a vector; none where it is absent. */
    fun tables(field: String): List<Table> = (value(field) as List<*>?).orEmpty().map { it as Table }

    /** Numbers of a vector; none where it is absent. */
    fun numbers(field: String): Numbers = value(field) as Numbers? ?: Numbers.NONE

    /** Bytes of a vector; null where it is absent. */
    fun bytes(field: String): Span? = value(field) as Span?

    /** How many elements a vector has that is not read. */
    fun isEmpty(field: String): Boolean = (value(field) as Boolean?) != true

    /** The numbers by name: options, of which an operator reads those that it knows. */
    fun optionOrNull(field: String): Any? = if (kind.fields.any { it.name == field }) value(field) else null
}

/** Bytes of the file. */
internal class Span(val start: Int, val length: Int)

/** A vector of numbers in the file, whole or not. */
internal class Numbers(private val bytes: ByteBuffer, private val start: Int, val size: Int, private val kind: NumberKind) {
    fun long(at: Int): Long = numberAt(bytes, start + at * kind.bytes, kind).toLong()

    fun double(at: Int): Double = numberAt(bytes, start + at * kind.bytes, kind).toDouble()

    fun longs(): List<Long> = List(size) { long(it) }

    fun all(holds: (Double) -> Boolean): Boolean = (0 until size).all { holds(double(it)) }

    companion object {
        val NONE = Numbers(ByteBuffer.allocate(0), 0, 0, NumberKind.I32)
    }
}

private fun numberAt(bytes: ByteBuffer, at: Int, kind: NumberKind): Number = when (kind) {
    NumberKind.I8 -> bytes.get(at).toLong()
    NumberKind.U8 -> bytes.get(at).toLong() and 0xFF
    NumberKind.BOOL -> if (bytes.get(at).toInt() == 0) 0L else 1L
    NumberKind.I16 -> bytes.getShort(at).toLong()
    NumberKind.U16 -> bytes.getShort(at).toLong() and 0xFFFF
    NumberKind.I32 -> bytes.getInt(at).toLong()
    NumberKind.U32 -> bytes.getInt(at).toLong() and 0xFFFFFFFFL
    NumberKind.F32 -> bytes.getFloat(at).toDouble()
    // Beyond 63 bits: larger than everything that it is compared with.
    NumberKind.U64 -> bytes.getLong(at).let { if (it < 0) Long.MAX_VALUE else it }
    NumberKind.I64 -> bytes.getLong(at)
}

/**
 * Reads the table Model of a TFLite flatbuffer, with every offset, length and alignment checked.
 *
 * What a table of the schema does not name is refused, not skipped: a newer interpreter would read it unchecked.
 *
 * @param content the flatbuffer from 0 to its limit
 * @throws ContractException something lies outside the file, is not aligned, is no UTF-8, or is unknown
 */
internal fun readStructure(content: ByteBuffer): Table {
    val isModel = content.limit() >= 8 && (0 until 4).all { content.get(4 + it) == IDENTIFIER[it].code.toByte() }
    if (!isModel) throw ContractException("a model must be a TFLite flatbuffer ($IDENTIFIER)")
    return StructureReader(content).root()
}

/** Where a table's fields are: the length of the table, and those that are there. */
private class Placed(val size: Int, val fields: List<Pair<Int, Int>>)

private class StructureReader(content: ByteBuffer) {
    private val bytes = content.duplicate().order(ByteOrder.LITTLE_ENDIAN).apply { position(0) } as ByteBuffer
    private val end = bytes.limit().toLong()
    private var tables = MAX_TABLES
    private var numbers = MAX_NUMBERS

    // Converters let tables share the lists of where their fields are.
    private val layouts = HashMap<Pair<Long, String>, Placed>()

    fun root(): Table = table(target(0, "the file"), "Model", 0)

    private fun fail(where: String, what: String, at: Long): Nothing =
        throw ContractException("a model must be a whole TFLite flatbuffer: $where $what, at byte $at of $end")

    private fun number(kind: NumberKind, at: Long, where: String): Long {
        if (at < 0 || at > end - kind.bytes || at and (kind.bytes - 1L) != 0L) {
            fail(where, "is outside the file or not aligned", at)
        }
        return numberAt(bytes, at.toInt(), kind).toLong()
    }

    /** Where an offset leads to. */
    private fun target(at: Long, where: String): Long {
        val offset = number(NumberKind.U32, at, where)
        if (offset !in 4..end - at - 4) fail(where, "leads out of the file", at)
        return at + offset
    }

    private fun table(at: Long, name: String, depth: Int): Table {
        if (--tables < 0 || depth > MAX_TABLE_DEPTH) {
            fail(name, "must be one of at most $MAX_TABLES tables, $MAX_TABLE_DEPTH deep", at)
        }
        val placed = layout(at, name)
        if (at + placed.size > end) fail(name, "is longer than the file", at)
        val kind = TABLES.getValue(name)
        val values = kind.defaults.clone()
        for ((place, offset) in placed.fields) {
            val field = kind.fields[place]
            val from = at + offset
            values[place] = when {
                field.number == null -> refer(kind, values, field, from, depth)
                from and field.number.rest.toLong() != 0L -> fail("$name.${field.name}", "is not aligned", from)
                else -> numberAt(bytes, from.toInt(), field.number)
            }
        }
        return Table(kind, values)
    }

    private fun layout(at: Long, name: String): Placed {
        val start = at - number(NumberKind.I32, at, name)
        return layouts.getOrPut(start to name) { readLayout(start, name) }
    }

    private fun readLayout(start: Long, name: String): Placed {
        val length = number(NumberKind.U16, start, name)
        val size = number(NumberKind.U16, start + 2, name)
        if (length < 4 || length % 2 != 0L || start + length > end || size < 4) fail(name, "has no list of fields", start)
        val known = TABLES.getValue(name).fields
        val fields = ArrayList<Pair<Int, Int>>()
        for (place in 0 until length.toInt() / 2 - 2) {
            val offset = number(NumberKind.U16, start + 4 + 2 * place, name).toInt()
            if (offset == 0) continue
            val field = known.getOrNull(place) ?: throw ContractException(
                "a model's $name has a field $place that this app does not know; update the app, or convert the model " +
                    "with an older converter",
            )
            if (field.kind == "-") continue
            if (offset < 4 || offset + (field.number?.bytes ?: 4) > size) {
                fail("$name.${field.name}", "is outside its table", start + 4 + 2 * place)
            }
            fields.add(place to offset)
        }
        return Placed(size.toInt(), fields)
    }

    /** What a field leads to. */
    private fun refer(kind: TableKind, values: Array<Any?>, field: Field, place: Long, depth: Int): Any? {
        val where = "${kind.name}.${field.name}"
        val at = target(place, where)
        return when (field.kind) {
            "any" -> true
            "options" -> {
                // The type of a union is the field in front of it. Of an unknown one it is enough that it is there.
                val type = values[kind.place("builtin_options_type")] as Long
                OPTIONS[type.toInt()]?.let { table(at, it, depth + 1) } ?: Table(UNKNOWN_OPTIONS, emptyArray())
            }
            "string" -> string(at, where)
            "bytes" -> Span(at.toInt() + 4, length(at, 1, where))
            else -> if (field.element == null) table(at, field.kind, depth + 1) else vector(at, field.element, where, depth)
        }
    }

    private fun vector(at: Long, element: String, where: String, depth: Int): Any {
        NumberKind.of(element)?.let { return numbers(at, it, where) }
        val length = length(at, 4, where)
        if (element == "any") return length > 0
        if (length > tables) fail(where, "has $length elements, which are too many", at)
        return List(length) { table(target(at + 4 + 4L * it, where), element, depth + 1) }
    }

    private fun length(at: Long, size: Int, where: String): Int {
        val length = number(NumberKind.U32, at, where)
        if (length * size > end - at - 4) fail(where, "has $length elements, which the file does not hold", at)
        if (length != 0L && (at + 4) % minOf(size, 4) != 0L) fail(where, "is not aligned", at)
        return length.toInt()
    }

    private fun numbers(at: Long, kind: NumberKind, where: String): Numbers {
        val length = length(at, kind.bytes, where)
        numbers -= length
        if (numbers < 0) fail(where, "brings the numbers to more than $MAX_NUMBERS", at)
        return Numbers(bytes, at.toInt() + 4, length, kind)
    }

    private fun string(at: Long, where: String): String {
        val length = length(at, 1, where)
        numbers -= length
        val begin = at.toInt() + 4
        if (numbers < 0 || begin + length >= end || bytes.get(begin + length).toInt() != 0) {
            fail(where, "is no text with a zero behind it, or too long", at)
        }
        val text = bytes.duplicate()
        text.limit(begin + length)
        text.position(begin)
        try {
            return Charsets.UTF_8.newDecoder().decode(text).toString()
        } catch (failure: CharacterCodingException) {
            throw ContractException("a model must be a whole TFLite flatbuffer: $where is no UTF-8, at byte $at", failure)
        }
    }
}

/** Options whose type no table has. */
private val UNKNOWN_OPTIONS = TableKind("", emptyList())
