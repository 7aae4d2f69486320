package edgekit.capture

import android.os.Bundle
import edgekit.capture.core.CameraEvent
import edgekit.capture.core.Notice
import edgekit.capture.core.Permission
import edgekit.capture.core.UiState
import edgekit.capture.core.hugePng
import edgekit.runtime.Json
import java.io.ByteArrayInputStream
import java.io.File
import java.util.zip.ZipFile
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.util.ReflectionHelpers

/** The app with its own model, interpreter and decoder. */
class RealApp : CaptureApp() {
    override val jobs = StepJobs()
    override val uploads = StepJobs()
    override val liveWorker = StepJobs()
}

/**
 * Photo to verdict to export with the APK's own TFLite and Android's own decoder. What is exported stays in
 * `target/exports`, where Python's tests read it.
 */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = [34], application = RealApp::class, qualifiers = "w411dp-h891dp-xhdpi")
class RealModelTest {
    private val app get() = RuntimeEnvironment.getApplication() as RealApp
    private val exports get() = File(checkNotNull(System.getProperty("edgekit.exports"))).apply { mkdirs() }

    @Before
    fun hasLibrary() = assumeTrue(
        "the APK's library can't be loaded here: tools/test.py makes what it needs",
        File(System.getProperty("java.library.path").orEmpty(), "libtensorflowlite_jni.so").isFile,
    )

    private fun ready(): CaptureActivity {
        grant()
        val activity = launch().get()
        idle()
        activity.presenter.onCamera(OPENED)
        return activity
    }

    private fun labels(): Map<String, String> =
        String(asset("bench/labels.csv")).trim().lines().drop(1).map { it.split(',') }.associate { it[0] to it[1] }

    private fun CaptureActivity.take(name: String) {
        presenter.onShutter()
        presenter.onCamera(CameraEvent.Photo(asset("bench/$name")))
        if (presenter.state is UiState.Retake) presenter.onKeepAnyway()
        assertTrue("$name: ${presenter.state}", (presenter.state as UiState.Live).notice is Notice.Saved)
    }

    @Test
    fun `photos are judged, marked and exported as Python reads them`() {
        val activity = ready()
        activity.presenter.onSettingsChanged(activity.presenter.settings.copy(uploads = true))
        val photos = labels().entries.groupBy { it.value }.flatMap { it.value.take(3) }
        photos.forEach { activity.take(it.key) }
        activity.presenter.onGallery { ByteArrayInputStream(asset("bench/${photos[0].key}")) }
        val captures = app.store.list().whole
        assertEquals(photos.size + 1, captures.size)
        // What is on the photo is known by its bytes here; a person would say it.
        activity.presenter.onHistory()
        for ((name, label) in photos) {
            val taken = captures.first { it.lens == "back" && it.photo.readBytes().contentEquals(asset("bench/$name")) }
            activity.presenter.onCapture(taken.record.id)
            activity.presenter.onTruth(label)
        }
        activity.presenter.onHistory()
        val right = app.store.list().whole.count { it.record.truth == it.record.verdict.label }
        assertTrue("$right of ${photos.size} are right", right >= photos.size - 1)
        val record = captures[0].record
        assertEquals("tflite 2.16.1, not told", record.engine)
        activity.presenter.onExport()
        val exported = activity.presenter.state as UiState.Exported
        exported.file.copyTo(File(exports, "captures.zip"), overwrite = true)
        File(exports, "uploads").run {
            deleteRecursively()
            app.uploadFolder.copyRecursively(this)
        }
        File(exports, "model.tflite").writeBytes(asset("model.tflite"))
    }

    @Test
    fun `bad photos are told and leave nothing`() {
        val activity = ready()
        val jpeg = asset("bench/genuine-laptop-ips_0000.jpg")
        val cases = mapOf("half a JPEG" to jpeg.copyOf(jpeg.size / 2), "200 megapixels" to hugePng(), "no photo" to ByteArray(1000))
        for ((what, content) in cases) {
            activity.presenter.onGallery { ByteArrayInputStream(content) }
            val notice = (activity.presenter.state as UiState.Live).notice
            assertTrue("$what: $notice", notice is Notice.PhotoRefused && notice.reason.length > 20)
            assertEquals(what, 0, File(app.filesDir, "captures").list()!!.size)
        }
        activity.take("genuine-laptop-ips_0000.jpg")
    }

    private fun instrumentation(vararg arguments: Pair<String, String>) = BenchInstrumentation().also { made ->
        ReflectionHelpers.setField(android.app.Instrumentation::class.java, made, "mAppContext", app)
        ReflectionHelpers.setField(made, "arguments", Bundle().apply { arguments.forEach { (key, value) -> putString(key, value) } })
    }

    @Test
    fun `the sweep runs unattended and leaves the screen's export`() {
        val unattended = instrumentation("pace" to "quick", "crops" to "1", "threads" to "1,2")
        val result = unattended.sweep()
        val export = result.export
        assertEquals(4, unattended.table(result).lines().size)
        ZipFile(export).use { zip ->
            val rows = String(zip.getInputStream(zip.getEntry("rows.jsonl")).readBytes()).trim().lines().map { Json.parse(it) as Map<*, *> }
            assertEquals("end", rows.last()["type"])
            assertEquals((rows.size - 2).toLong(), rows.last()["rows"])
            assertEquals(labels().size, rows.count { it["type"] == "scores" })
        }
        export.copyTo(File(exports, "bench.zip"), overwrite = true)
        File(exports, "model.tflite").writeBytes(asset("model.tflite"))
    }

    @Test
    fun `arguments that mean nothing are refused`() {
        for ((key, value) in listOf("pace" to "slow", "crops" to "0", "threads" to "many")) {
            assertThrows("$key $value", IllegalArgumentException::class.java) { instrumentation(key to value).sweep() }
        }
    }

    @Test
    fun `a GPU that this build lacks is told, and the processor goes on`() {
        val activity = ready()
        activity.presenter.onSettingsChanged(activity.presenter.settings.copy(gpu = true))
        val live = activity.presenter.state as UiState.Live
        assertTrue("${live.notice}", live.notice is Notice.GpuRefused)
        activity.presenter.pause()
        activity.presenter.resume(Permission.GRANTED)
        activity.presenter.onCamera(OPENED)
        activity.take("genuine-laptop-ips_0000.jpg")
    }
}
