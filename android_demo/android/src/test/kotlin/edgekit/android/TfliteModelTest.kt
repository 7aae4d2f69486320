package edgekit.android

import edgekit.runtime.Bundle
import edgekit.runtime.ModelException
import java.io.File
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

@RunWith(RobolectricTestRunner::class)
class TfliteModelTest {
    private val bundle by lazy { Bundle.read(File(Vectors.project, "models/demo-int8.tflite").readBytes()) }

    @Test
    fun aHundredCropsScoreAsInPython() {
        val crops = JSONObject(Vectors.expected("expected.json").readText()).getJSONObject("crops")
        TfliteModel.open(bundle.flatbuffer).use { model ->
            val inputs = Vectors.expected("crops.rgb").readBytes()
            val size = inputs.size / crops.getInt("count")
            val found = (0 until crops.getInt("count")).map { model.score(inputs.copyOfRange(it * size, (it + 1) * size)) }
            val expected = Vectors.floats(Vectors.expected("crops.f32").readBytes(), model.classes)
            val step = JSONObject().put("of", "logits").put("size", crops.getDouble("step"))
            val steps = Vectors.steps(found, expected, step)
            println("${model.engine} to ${crops.getString("interpreter")}: at most $steps steps on ${found.size} crops")
            // Kernels of two interpreters may round a logit otherwise, each of the two by one step.
            assertTrue("$steps steps", found.size == 100 && steps <= 2.001)
        }
    }

    @Test
    fun tellsItsVersionAndNothingOfKernelsThatItDoesNotKnow() {
        TfliteModel.open(bundle.flatbuffer).use { assertEquals("tflite 2.16.1", it.engine) }
    }

    @Test
    fun aGpuDelegateThatIsNotThereIsToldAndNotReplaced() {
        val told = assertThrows(ModelException::class.java) { TfliteModel.open(bundle.flatbuffer, 1, Accelerator.GPU) }
        assertTrue(told.message, "litert-gpu" in told.message!! && "Accelerator.CPU" in told.message!!)
    }

    @Test
    fun refuses() {
        assertThrows(ModelException::class.java) { TfliteModel.open(bundle.flatbuffer, 0) }
        assertThrows(ModelException::class.java) { TfliteModel.open(Vectors.direct(ByteArray(64))) }
        val model = TfliteModel.open(bundle.flatbuffer)
        assertThrows(IllegalArgumentException::class.java) { model.score(ByteArray(7)) }
        assertThrows(IllegalArgumentException::class.java) { model.score(ByteArray(model.sidePx * model.sidePx * 3), 0, 1) }
        model.close()
        model.close()
        assertThrows(ModelException::class.java) { model.score(ByteArray(model.sidePx * model.sidePx * 3)) }
    }

    @Test
    fun noOtherFileKnowsTflite() {
        val sources = File("src/main/kotlin").walk().filter { it.extension == "kt" }
        val importing = sources.filter { file -> file.readLines().any { it.startsWith("import org.tensorflow") } }
        assertEquals(listOf("TfliteDetector.kt", "TfliteModel.kt"), importing.map { it.name }.sorted().toList())
    }
}
