package edgekit.android

import android.app.Application
import android.graphics.ImageFormat
import android.net.Uri
import edgekit.runtime.Bundle
import edgekit.runtime.ContractException
import edgekit.runtime.ModelException
import edgekit.runtime.PhotoException
import edgekit.runtime.Picture
import java.io.File
import java.nio.ByteBuffer
import kotlin.math.abs
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment

/** Models of regions by the APK's TFLite: a detector that finds bright squares on black, and MediaPipe's own on a photo. */
@RunWith(RobolectricTestRunner::class)
class RegionsTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val context: Application = RuntimeEnvironment.getApplication()
    private val marks = Vectors.model("tests/models/marks.tflite")

    /** Black, with a red mark of 64 px in a cell of each. */
    private fun photo(vararg cells: Pair<Int, Int>): Picture {
        val rgb = ByteArray(512 * 512 * 3)
        for ((column, row) in cells) {
            for (y in 64 * row until 64 * row + 64) for (x in 64 * column until 64 * column + 64) rgb[(512 * y + x) * 3] = -1
        }
        return Picture(512, 512, rgb)
    }

    @Test
    fun facesAreFoundAsInPython() {
        val answers = Vectors.answers("regions")
        assertEquals(3, answers.size)
        for (answer in answers) {
            EdgekitClassifier.load(Vectors.expected(answer.getString("model")), Options(threads = 2)).use { classifier ->
                val found = classifier.classifyRegions(Vectors.expected(answer.getString("photo")).readBytes())
                val expected = answer.getJSONObject("found")
                val told = expected.getJSONArray("regions").objects()
                val what = answer.getString("model")
                assertEquals(what, expected.getJSONArray("size_wh").ints(), listOf(found.sizeWh.widthPx, found.sizeWh.heightPx))
                assertEquals(what, told.map { it.getJSONObject("verdict").getString("label") }, found.regions.map { it.verdict.label })
                assertTrue("$what: ${found.regions.size} faces", found.regions.size == 2)
                for ((one, other) in found.regions.zip(told)) {
                    val apart = apart(one.region.toMap(), other.getJSONObject("region"))
                    assertTrue("$what: $apart px or 65536ths apart", apart.first <= 1 && apart.second <= TURN)
                }
            }
        }
    }

    /** By how many pixels, and by how many 65536ths of a turn, a region lies elsewhere. */
    private fun apart(found: Map<String, Any?>, told: JSONObject): Pair<Int, Int> {
        fun numbers(key: String) = (found.getValue(key) as? List<*> ?: listOf(found.getValue(key))).map { it as Int }
        fun expected(key: String) = told.optJSONArray(key)?.ints() ?: listOf(told.getInt(key))
        fun most(vararg keys: String) = keys.maxOf { key -> numbers(key).zip(expected(key)).maxOf { (a, b) -> abs(a - b) } }
        return most("box", "middle_xy", "side_px") to most("cos", "sin")
    }

    @Test
    fun aCamerasImageAndAPictureHaveRegionsToo() {
        val luma = ByteArray(512 * 512) { if (it % 512 in 128 until 192 && it / 512 in 64 until 128) -1 else 0 }
        val chroma = ByteBuffer.wrap(ByteArray(256 * 256) { -128 })
        val planes = listOf(TestPlane(ByteBuffer.wrap(luma), 512, 1), TestPlane(chroma, 256, 1), TestPlane(chroma, 256, 1))
        EdgekitClassifier.load(marks, Options(threads = 1)).use { classifier ->
            val found = classifier.classifyRegions(TestImage(512, 512, ImageFormat.YUV_420_888, planes))
            val alike = classifier.classifyRegions(photo(2 to 1))
            assertEquals(alike.regions.map { it.region.box }, found.regions.map { it.region.box })
            assertEquals("genuine", alike.said)
            assertEquals("no face", classifier.classifyRegions(photo()).said)
        }
    }

    @Test
    fun oneFaceHasAVerdictNoneAndSeveralHaveNone() {
        EdgekitClassifier.load(marks, Options(threads = 2)).use { classifier ->
            assertEquals("genuine", classifier.classify(photo(2 to 1)).label)
            for ((cells, word) in listOf(emptyList<Pair<Int, Int>>() to "got none", listOf(1 to 2, 4 to 2) to "got 2")) {
                val told = assertThrows(PhotoException::class.java) { classifier.classify(photo(*cells.toTypedArray())) }
                assertTrue(told.message, word in told.message!!)
            }
        }
        EdgekitClassifier.load(context, "model.tflite").use { whole ->
            assertThrows(ContractException::class.java) { whole.classifyRegions(photo()) }
        }
    }

    @Test
    fun aDetectorBesideAModelIsReadByFileOrAssetAndRefusedWithoutAFolder() {
        val beside = Vectors.answers("regions").map { Vectors.expected(it.getString("model")) }.last()
        EdgekitClassifier.load(context, beside.name).use { assertEquals("face", it.contract.regions!!.thing) }
        val told = assertThrows(ContractException::class.java) { EdgekitClassifier.load(context, Uri.fromFile(beside)) }
        assertTrue(told.message, "lies beside it, as detector-" in told.message!!)
        val alone = beside.copyTo(File(folder.root, "who.tflite"))
        val absent = assertThrows(ContractException::class.java) { EdgekitClassifier.load(alone) }
        assertTrue(absent.message, "no such file" in absent.message!!)
        beside.parentFile!!.listFiles { file -> file.name.startsWith("detector-") }!!.single().let { detector ->
            detector.copyTo(File(folder.root, detector.name))
            EdgekitClassifier.load(alone).close()
            File(folder.root, detector.name).writeBytes(detector.readBytes().also { it[4000] = (it[4000] + 1).toByte() })
        }
        val other = assertThrows(ContractException::class.java) { EdgekitClassifier.load(alone) }
        assertTrue(other.message, "must have the SHA-256" in other.message!!)
    }

    @Test
    fun aDetectorBesideThatCantBeReadIsTheModelsFailure() {
        val beside = Vectors.answers("regions").map { Vectors.expected(it.getString("model")) }.last()
        val alone = beside.copyTo(File(folder.root, "who.tflite"))
        val detector = File(folder.root, beside.parentFile!!.list()!!.single { it.startsWith("detector-") })
        detector.mkdir()
        val unreadable = assertThrows(ContractException::class.java) { EdgekitClassifier.load(alone) }
        assertTrue(unreadable.message, "${detector.name} can't be read" in unreadable.message!!)
        detector.delete()
        detector.writeBytes(ByteArray(9 shl 20))
        val large = assertThrows(ContractException::class.java) { EdgekitClassifier.load(alone) }
        assertTrue(large.message, "must have at most" in large.message!!)
    }

    @Test
    fun aDetectorIsNoClassifierAndTheOtherWayRound() {
        val bundle = Bundle.read(marks.readBytes())
        assertThrows(ContractException::class.java) { TfliteDetector.open(bundle.flatbuffer) }
        assertThrows(ContractException::class.java) { TfliteModel.open(bundle.detector!!) }
        assertThrows(ModelException::class.java) { TfliteDetector.open(bundle.detector!!, 0) }
        val detector = TfliteDetector.open(bundle.detector!!)
        assertThrows(IllegalArgumentException::class.java) { detector.detect(FloatArray(7)) }
        detector.close()
        detector.close()
        assertThrows(ModelException::class.java) { detector.detect(FloatArray(128 * 128 * 3)) }
    }

    private companion object {
        // Two interpreters differ in the last digits of where the eyes are.
        const val TURN = 40
    }
}
