package edgekit.android

import android.app.Application
import android.graphics.BitmapFactory
import android.graphics.ImageFormat
import android.net.Uri
import edgekit.runtime.ContractException
import edgekit.runtime.EdgekitException
import edgekit.runtime.ModelException
import edgekit.runtime.PhotoException
import edgekit.runtime.Verdict
import java.io.File
import java.nio.ByteBuffer
import kotlin.math.abs
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf

@RunWith(RobolectricTestRunner::class)
class EdgekitClassifierTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val context: Application = RuntimeEnvironment.getApplication()
    private val file = File(Vectors.project, "models/demo-int8.tflite")

    @Test
    fun photosAreJudgedAsInPython() {
        EdgekitClassifier.load(context, "model.tflite", Options(threads = 2)).use { classifier ->
            val wrong = Vectors.answers("verdicts").mapNotNull { answer ->
                val crops = if (answer.isNull("crops")) null else answer.getInt("crops")
                val verdict = classifier.classify(Vectors.photo(answer.getString("file")), crops)
                difference(verdict, answer.getJSONObject("verdict"))?.let { "${answer.getString("file")}, $crops crops: $it" }
            }
            assertEquals("", wrong.joinToString("\n"))
        }
    }

    @Test
    fun aModelComesFromAnAssetAFileAnUriOrItsBytes() {
        val hashes = listOf(
            EdgekitClassifier.load(context, "model.tflite"),
            EdgekitClassifier.load(file),
            EdgekitClassifier.load(context, Uri.fromFile(file)),
            EdgekitClassifier.load(file.readBytes()),
        ).map { classifier -> classifier.use { it.modelSha256 } }
        assertEquals(List(4) { Vectors.sha256(file.readBytes()) }, hashes)
    }

    @Test
    fun aPhotoComesFromItsBytesAFileAnUriOrABitmap() {
        val photo = Vectors.photo("genuine-laptop-ips_0001.jpg")
        EdgekitClassifier.load(file, Options(threads = 1)).use { classifier ->
            val verdicts = listOf(
                classifier.classify(photo.readBytes()),
                classifier.classify(photo),
                classifier.classify(context, Uri.fromFile(photo)),
                classifier.classify(BitmapFactory.decodeFile(photo.path)),
            )
            assertEquals(1, verdicts.map { it.probabilities }.toSet().size)
        }
    }

    @Test
    fun aCameraImageIsJudgedAsItsFrame() {
        val (width, height) = 128 to 96
        val rows = ByteArray(160 * height) { (it % 251).toByte() }
        val chroma = ByteArray(160 * height / 2) { (it % 241).toByte() }
        val image = TestImage(
            width,
            height,
            ImageFormat.YUV_420_888,
            listOf(
                TestPlane(ByteBuffer.wrap(rows), 160, 1),
                TestPlane(ByteBuffer.wrap(chroma), 160, 2),
                TestPlane(ByteBuffer.wrap(chroma.copyOfRange(1, chroma.size)), 160, 2),
            ),
        )
        EdgekitClassifier.load(file, Options(threads = 1)).use { classifier ->
            val verdict = classifier.classify(image, 90)
            assertEquals(classifier.classify(Planes.frame(image, 90)).probabilities, verdict.probabilities)
            assertNotEquals(classifier.classify(image, 0).probabilities, verdict.probabilities)
            assertEquals(height to width, verdict.sizeWh.widthPx to verdict.sizeWh.heightPx)
            assertThrows(PhotoException::class.java) { classifier.classify(image, 45) }
            image.close()
            val told = assertThrows(PhotoException::class.java) { classifier.classify(image, 90) }
            assertTrue(told.message, "open" in told.message!!)
        }
        val jpeg = TestImage(width, height, ImageFormat.JPEG, emptyList())
        assertThrows(PhotoException::class.java) { Planes.frame(jpeg) }
    }

    @Test
    fun saysWhatRunsIt() {
        EdgekitClassifier.load(file, Options(threads = 3)).use { assertEquals("tflite 2.16.1, 3 threads", it.engine) }
        EdgekitClassifier.load(file, Options(threads = 1)).use { assertEquals("tflite 2.16.1, 1 thread", it.engine) }
    }

    @Test
    fun tellsHowManyCropsAreScoredAtTheSameTime() {
        for (threads in listOf(1, 3)) EdgekitClassifier.load(file, Options(threads)).use { assertEquals(threads, it.threads) }
    }

    @Test
    fun whateverTheAppThatHasTheFileThrowsIsTold() {
        // Failures of another app's provider cross the process border as they are.
        val failures = listOf(
            IllegalStateException("its process died"), IllegalArgumentException("Unknown URI"), UnsupportedOperationException(),
            NullPointerException("in Parcel.readException"), SecurityException("not yours"),
        )
        EdgekitClassifier.load(file, Options(threads = 1)).use { classifier ->
            for ((number, failure) in failures.withIndex()) {
                val word = failure.message ?: failure.javaClass.simpleName
                val offered = Uri.parse("content://broken/$number")
                shadowOf(context.contentResolver).registerInputStreamSupplier(offered) { throw failure }
                val photo = assertThrows(PhotoException::class.java) { classifier.classify(context, offered) }
                assertTrue(photo.message, word in photo.message!! && "choose it again" in photo.message!!)
                val model = assertThrows(ContractException::class.java) { EdgekitClassifier.load(context, offered) }
                assertTrue(model.message, word in model.message!!)
            }
        }
    }

    @Test
    fun refusesWithARuleAndARemedy() {
        val changed = file.readBytes().also { it[2000] = (it[2000] + 1).toByte() }
        val missing = File(folder.root, "absent.tflite")
        val cases = listOf<Pair<Class<out EdgekitException>, () -> EdgekitClassifier>>(
            ContractException::class.java to { EdgekitClassifier.load(changed) },
            ContractException::class.java to { EdgekitClassifier.load(file.readBytes().copyOf(30_000)) },
            ContractException::class.java to { EdgekitClassifier.load(ByteArray(0)) },
            ContractException::class.java to { EdgekitClassifier.load(missing) },
            ContractException::class.java to { EdgekitClassifier.load(context, "absent.tflite") },
            ContractException::class.java to { EdgekitClassifier.load(context, Uri.fromFile(missing)) },
            ModelException::class.java to { EdgekitClassifier.load(file, Options(threads = 0)) },
            ModelException::class.java to { EdgekitClassifier.load(file, Options(threads = 257)) },
            ModelException::class.java to { EdgekitClassifier.load(file, Options(accelerator = Accelerator.GPU)) },
        )
        for ((kind, load) in cases) assertThrows(kind) { load() }
        EdgekitClassifier.load(file).use { classifier ->
            assertThrows(PhotoException::class.java) { classifier.classify(File(folder.root, "absent.jpg")) }
            assertThrows(PhotoException::class.java) { classifier.classify(ByteArray(0)) }
        }
        val closed = EdgekitClassifier.load(file).apply { close() }
        assertThrows(EdgekitException::class.java) { closed.classify(Vectors.photo("genuine-laptop-ips_0000.jpg")) }
    }

    /** What is different about a verdict; null where only the last digits are. */
    private fun difference(found: Verdict, expected: JSONObject): String? {
        val boxes = expected.getJSONArray("crops").objects().map { it.getJSONArray("box").ints() }
        if (found.crops.map { it.box.toList() } != boxes) return "boxes ${found.crops.map { it.box }}, expected $boxes"
        if (found.label != expected.getString("label")) return "${found.label}, expected ${expected.getString("label")}"
        val crops = expected.getJSONArray("crops").objects().map { it.getJSONArray("probabilities").doubles() }
        val worst = found.crops.zip(crops).maxOf { (one, other) -> one.probabilities.zip(other) { a, b -> abs(a - b) }.max() }
        return if (worst <= SCORE_TOLERANCE) null else "scores differ by $worst"
    }

    private companion object {
        // One step of the demo model's logits, where the softmax is steepest.
        const val SCORE_TOLERANCE = 0.034
    }
}
