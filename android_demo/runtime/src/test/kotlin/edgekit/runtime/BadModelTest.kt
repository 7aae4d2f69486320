package edgekit.runtime

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer

/** What users are told of model files that are refused, and that those of this repository are not. */
class BadModelTest {
    private val sound = Vectors.file("tests/models/red_blue.tflite").readBytes()
    private val flatbufferEnd = Bundle.read(sound).flatbuffer.limit()

    private fun changed(at: Int) = sound.copyOf().also { it[at] = (it[at] + 1).toByte() }

    private fun data(name: String) = Vectors.edited(Vectors.of("bundles").single { it.name == name })

    @TestFactory
    fun refused(): List<DynamicTest> = listOf(
        Triple("a changed byte of weights", changed(flatbufferEnd / 2), "was changed after it was made"),
        Triple("a changed byte of the contract", changed(sound.size - 400), "damaged"),
        Triple("a file cut short", sound.copyOf(sound.size - 1), "no readable archive"),
        Triple("no archive", sound.copyOf(flatbufferEnd), "no readable archive"),
        Triple("another kind of file", Vectors.data("420.jpg"), "must be a TFLite file"),
        Triple("nothing", ByteArray(0), "must be a TFLite file"),
        Triple("int8 input", data("int8-input"), "input must be uint8"),
        Triple("two outputs", data("two-outputs"), "must have one output, got 2"),
        Triple("an open batch", data("open-batch"), "must be static"),
        Triple("two graphs", data("two-subgraphs"), "must have one subgraph, got 2"),
    ).map { (name, content, message) ->
        dynamicTest(name) {
            val refusal = assertThrows(ContractException::class.java) { Bundle.read(content, "shelf.tflite") }
            assertTrue(message in refusal.message!!, refusal.message)
            assertTrue("shelf.tflite" in refusal.message!!, "names the file: ${refusal.message}")
        }
    }

    @TestFactory
    fun newer(): List<DynamicTest> = listOf("4", "18446744073709551616").map { schema ->
        dynamicTest("schema $schema") {
            val text = Bundle.read(sound).contract.toJson().replace("\"schema\": 1", "\"schema\": $schema")
            val refusal = assertThrows(ContractException::class.java) { Contract.fromJson(text) }
            assertTrue("update the app" in refusal.message!!, refusal.message)
        }
    }

    @TestFactory
    fun accepted(): List<DynamicTest> = listOf("models", "tests/models").flatMap { folder ->
        val models = Vectors.repository.resolve(folder).listFiles { file -> file.name.endsWith(".tflite") }!!
        // A bare flatbuffer is no model file.
        models.filter { String(it.readBytes(), Charsets.ISO_8859_1).contains("edgekit.json") }.sorted()
    }.map { file ->
        dynamicTest(file.name) {
            // A part of a larger buffer, as a mapped file may be.
            val content = file.readBytes()
            val buffer = ByteBuffer.wrap(ByteArray(3) + content + ByteArray(5), 3, content.size)
            val bundle = Bundle.read(buffer, file.name)
            assertTrue(bundle.flatbuffer.isDirect && bundle.flatbuffer.order() == java.nio.ByteOrder.nativeOrder())
            assertEquals(content.size, buffer.remaining(), "the buffer is left as it was")
            assertEquals(bundle.contract, Contract.fromJson(bundle.contract.toJson()))
            JvmModel.assumeHere()
            JvmModel(bundle.flatbuffer).use { assertEquals(bundle.contract.outputs, it.classes) }
        }
    }
}
