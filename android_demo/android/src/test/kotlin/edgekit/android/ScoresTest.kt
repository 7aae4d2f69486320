package edgekit.android

import edgekit.runtime.Bundle
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner

/** The `scores` vectors, by the very TFLite library that an APK has for x86-64. */
@RunWith(ParameterizedRobolectricTestRunner::class)
class ScoresTest(private val name: String) {
    @Test
    fun holds() {
        val vector = Vectors.named("scores", name)
        val content = File(Vectors.project, vector.getString("model")).readBytes()
        // A bare flatbuffer has no archive behind it.
        val isBundle = String(content, Charsets.ISO_8859_1).contains("edgekit.json")
        val flatbuffer = if (isBundle) Bundle.read(content).flatbuffer else Vectors.direct(content)
        for (threads in listOf(1, 3)) {
            TfliteModel.open(flatbuffer, threads).use { model ->
                val crops = Vectors.data(vector.getString("inputs")).asList().chunked(model.sidePx * model.sidePx * 3)
                val found = crops.flatMap { crop -> List(model.heads) { model.score(crop.toByteArray(), 0, it) } }
                val expected = Vectors.floats(Vectors.data(vector.getString("scores")), model.classes)
                assertEquals(vector.getString("why"), expected.size, found.size)
                val steps = Vectors.steps(found, expected, vector.getJSONObject("step"))
                val allowed = vector.getJSONObject("tolerance").getDouble("steps")
                assertTrue("${vector.getString("why")}: $steps steps with $threads threads, allowed: $allowed", steps <= allowed)
            }
        }
    }

    companion object {
        @JvmStatic
        @ParameterizedRobolectricTestRunner.Parameters(name = "{0}")
        fun vectors(): List<Array<Any>> = Vectors.names("scores").map { arrayOf(it) }
    }
}
