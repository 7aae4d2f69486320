package edgekit.runtime

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.math.BigInteger

class JsonTest {
    @ParameterizedTest
    @ValueSource(
        strings = [
            "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "{\"a\" 1}", "{\"a\":}", "[1 2]", "1 2", "// x\n1", "01", "1.",
            ".5", "+1", "-", "1e", "1e+", "0x1", "NaN", "Infinity", "-Infinity", "tru", "nul", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12",
            "\"a\nb\"", "\uFEFF1", "\u00a01", "١", "[1]]",
        ],
    )
    fun `what is no JSON is refused`(text: String) {
        assertThrows(RecordException::class.java) { Json.parse(text) }
    }

    @Test
    fun `nesting is bounded`() {
        Json.parse("[".repeat(200) + "]".repeat(200))
        assertThrows(RecordException::class.java) { Json.parse("[".repeat(201) + "]".repeat(201)) }
        assertThrows(RecordException::class.java) { Json.parse("[".repeat(1_000_000)) }
        assertThrows(RecordException::class.java) { Json.parse("{\"a\":".repeat(1_000_000)) }
    }

    @Test
    fun `values have the types that records go by`() {
        val text = """ {"a": [0, -0, 1.0, 1e2, -2.5E-1, true, null], "b": 18446744073709551616, "a": "\ud83d\ude00\/\u00fc"} """
        assertEquals(mapOf("a" to "😀/ü", "b" to BigInteger("18446744073709551616")), Json.parse(text))
        assertEquals(listOf(0L, 0L, 1.0, 100.0, -0.25, true, null), Json.parse("[0, -0, 1.0, 1e2, -2.5E-1, true, null]"))
    }

    @Test
    fun `what is written is read again`() {
        val value = mapOf("text" to "\"\\\n\r\t\u0001ü😀\u007f", "list" to listOf<Any?>(1L, 0.1, 1e-300, 5e20, null, true), "none" to emptyList<Any>())
        for (indent in listOf(0, 2)) assertEquals(value, Json.parse(Json.write(value, indent)))
        assertEquals("""{"a": [1, null], "b": {}}""", Json.write(mapOf("a" to listOf(1, Double.NaN), "b" to emptyMap<String, Any>())))
        assertEquals("{\n  \"a\": [\n    1\n  ]\n}", Json.write(mapOf("a" to listOf(1)), indent = 2))
        // Half of a pair has no encoding, so it stays an escape.
        assertEquals("\"\\ud83d-\\ude00\"", Json.write("\ud83d-\ude00"))
        // A float32 is the double that it is, as in Python.
        assertEquals("0.8999999761581421", Json.write(0.9f))
        assertThrows(RecordException::class.java) { Json.write(mapOf("a" to Any())) }
        assertThrows(RecordException::class.java) { Json.write(mapOf(1 to 2)) }
    }

    @Test
    fun `records are strict`() {
        val raw = Json.parse("""{"i": 1, "f": 1.0, "t": true, "s": "x", "n": null, "l": ["a"], "o": {"k": 2}, "b": 99999999999999999999}""")
        val record = JsonRecord(raw, "r", setOf("i", "f", "t", "s"), setOf("n", "l", "o", "b", "absent"))
        assertEquals(1 to 1.0, record.int("i") to record.double("i"))
        assertEquals(2, record.record("o", setOf("k")).int("k"))
        assertEquals(null to null, record.stringOrNull("n") to record.doubleOrNull("absent"))
        val wrong = listOf<(JsonRecord) -> Any?>(
            { it.int("f") }, { it.int("t") }, { it.double("t") }, { it.string("i") }, { it.string("n") },
            { it.list("s") }, { it.strings("o") }, { it.doubles("l") }, { it.map("l") }, { it.long("b") }, { it.record("o", setOf("z")) },
        )
        for (read in wrong) {
            val message = assertThrows(RecordException::class.java) { read(record) }.message!!
            assertTrue(message.startsWith("r: "), message)
        }
        assertThrows(RecordException::class.java) { JsonRecord(raw, "r", setOf("i")) }
        assertThrows(RecordException::class.java) { JsonRecord(raw, "r", setOf("missing"), (raw as Map<*, *>).keys.map { it as String }.toSet()) }
        assertThrows(ContractException::class.java) { JsonRecord(listOf(1), "r", emptySet()) { ContractException(it) } }
    }
}
