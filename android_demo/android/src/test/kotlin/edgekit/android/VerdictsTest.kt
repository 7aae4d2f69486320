package edgekit.android

import edgekit.runtime.ContractException
import edgekit.runtime.EdgekitException
import edgekit.runtime.PhotoException
import edgekit.runtime.Picture
import edgekit.runtime.Verdict
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner

/** The `verdicts` vectors of photos and arrays, by Android's decoders and the APK's TFLite; frames are the runtime's. */
@RunWith(ParameterizedRobolectricTestRunner::class)
class VerdictsTest(private val name: String) {
    @Test
    fun holds() {
        val vector = Vectors.named("verdicts", name)
        val why = vector.getString("why")
        val found = try {
            verdict(vector)
        } catch (refusal: EdgekitException) {
            if (!vector.isNull("verdict")) throw AssertionError("$why: ${refusal.message}", refusal)
            assertEquals("$why: ${refusal.message}", blamed(vector), refusal.javaClass)
            return
        }
        assertTrue("$why: it was judged as $found", !vector.isNull("verdict"))
        val expected = vector.getJSONObject("verdict")
        val crops = expected.getJSONArray("crops").objects()
        assertEquals(why, expected.getString("label"), found.label)
        assertEquals(why, crops.map { it.getJSONArray("box").ints() }, found.crops.map { it.box.toList() })
        val scores = crops.map { crop -> crop.getJSONArray("probabilities").doubles().map { it.toFloat() }.toFloatArray() }
        val steps = Vectors.steps(found.crops.map { it.probabilities.toFloatArray() }, scores, vector.getJSONObject("step"))
        val allowed = vector.getJSONObject("tolerance").getDouble("steps")
        assertTrue("$why: $steps steps, allowed: $allowed", steps <= allowed)
    }

    /** Numbers of crops, and models without probabilities, are none that the contract promises; all else is the photo's. */
    private fun blamed(vector: JSONObject): Class<out EdgekitException> {
        val isContract = !vector.isNull("crops") || vector.getString("model") == "verdict-logits.tflite"
        return if (isContract) ContractException::class.java else PhotoException::class.java
    }

    private fun verdict(vector: JSONObject): Verdict {
        val source = vector.getJSONObject("source")
        val crops = if (vector.isNull("crops")) null else vector.getInt("crops")
        val stopEarly = vector.getBoolean("stop_early")
        return EdgekitClassifier.load(Vectors.model(vector.getString("model")), Options(threads = 2)).use { classifier ->
            if (source.has("photo")) {
                classifier.classify(Vectors.data(source.getString("photo")), crops, stopEarly)
            } else {
                val (width, height) = source.getJSONArray("size_wh").ints()
                classifier.classify(Picture(width, height, Vectors.data(source.getString("array"))), crops, stopEarly)
            }
        }
    }

    companion object {
        @JvmStatic
        @ParameterizedRobolectricTestRunner.Parameters(name = "{0}")
        fun vectors(): List<Array<Any>> =
            Vectors.of("verdicts").filter { !it.getJSONObject("source").has("frame") }.map { arrayOf(it.getString("name")) }
    }
}
