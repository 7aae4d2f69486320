package edgekit.capture.core

import edgekit.runtime.Verdict
import java.io.File
import kotlin.random.Random
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** Leaves exports in `target/exports`, where `tests/ports/test_exports.py` reads them as the host does. */
class HostExportsTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val folder = File(REPOSITORY, "android_demo/app/target/exports")
    private val model = ModelName("demo-int8.tflite", sha256(DEMO_BYTES))

    private fun CaptureStore.photo(name: String, attack: Double, truth: String?, seed: Int) {
        val id = newId(NOON_MS + seed, Random(seed))
        val pending = begin(id, photo(name), "jpg", "back")
        val whole = finish(pending, record(id, attack, NOON_MS + seed).copy(model = model))
        if (truth != null) setTruth(whole, truth)
    }

    private fun leave(name: String, made: File) {
        folder.mkdirs()
        made.copyTo(File(folder, name), overwrite = true)
        File(folder, "model.tflite").writeBytes(DEMO_BYTES)
        assertTrue(File(folder, name).length() > 0)
    }

    @Test
    fun `captures with both truths and without`() {
        val store = CaptureStore(File(temporary.root, "captures"))
        store.photo("444.jpg", 0.1, "genuine", 1)
        store.photo("420.jpg", 0.9, "recapture", 2)
        store.photo("444.jpg", 0.9, null, 3)
        val made = File(temporary.root, "captures.zip")
        exportCaptures(store.list().whole, IDENTITY, NOON_MS, made)
        leave("captures.zip", made)
    }

    @Test
    fun `a whole sweep`() {
        val device = TestDevice()
        val models = BenchModels { _, delegate ->
            object : BenchModel {
                override val engine = Engine("tensorflow-lite 2.16.1", if (delegate == "default") "XNNPACK" else delegate)

                override fun classify(photo: ByteArray, crops: Int?): Verdict {
                    val used = crops ?: 4
                    device.ns += used * 1_000_000L
                    return verdict(0.25, crops = used, ms = used.toDouble())
                }

                override fun close() = Unit
            }
        }
        val photos = BenchPhotos(
            listOf("path", "label", "group"),
            listOf("444.jpg" to "genuine", "420.jpg" to "recapture").map { (name, label) ->
                BenchPhoto("photos/$name", photo(name), listOf("photos/$name", label, "g-$label"))
            },
        )
        val job = BenchJob.of(DEMO, model, photos, BenchPace.QUICK.copy(repeats = 2, coolDownS = 7.0))
        val result = runBench(BenchRun(job, photos, models, device, IDENTITY) { NOON_MS }, temporary.root)
        leave("bench.zip", result.export)
    }
}
