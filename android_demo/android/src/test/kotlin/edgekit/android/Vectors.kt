package edgekit.android

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest
import kotlin.math.abs
import kotlin.math.ln
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Assume.assumeTrue

/** The conformance vectors, and what Python's runtime answered to what only tests have (`tools/expect.py`). */
internal object Vectors {
    val project = File("../..").canonicalFile
    private val conformance = File(project, "tests/conformance")
    val target = File(project, "android_demo/target")

    /** Vectors of an area; none where this version has no such area. */
    fun of(area: String): List<JSONObject> {
        val file = File(conformance, "$area.json")
        return if (file.isFile) JSONObject(file.readText()).getJSONArray("vectors").objects() else emptyList()
    }

    fun names(area: String): List<String> = of(area).map { it.getString("name") }

    fun named(area: String, name: String): JSONObject = of(area).first { it.getString("name") == name }

    /** A model of a vector: a path in the repository, or a file among the vectors' own. */
    fun model(name: String): File = File(project, name).takeIf { it.isFile } ?: File(conformance, "data/$name")

    fun data(name: String): ByteArray = File(conformance, "data/$name").readBytes()

    /** A file that `tools/expect.py` wrote; the test is left out where it did not run. */
    fun expected(name: String): File = File(target, "expected/$name").also {
        assumeTrue("tools/expect.py did not run: $it is not there", it.isFile)
    }

    fun answers(list: String): List<JSONObject> =
        JSONObject(expected("expected.json").readText()).getJSONArray(list).objects()

    fun photo(name: String): File = File(target, "app/assets/bench/$name")

    /** The largest difference of scores in steps of the model's output, as the conformance vectors count it. */
    fun steps(found: List<FloatArray>, expected: List<FloatArray>, step: JSONObject): Double =
        found.zip(expected).maxOf { (one, other) ->
            val apart = one.zip(other) { a, b ->
                if (step.getString("of") == "outputs") abs(a.toDouble() - b) else ln(a.toDouble()) - ln(b.toDouble())
            }
            if (step.getString("of") == "outputs") apart.max() else apart.max() - apart.min()
        } / step.getDouble("size")

    fun floats(content: ByteArray, columns: Int): List<FloatArray> {
        val values = FloatArray(content.size / Float.SIZE_BYTES)
        ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values)
        return values.toList().chunked(columns) { it.toFloatArray() }
    }

    fun direct(content: ByteArray): ByteBuffer =
        ByteBuffer.allocateDirect(content.size).order(ByteOrder.nativeOrder()).put(content).apply { rewind() }

    fun sha256(content: ByteArray): String =
        MessageDigest.getInstance("SHA-256").digest(content).joinToString("") { "%02x".format(it) }
}

internal fun JSONArray.objects(): List<JSONObject> = (0 until length()).map(::getJSONObject)

internal fun JSONArray.ints(): List<Int> = (0 until length()).map(::getInt)

internal fun JSONArray.doubles(): List<Double> = (0 until length()).map(::getDouble)
