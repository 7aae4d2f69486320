package edgekit.capture.core

import edgekit.runtime.Band
import edgekit.runtime.Bundle
import edgekit.runtime.Contract
import edgekit.runtime.ContractException
import edgekit.runtime.Json
import edgekit.runtime.ModelException
import edgekit.runtime.Verdict
import java.io.ByteArrayInputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.util.zip.ZipFile
import kotlin.random.Random
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** What the app shows, by what happens to it. */
class CapturePresenterTest {
    @get:Rule
    val temporary = TemporaryFolder()

    private val jobs = ManualJobs()
    private val uploadJobs = ManualJobs()
    private val live = ManualJobs()
    private val camera = RecordingCamera()
    private val stored = MapValues()
    private var scorer = ScriptedScorer()
    private var loading: (ModelFile, Int, String) -> Scorer = { _, threads, delegate ->
        ScriptedScorer(threads = threads, engine = Engine("scripted 1", if (delegate == "gpu") "gpu" else "none"), answer = scorer.answer)
            .also { scorer = it }
    }
    private var nowMs = NOON_MS
    private var nowS = 0.0
    private val folder by lazy { temporary.root }
    private val photos = BenchPhotos(listOf("path", "label", "group"), listOf(BenchPhoto("photos/444.jpg", photo("444.jpg"), listOf("photos/444.jpg", "genuine", "g"))))
    private val clock = TestDevice()
    private var disk: Disk = DEVICE_DISK
    private val store by lazy { CaptureStore(File(folder, "captures")) { disk.create(it) } }
    private val queue by lazy { UploadQueue(File(folder, "queue"), store, FolderUploader(File(folder, "outbox"), "4e81c2d0"), { queueDisk.create(it) }) { nowMs } }
    private var queueDisk: Disk = DEVICE_DISK
    private var mostVerdictsBytes = MOST_VERDICTS_BYTES
    private val shelf by lazy { ModelShelf(File(folder, "model")) { ModelFile("model.tflite", DEMO_BYTES) } }
    private val opened = CameraEvent.Opened(hasTorch = true, canSwitch = true, isFront = false, lens = "back")

    private fun recovery() = lazy { recover(store, shelf, File(folder, "exports")) }

    private fun presenter(recovered: Lazy<Unit> = recovery()) = CapturePresenter(
        Parts(
            camera, jobs, uploadJobs, store, shelf, Scorers { file, threads, delegate -> loading(file, threads, delegate) }, stored, queue, { photos },
            clock, IDENTITY, File(folder, "exports"), live, { nowMs }, { nowS }, Random(1), { disk.create(it) }, recovered,
            mostVerdictsBytes,
        ),
    )

    private val states = ArrayList<UiState>()

    private fun started(permission: Permission = Permission.GRANTED): CapturePresenter = presenter().also {
        it.attach(states::add)
        it.resume(permission)
        jobs.all()
        uploadJobs.all()
    }

    private fun running(): CapturePresenter = started().also { it.onCamera(opened) }

    private fun CapturePresenter.see(attack: Double, atS: Double) {
        scorer.answer = { verdict(attack) }
        nowS = atS
        offerFrame(::frame) {}
        live.all()
        jobs.all()
    }

    private fun CapturePresenter.shoot(attack: Double, jpeg: ByteArray = photo("444.jpg")) {
        scorer.answer = { verdict(attack) }
        onShutter()
        onCamera(CameraEvent.Photo(jpeg))
        jobs.all()
    }

    private inline fun <reified T : UiState> CapturePresenter.shows(): T {
        assertTrue("expected ${T::class.java.simpleName}, got $state", state is T)
        return state as T
    }

    @Test
    fun `the model is loaded first, then the camera is asked for`() {
        val presenter = presenter()
        presenter.attach(states::add)
        assertEquals(UiState.LoadingModel, presenter.state)
        presenter.resume(Permission.GRANTED)
        assertEquals(UiState.LoadingModel, presenter.state)
        assertEquals(emptyList<String>(), camera.calls)
        jobs.all()
        assertEquals(UiState.OpeningCamera, presenter.state)
        assertEquals(listOf("open back 720"), camera.calls)
        presenter.onCamera(opened)
        val live = presenter.shows<UiState.Live>()
        assertNull(live.verdict)
        assertNull(live.latency)
        assertEquals(Torch.OFF, live.torch)
    }

    @Test
    fun `permission is asked for with its reason, granted or denied for ever`() {
        val presenter = started(Permission.ASKABLE)
        assertEquals(UiState.AskPermission(hasBonaFide = true), presenter.state)
        presenter.onPermission(Permission.DENIED_FOREVER)
        assertEquals(UiState.PermissionDenied, presenter.state)
        assertFalse("open back 720" in camera.calls)
        // Back from the system's settings.
        presenter.pause()
        presenter.resume(Permission.GRANTED)
        assertEquals(UiState.OpeningCamera, presenter.state)
    }

    @Test
    fun `every trouble of the camera is a state, and trying again opens it`() {
        for (trouble in Trouble.values()) {
            val presenter = started()
            presenter.onCamera(CameraEvent.Failed(trouble))
            assertEquals(UiState.CameraTrouble(trouble), presenter.state)
            camera.calls.clear()
            presenter.onRetry()
            assertTrue("$trouble: ${camera.calls}", "open back 720" in camera.calls)
            assertEquals(UiState.OpeningCamera, presenter.state)
        }
    }

    @Test
    fun `a device without a camera can still check photos`() {
        val presenter = started()
        presenter.onCamera(CameraEvent.Absent)
        assertEquals(UiState.NoCamera(null), presenter.state)
        presenter.onGallery { ByteArrayInputStream(photo("444.jpg")) }
        jobs.all()
        assertEquals(UiState.NoCamera(Notice.Saved(Kept.AS_IS)), presenter.state)
        assertEquals(Source.GALLERY, store.list().whole.single().record.source)
        assertNull(store.list().whole.single().lens)
    }

    @Test
    fun `a model that is refused says why, and the app's own can be had back`() {
        shelf.choose(ModelFile("mine.tflite", byteArrayOf(1)))
        loading = { file, threads, _ ->
            if (file.name == "mine.tflite") throw ContractException("mine.tflite: the flatbuffer was changed")
            ScriptedScorer(threads = threads)
        }
        val presenter = started()
        assertEquals(UiState.ModelRefused("mine.tflite", "mine.tflite: the flatbuffer was changed", false), presenter.state)
        presenter.onBundledModel()
        jobs.all()
        assertEquals(UiState.OpeningCamera, presenter.state)
        assertTrue(shelf.isBundled)
    }

    @Test
    fun `bundles that the runtime refuses never reach an interpreter`() {
        loading = { file, threads, _ ->
            Bundle.read(file.content, file.name)
            ScriptedScorer(threads = threads)
        }
        val presenter = running()
        for ((name, content) in REFUSED.map { it to bundleOf(it) }) {
            presenter.onModelPicked({ name }) { ByteArrayInputStream(content) }
            jobs.all()
            val notice = presenter.shows<UiState.Live>().notice as Notice.ModelRefused
            assertEquals(name, notice.file)
            assertTrue("the rule must be said: ${notice.reason}", name in notice.reason && notice.reason.length > 40)
            assertTrue(shelf.isBundled)
        }
        presenter.onModelPicked({ "good.tflite" }) { ByteArrayInputStream(DEMO_BYTES) }
        jobs.all()
        assertEquals("good.tflite", shelf.current().name)
        assertNull(presenter.shows<UiState.Live>().notice)
    }

    /** A model file of the conformance vectors: a whole one with some of its bytes replaced. */
    private fun bundleOf(name: String): ByteArray {
        val vectors = (Json.parse(File(REPOSITORY, "tests/conformance/bundles.json").readText()) as Map<*, *>)["vectors"] as List<*>
        val vector = vectors.map { it as Map<*, *> }.first { it["name"] == name }
        val model = vector["model"] as String
        val file = File(REPOSITORY, model).takeIf(File::isFile) ?: File(REPOSITORY, "tests/conformance/data/$model")
        return (vector["edits"] as List<*>).fold(file.readBytes()) { content, edit ->
            val (from, to, hex) = edit as List<*>
            val put = (hex as String).chunked(2).map { it.toInt(16).toByte() }.toByteArray()
            content.copyOfRange(0, (from as Long).toInt()) + put + content.copyOfRange((to as Long).toInt(), content.size)
        }
    }

    @Test
    fun `a model that can't be stored is not used`() {
        val presenter = running()
        val before = scorer
        // The picked one's file can't be read to its end.
        presenter.onModelPicked({ "far.tflite" }) { throw IOException("the cloud is away") }
        jobs.all()
        assertEquals(Notice.ModelRefused("far.tflite", "the cloud is away"), presenter.shows<UiState.Live>().notice)
        assertFalse(before.isClosed)
    }

    @Test
    fun `frames become a smoothed verdict with its latency`() {
        val presenter = running()
        presenter.see(0.05, 0.0)
        val first = presenter.shows<UiState.Live>()
        assertEquals(Tone.GENUINE, first.verdict!!.tone)
        assertEquals(10.0, first.latency!!.total.p50Ms, 1e-9)
        assertEquals(2, first.crops)
        presenter.see(0.95, 0.1)
        assertEquals("one frame changes nothing", Tone.GENUINE, presenter.shows<UiState.Live>().verdict!!.tone)
        presenter.see(0.95, 5.0)
        assertEquals(Tone.ATTACK, presenter.shows<UiState.Live>().verdict!!.tone)
    }

    @Test
    fun `a frame that can't be judged is told until the next one can`() {
        val presenter = running()
        scorer.answer = ::unreadable
        presenter.offerFrame(::frame) {}
        live.all()
        jobs.all()
        assertTrue(presenter.shows<UiState.Live>().notice is Notice.LiveFailed)
        presenter.see(0.1, 1.0)
        assertNull(presenter.shows<UiState.Live>().notice)
        scorer.answer = ::unreadable
        presenter.offerFrame(::frame) {}
        live.all()
        jobs.all()
        assertNull("an old answer stands over no other scene", presenter.shows<UiState.Live>().verdict)
    }

    @Test
    fun `a genuine photo is stored as it is`() {
        val presenter = running()
        presenter.onShutter()
        assertEquals(UiState.Taking, presenter.state)
        assertEquals("shoot", camera.calls.last())
        presenter.onCamera(CameraEvent.Photo(photo("exif-6.jpg")))
        assertEquals(UiState.Checking, presenter.state)
        jobs.all()
        assertEquals(Notice.Saved(Kept.AS_IS), presenter.shows<UiState.Live>().notice)
        val capture = store.list().whole.single()
        assertArrayEquals(photo("exif-6.jpg"), capture.photo.readBytes())
        assertArrayEquals("the verdict is on the file as it is stored", capture.photo.readBytes(), scorer.photos.single())
        assertEquals(90, capture.record.rotation)
        assertEquals("scripted 1, none", capture.record.engine)
        assertEquals(Source.SHUTTER, capture.record.source)
        assertEquals("back", capture.lens)
    }

    @Test
    fun `a recapture is asked about, and kept anyway`() {
        val presenter = running()
        presenter.shoot(0.9)
        val asked = presenter.shows<UiState.Retake>()
        assertEquals(Tone.ATTACK, asked.verdict.tone)
        assertTrue(asked.photo.isFile)
        assertEquals("nothing is stored before the answer", emptyList<StoredCapture>(), store.list().whole)
        presenter.onKeepAnyway()
        jobs.all()
        assertEquals(Notice.Saved(Kept.ANYWAY), presenter.shows<UiState.Live>().notice)
        assertEquals(Kept.ANYWAY, store.list().whole.single().record.kept)
    }

    @Test
    fun `a recapture is taken again and leaves nothing`() {
        val presenter = running()
        presenter.shoot(0.9)
        presenter.onTakeAgain()
        jobs.all()
        presenter.shows<UiState.Live>()
        assertEquals(emptyList<String>(), File(folder, "captures").list()!!.toList())
        presenter.shoot(0.9)
        assertTrue("back is taking it again", presenter.onBack())
        jobs.all()
        assertEquals(emptyList<String>(), File(folder, "captures").list()!!.toList())
    }

    @Test
    fun `the contract's band asks, too, and says that it can't tell`() {
        val band = DEMO.copy(decision = DEMO.decision.copy(abstain = Band(0.3, 0.7), earlyStop = null))
        loading = { _, threads, _ -> ScriptedScorer(band, threads).also { scorer = it } }
        val presenter = running()
        scorer.answer = { verdict(0.4, band) }
        presenter.onShutter()
        presenter.onCamera(CameraEvent.Photo(photo("444.jpg")))
        jobs.all()
        assertEquals(Tone.UNSURE, presenter.shows<UiState.Retake>().verdict.tone)
    }

    @Test
    fun `a process that dies while it is asked starts clean`() {
        running().shoot(0.9)
        assertEquals(1, halves(File(folder, "captures")).size)
        started()
        assertEquals(emptyList<String>(), File(folder, "captures").list()!!.toList())
    }

    @Test
    fun `a process that dies anywhere in a save starts clean, with the photo or without`() {
        // Each number of steps is a moment of death: what was queued behind it never runs.
        for (steps in 0..6) {
            val presenter = running()
            presenter.onShutter()
            presenter.onCamera(CameraEvent.Photo(photo("444.jpg")))
            repeat(steps) { jobs.one() }
            val fresh = CaptureStore(File(folder, "captures"))
            fresh.recover()
            val found = fresh.list()
            assertEquals("after $steps steps", 0, found.damaged)
            assertEquals("after $steps steps", emptyList<String>(), halves(folder))
            found.whole.forEach { fresh.delete(it.record.id) }
            jobs.all()
            fresh.list().whole.forEach { fresh.delete(it.record.id) }
            fresh.recover()
        }
    }

    @Test
    fun `a photo of the gallery that can't be read is told and leaves nothing`() {
        val gone: () -> InputStream = { throw IOException("it was moved") }
        val denied: () -> InputStream = { throw SecurityException("not yours") }
        val cases = listOf(
            gone to "it was moved", denied to "not yours", bytes(photo("444.jpg").copyOf(300)) to "", bytes(ByteArray(0)) to "",
            bytes("plain text".toByteArray()) to "", bytes(photo("cmyk.tif")) to "", bytes(photo("animated.gif")) to "JPEG, PNG or WebP",
            bytes(hugePng()) to "",
            provider { NullPointerException("in Parcel.readException") } to "in Parcel.readException",
            provider { UnsupportedOperationException() } to "UnsupportedOperationException",
            provider { IllegalStateException("its process died") } to "its process died",
        )
        for ((index, case) in cases.withIndex()) {
            val presenter = running()
            scorer.answer = ::unreadable
            presenter.onGallery(case.first)
            jobs.all()
            val notice = presenter.shows<UiState.Live>().notice
            assertTrue("case $index: $notice", notice is Notice.PhotoRefused && case.second in notice.reason)
            assertEquals("case $index", emptyList<String>(), File(folder, "captures").list().orEmpty().toList())
        }
    }

    // Failures of another app's provider cross the process border as they are.
    private fun provider(failure: () -> RuntimeException): () -> InputStream = { throw failure() }

    private fun bytes(content: ByteArray): () -> InputStream = { ByteArrayInputStream(content) }

    @Test
    fun `storage full is told and leaves nothing, and the next photo is stored`() {
        val presenter = running()
        disk = SmallDisk(200)
        presenter.shoot(0.1)
        assertEquals(Notice.StorageFull, presenter.shows<UiState.Live>().notice)
        assertEquals(emptyList<String>(), File(folder, "captures").list()!!.toList())
        disk = DEVICE_DISK
        presenter.shoot(0.1)
        assertEquals(Notice.Saved(Kept.AS_IS), presenter.shows<UiState.Live>().notice)
        presenter.shoot(0.9)
        disk = SmallDisk(0)
        presenter.onKeepAnyway()
        jobs.all()
        assertEquals(Notice.StorageFull, presenter.shows<UiState.Live>().notice)
        assertEquals(1, store.list().whole.size)
        assertEquals(emptyList<String>(), halves(folder))
    }

    @Test
    fun `a camera that disconnects while it takes a photo is told, and the shutter is free again`() {
        val presenter = running()
        presenter.onShutter()
        presenter.onCamera(CameraEvent.Failed(Trouble.DISCONNECTED))
        assertEquals(UiState.CameraTrouble(Trouble.DISCONNECTED), presenter.state)
        presenter.onRetry()
        presenter.onCamera(opened)
        presenter.shoot(0.1)
        assertEquals(1, store.list().whole.size)
    }

    @Test
    fun `a camera that disconnects after the photo came loses nothing`() {
        val presenter = running()
        presenter.onShutter()
        presenter.onCamera(CameraEvent.Photo(photo("444.jpg")))
        presenter.onCamera(CameraEvent.Failed(Trouble.DISCONNECTED))
        jobs.all()
        assertEquals(UiState.CameraTrouble(Trouble.DISCONNECTED), presenter.state)
        assertEquals(1, store.list().whole.size)
    }

    @Test
    fun `a shot that fails is told, and the live verdict goes on`() {
        val presenter = running()
        presenter.onShutter()
        presenter.onCamera(CameraEvent.ShotFailed)
        assertEquals(Notice.ShotFailed, presenter.shows<UiState.Live>().notice)
        presenter.see(0.1, 1.0)
        assertEquals(Tone.GENUINE, presenter.shows<UiState.Live>().verdict!!.tone)
        presenter.onDismiss()
        assertNull(presenter.shows<UiState.Live>().notice)
    }

    @Test
    fun `leaving the front closes the camera, and coming back opens it`() {
        val presenter = running()
        presenter.see(0.1, 0.0)
        presenter.pause()
        assertEquals("close", camera.calls.last())
        assertFalse("no frame is judged behind", presenter.offerFrame(::frame) {})
        presenter.resume(Permission.GRANTED)
        assertEquals("open back 720", camera.calls.last())
        presenter.onCamera(opened)
        assertNull("an old verdict is not shown", presenter.shows<UiState.Live>().verdict)
    }

    @Test
    fun `a photo that is judged while the app leaves the front is stored`() {
        val presenter = running()
        presenter.onShutter()
        presenter.onCamera(CameraEvent.Photo(photo("444.jpg")))
        presenter.pause()
        jobs.all()
        assertEquals(1, store.list().whole.size)
    }

    @Test
    fun `a photo that is judged while its screen ends is stored, whatever the next one cleans up`() {
        val process = recovery()
        val first = presenter(process)
        first.attach(states::add)
        first.resume(Permission.GRANTED)
        jobs.all()
        first.onCamera(opened)
        first.onShutter()
        first.onCamera(CameraEvent.Photo(photo("444.jpg")))
        first.close()
        presenter(process).resume(Permission.GRANTED)
        jobs.all()
        assertEquals(1, store.list().whole.size)
    }

    @Test
    fun `a screen that is turned gets the same state`() {
        val presenter = running()
        presenter.shoot(0.9)
        presenter.detach()
        val turned = ArrayList<UiState>()
        presenter.attach(turned::add)
        assertTrue(turned.single() is UiState.Retake)
    }

    @Test
    fun `lamp, focus and camera switch reach the camera`() {
        val presenter = running()
        presenter.onTorch()
        assertEquals(Torch.ON, presenter.shows<UiState.Live>().torch)
        presenter.onFocus(10f, 20f)
        assertEquals(listOf("torch true", "focus 10.0 20.0"), camera.calls.takeLast(2))
        presenter.onSwitchCamera()
        assertEquals(listOf("close", "open front 720"), camera.calls.takeLast(2))
        presenter.onCamera(opened.copy(hasTorch = false, isFront = true, lens = "front"))
        assertEquals(Torch.ABSENT, presenter.shows<UiState.Live>().torch)
        presenter.onTorch()
        assertEquals("open front 720", camera.calls.last())
        assertTrue("kept over restarts", Settings.read(stored).frontCamera)
    }

    @Test
    fun `crops and threads take effect, and latency is counted anew`() {
        val presenter = running()
        presenter.see(0.1, 0.0)
        presenter.onSettingsChanged(presenter.settings.copy(crops = 5))
        presenter.see(0.1, 1.0)
        assertEquals(5, scorer.crops.last())
        assertEquals(1, presenter.shows<UiState.Live>().latency!!.count)
        val before = scorer
        presenter.onSettingsChanged(presenter.settings.copy(threads = 4))
        jobs.all()
        assertEquals(4, presenter.shows<UiState.Live>().threads)
        assertTrue("the old model is freed", before.isClosed)
        presenter.see(0.1, 2.0)
        assertEquals(5, scorer.crops.last())
    }

    @Test
    fun `a GPU that can't be had is told, and the processor goes on`() {
        val works = loading
        loading = { file, threads, delegate ->
            if (delegate == "gpu") throw ModelException("the GPU delegate must be a part of the app") else works(file, threads, delegate)
        }
        val presenter = running()
        presenter.onSettingsChanged(presenter.settings.copy(gpu = true))
        jobs.all()
        assertEquals(Notice.GpuRefused("the GPU delegate must be a part of the app"), presenter.shows<UiState.Live>().notice)
        assertFalse(presenter.settings.gpu)
        // A phone that lost it between two starts.
        Settings(gpu = true).write(stored)
        val next = started()
        assertEquals(UiState.OpeningCamera, next.state)
        assertFalse(next.settings.gpu)
    }

    @Test
    fun `a GPU that is had is told`() {
        val presenter = running()
        presenter.onSettingsChanged(presenter.settings.copy(gpu = true))
        jobs.all()
        assertEquals("gpu", presenter.shows<UiState.Live>().engine.delegate)
    }

    @Test
    fun `history shows captures, takes truths and deletes`() {
        val presenter = running()
        presenter.shoot(0.1)
        nowMs += 1000
        presenter.shoot(0.2)
        presenter.onHistory()
        jobs.all()
        assertEquals("close", camera.calls.last())
        val list = presenter.shows<UiState.History>()
        assertEquals(2, list.captures.size)
        presenter.onCapture(list.captures[0].record.id)
        assertEquals(Tone.GENUINE, presenter.shows<UiState.Detail>().verdict.tone)
        presenter.onTruth("recapture")
        jobs.all()
        assertEquals("recapture", presenter.shows<UiState.Detail>().capture.record.truth)
        disk = SmallDisk(0)
        presenter.onTruth(null)
        jobs.all()
        assertEquals(Notice.StorageFull, presenter.shows<UiState.Detail>().notice)
        assertEquals("recapture", presenter.shows<UiState.Detail>().capture.record.truth)
        presenter.onDelete()
        jobs.all()
        assertEquals(1, presenter.shows<UiState.History>().captures.size)
        assertTrue(presenter.onBack())
        assertEquals(UiState.OpeningCamera, presenter.state)
        assertFalse("back leaves the app from the camera", presenter.onBack())
    }

    @Test
    fun `a truth that is stored late is none of the photo that is shown by then`() {
        val presenter = running()
        presenter.shoot(0.1)
        nowMs += 1000
        presenter.shoot(0.2)
        presenter.onHistory()
        jobs.all()
        val (newest, oldest) = presenter.shows<UiState.History>().captures.map { it.record.id }
        presenter.onCapture(newest)
        presenter.onTruth("recapture")
        presenter.onBack()
        presenter.onCapture(oldest)
        jobs.all()
        assertEquals(oldest, presenter.shows<UiState.Detail>().capture.record.id)
        assertEquals("recapture", store.find(newest)!!.record.truth)
    }

    @Test
    fun `a truth that is given after the upload is uploaded, too`() {
        Settings(uploads = true).write(stored)
        val presenter = running()
        presenter.shoot(0.1)
        uploadJobs.all()
        val id = store.list().whole.single().record.id
        val copy = File(folder, "outbox/$id/$id.json")
        assertNull(CaptureRecord.fromJson(copy.readText()).truth)
        presenter.onHistory()
        jobs.all()
        presenter.onCapture(id)
        presenter.onTruth("recapture")
        jobs.all()
        uploadJobs.all()
        assertEquals("recapture", CaptureRecord.fromJson(copy.readText()).truth)
    }

    @Test
    fun `a photo that is stored and can't be queued is stored, and the queue says what it lacks`() {
        Settings(uploads = true).write(stored)
        val presenter = running()
        queueDisk = SmallDisk(0)
        presenter.shoot(0.1)
        assertEquals(Notice.Saved(Kept.AS_IS), presenter.shows<UiState.Live>().notice)
        assertEquals(1, store.list().whole.size)
        assertEquals(1, queue.state().waiting)
        presenter.onSettings()
        uploadJobs.all()
        assertEquals("it is copied all the same", 0, presenter.shows<UiState.SettingsShown>().queue.waiting)
        assertEquals(1, File(folder, "outbox").list()!!.size)
    }

    @Test
    fun `a new failure is tried again in its own time, though an older one waits for longer`() {
        Settings(uploads = true).write(stored)
        File(folder, "outbox").writeText("a file in its place")
        val presenter = running()
        presenter.shoot(0.1)
        uploadJobs.all()
        for (wait in listOf(30_000L, 60_000, 120_000)) {
            nowMs += wait
            uploadJobs.timers.last().second()
            uploadJobs.all()
        }
        assertEquals(240_000L, uploadJobs.timers.last().first)
        presenter.shoot(0.2)
        uploadJobs.all()
        assertEquals(30_000L, uploadJobs.timers.last().first)
        nowMs += 30_000
        File(folder, "outbox").delete()
        uploadJobs.timers.last().second()
        uploadJobs.all()
        assertEquals(1, queue.state().waiting)
        assertEquals("the older one has its timer still", 210_000L, uploadJobs.timers.last().first)
    }

    @Test
    fun `an export that can't hold all photos says so, and the rest is the next one's`() {
        val presenter = running()
        repeat(3) {
            presenter.shoot(0.1)
            nowMs += 1000
        }
        val line = store.list().whole[0].record.toJson().length + 1L
        mostVerdictsBytes = 2 * line
        val next = started()
        next.onHistory()
        jobs.all()
        next.onExport()
        jobs.all()
        val first = next.shows<UiState.Exported>()
        assertEquals(2 to 1, first.captures to first.left)
        nowMs += 60_000
        next.onExportRest()
        jobs.all()
        val rest = next.shows<UiState.Exported>()
        assertEquals(1 to 0, rest.captures to rest.left)
        val oldest = store.list().whole.last().record
        ZipFile(rest.file).use { zip ->
            assertEquals(oldest, CaptureRecord.fromJson(String(zip.getInputStream(zip.getEntry("verdicts.jsonl")).readBytes()).trim()))
        }
        next.onExportRest()
        jobs.all()
        assertEquals("there is no rest any more", rest, next.state)
    }

    @Test
    fun `captures are exported, or not at all`() {
        val presenter = running()
        presenter.shoot(0.1)
        presenter.onHistory()
        jobs.all()
        disk = SmallDisk(10)
        presenter.onExport()
        assertEquals(UiState.Exporting(0, 1), presenter.state)
        jobs.all()
        assertEquals(Notice.StorageFull, presenter.shows<UiState.History>().notice)
        disk = DEVICE_DISK
        presenter.onExport()
        assertTrue("back cancels", presenter.onBack())
        jobs.all()
        assertEquals(Notice.ExportCancelled, presenter.shows<UiState.History>().notice)
        assertEquals(emptyList<String>(), File(folder, "exports").list()!!.toList())
        presenter.onExport()
        jobs.all()
        val exported = presenter.shows<UiState.Exported>()
        assertEquals(1, exported.captures)
        ZipFile(exported.file).use { assertEquals(4, it.size()) }
        assertTrue(presenter.onBack())
        presenter.shows<UiState.History>()
        nowMs += 60_000
        presenter.onExport()
        jobs.all()
        assertEquals("the one before goes", 1, File(folder, "exports").list()!!.size)
    }

    @Test
    fun `an export whose process ended is gone at the next start`() {
        File(folder, "exports").mkdirs()
        File(folder, "exports/edgekit-captures-1.zip$UNFINISHED").writeText("PK")
        started()
        assertEquals(emptyList<String>(), halves(folder))
    }

    @Test
    fun `the sweep runs to its end, with the camera closed`() {
        loading = { _, threads, _ -> TickingScorer(threads, clock) }
        val presenter = running()
        presenter.onBench()
        jobs.all()
        assertEquals(UiState.BenchReady(15), presenter.state)
        assertEquals("close", camera.calls.last())
        presenter.onBenchStart(quick = true)
        presenter.shows<UiState.BenchRunning>()
        jobs.all()
        val done = presenter.shows<UiState.BenchDone>()
        assertEquals(15, done.result.points.size)
        assertTrue(done.result.export.isFile)
        assertTrue(states.filterIsInstance<UiState.BenchRunning>().size > 10)
        presenter.onBack()
        assertEquals(UiState.OpeningCamera, presenter.state)
    }

    @Test
    fun `a sweep that the app leaves exports nothing and says so`() {
        loading = { _, threads, _ -> TickingScorer(threads, clock) }
        val presenter = running()
        presenter.onBench()
        jobs.all()
        presenter.onBenchStart(quick = true)
        presenter.pause()
        jobs.all()
        assertEquals(UiState.BenchInterrupted, presenter.state)
        assertFalse(File(folder, "exports").exists())
        presenter.resume(Permission.GRANTED)
        presenter.onBench()
        jobs.all()
        presenter.shows<UiState.BenchReady>()
    }

    @Test
    fun `a sweep that is cancelled is ready again`() {
        loading = { _, threads, _ -> TickingScorer(threads, clock) }
        val presenter = running()
        presenter.onBench()
        jobs.all()
        presenter.onBenchStart(quick = true)
        assertTrue(presenter.onBack())
        assertEquals("and the screen is told", UiState.BenchReady(15), states.last())
        // Again before the work in flight has ended, which must end neither.
        presenter.onBenchStart(quick = true)
        presenter.shows<UiState.BenchRunning>()
        jobs.one()
        assertTrue(presenter.onBack())
        jobs.all()
        assertEquals(UiState.BenchReady(15), presenter.state)
        assertFalse(File(folder, "exports").exists())
        presenter.onBenchStart(quick = true)
        jobs.all()
        presenter.shows<UiState.BenchDone>()
    }

    @Test
    fun `a sweep that is begun anew while an interrupted one still ends is the one that is shown`() {
        loading = { _, threads, _ -> TickingScorer(threads, clock) }
        val presenter = running()
        presenter.onBench()
        jobs.all()
        presenter.onBenchStart(quick = true)
        presenter.pause()
        presenter.resume(Permission.GRANTED)
        presenter.onBench()
        assertEquals(UiState.BenchReady(15), presenter.state)
        presenter.onBenchStart(quick = true)
        jobs.all()
        presenter.shows<UiState.BenchDone>()
        assertEquals(1, File(folder, "exports").list()!!.size)
    }

    @Test
    fun `a sweep that edgekit could not read is refused before it starts`() {
        val presenter = runningWith(NEUTRAL) { verdictFor("mango", 0.9, NEUTRAL) }
        presenter.onBench()
        jobs.all()
        assertTrue("${presenter.state}", "genuine" in presenter.shows<UiState.BenchFailed>().reason)
        presenter.onBenchStart(quick = true)
        jobs.all()
        presenter.shows<UiState.BenchFailed>()
        assertFalse(File(folder, "exports").exists())
    }

    @Test
    fun `a sweep that fails says why`() {
        val presenter = running()
        presenter.onBench()
        jobs.all()
        loading = { _, _, _ -> throw ModelException("TFLite can't load the model") }
        presenter.onBenchStart(quick = true)
        jobs.all()
        assertEquals(UiState.BenchFailed("TFLite can't load the model"), presenter.state)
    }

    @Test
    fun `settings show the contract, and uploads are kept up`() {
        val presenter = running()
        presenter.shoot(0.1)
        presenter.onSettings()
        uploadJobs.all()
        val shown = presenter.shows<UiState.SettingsShown>()
        assertEquals(DEMO, shown.model!!.contract)
        assertTrue(shown.model!!.isBundled)
        File(folder, "outbox").writeText("a file in its place")
        presenter.onSettingsChanged(presenter.settings.copy(uploads = true))
        uploadJobs.all()
        assertEquals(1, presenter.shows<UiState.SettingsShown>().queue.waiting)
        assertTrue("it is tried again later", uploadJobs.timers.single().first >= 30_000)
        File(folder, "outbox").delete()
        nowMs += 30_000
        uploadJobs.timers.single().second()
        uploadJobs.all()
        assertEquals(0, presenter.shows<UiState.SettingsShown>().queue.waiting)
        assertEquals(1, File(folder, "outbox").list()!!.size)
    }

    @Test
    fun `a new capture is uploaded where that is wished, and a restart goes on`() {
        Settings(uploads = true).write(stored)
        val presenter = running()
        presenter.shoot(0.1)
        // Ended before the upload ran.
        assertFalse(File(folder, "outbox").exists())
        started()
        assertEquals(1, File(folder, "outbox").list()!!.size)
        presenter.onRetryUploads()
        uploadJobs.all()
    }

    @Test
    fun `an app that ends frees the model`() {
        val presenter = running()
        presenter.close()
        jobs.all()
        assertTrue(scorer.isClosed)
        assertEquals("close", camera.calls.last())
    }

    /** What happens to the app, one after another, until it has shown all that it can show. */
    @Test
    fun `every state is reached by what happens to the app`() {
        shelf.choose(ModelFile("mine.tflite", byteArrayOf(1)))
        loading = { file, threads, _ -> if (file.name == "mine.tflite") throw ContractException("no") else TickingScorer(threads, clock) }
        val presenter = started(Permission.ASKABLE)
        presenter.onBundledModel()
        jobs.all()
        val journey = listOf<() -> Unit>(
            { presenter.onPermission(Permission.DENIED_FOREVER) }, { presenter.onPermission(Permission.GRANTED) },
            { presenter.onCamera(CameraEvent.Absent) }, { presenter.onCamera(CameraEvent.Failed(Trouble.IN_USE)) }, presenter::onRetry,
            { presenter.onCamera(opened) }, { presenter.onShutter() }, { presenter.onCamera(CameraEvent.Photo(photo("444.jpg"))) },
            presenter::onHistory, { presenter.onCapture(store.list().whole.single().record.id) }, { presenter.onBack() }, presenter::onExport,
            { presenter.onBack() }, presenter::onBench, { presenter.onBenchStart(quick = true) },
            { presenter.onBench() }, { presenter.onBenchStart(quick = true); presenter.pause() }, { presenter.resume(Permission.GRANTED); presenter.onBench() },
            { loading = { _, _, _ -> throw ModelException("no") }; presenter.onBenchStart(quick = true) },
            presenter::onSettings, { presenter.onBack() },
            {
                loading = { _, threads, _ -> ScriptedScorer(threads = threads, answer = { verdict(0.9) }) }
                presenter.onSettingsChanged(presenter.settings.copy(threads = 1))
            },
            { presenter.onCamera(opened) }, { presenter.onShutter() }, { presenter.onCamera(CameraEvent.Photo(photo("444.jpg"))) },
            presenter::onTakeAgain,
            {
                loading = { _, threads, _ -> ScriptedScorer(FACES, threads) }
                presenter.onSettingsChanged(presenter.settings.copy(threads = 2))
            },
            { presenter.onCamera(opened) }, { presenter.onShutter() }, { presenter.onCamera(CameraEvent.Photo(photo("444.jpg"))) },
        )
        for (step in journey) {
            step()
            jobs.all()
        }
        val shown = states.map { it.javaClass.simpleName }.toSet()
        assertEquals(UiState::class.java.classes.map { it.simpleName }.toSet(), shown)
    }

    private fun runningWith(contract: Contract, answer: () -> Verdict): CapturePresenter {
        loading = { _, threads, _ -> ScriptedScorer(contract, threads, answer = answer).also { scorer = it } }
        return running()
    }

    private fun CapturePresenter.shootAs() {
        onShutter()
        onCamera(CameraEvent.Photo(photo("444.jpg")))
        jobs.all()
    }

    @Test
    fun `a contract without genuine photos names what it sees, and asks nothing`() {
        val presenter = runningWith(NEUTRAL) { verdictFor("mango", 0.9, NEUTRAL) }
        presenter.offerFrame(::frame) {}
        live.all()
        jobs.all()
        assertEquals(Tone.NEUTRAL to "mango", presenter.shows<UiState.Live>().verdict!!.let { it.tone to it.label })
        presenter.shootAs()
        assertEquals(Notice.Saved(Kept.AS_IS), presenter.shows<UiState.Live>().notice)
        presenter.onHistory()
        jobs.all()
        presenter.onCapture(store.list().whole.single().record.id)
        val detail = presenter.shows<UiState.Detail>()
        assertEquals(Tone.NEUTRAL, detail.verdict.tone)
        assertEquals("the likeliest first", "mango", labelsToChoose(detail.capture.record, 10).first())
        assertEquals("few stay in order", NEUTRAL.labels, labelsToChoose(detail.capture.record, 12))
        presenter.onTruth("pear")
        jobs.all()
        assertEquals("pear", store.list().whole.single().record.truth)
        assertEquals(UiState.AskPermission(hasBonaFide = false), started(Permission.ASKABLE).state)
    }

    @Test
    fun `what no label fits is unknown, which is no reason to take a photo again`() {
        val presenter = runningWith(NEUTRAL) { verdictFor("mango", 0.2, NEUTRAL) }
        presenter.offerFrame(::frame) {}
        live.all()
        jobs.all()
        assertEquals(Tone.UNKNOWN to "unknown", presenter.shows<UiState.Live>().verdict!!.let { it.tone to it.label })
        presenter.shootAs()
        assertEquals(Notice.Saved(Kept.AS_IS), presenter.shows<UiState.Live>().notice)
        assertEquals(Tone.UNKNOWN, viewOfRecord(store.list().whole.single().record, null).tone)
    }

    private fun runningOnFaces(vararg found: Triple<Int, String, Double>) =
        runningWith(FACES) { verdict(0.1) }.also { scorer.found = { faces(*found) } }

    private fun CapturePresenter.seeFaces(atS: Double, vararg found: Triple<Int, String, Double>): Answers {
        scorer.found = { faces(*found) }
        nowS = atS
        offerFrame(::frame) {}
        live.all()
        jobs.all()
        return shows<UiState.Live>().run {
            assertNull(verdict)
            answers!!
        }
    }

    private val Answers.labels get() = found.map { it.verdict.label }

    @Test
    fun `faces in front of the camera have steady answers each, and that there is none is one, too`() {
        val presenter = runningOnFaces()
        assertNull(presenter.shows<UiState.Live>().answers)
        val (anna, ben) = Triple(100, "Anna", 0.98) to Triple(700, "Ben", 0.97)
        assertEquals(listOf("Anna", "Ben"), presenter.seeFaces(0.0, anna, ben).labels)
        assertEquals("one frame changes nothing", listOf("Ben", "Anna"), presenter.seeFaces(0.05, ben, anna.copy(second = "Ben")).labels)
        assertEquals(emptyList<String>() to "face", presenter.seeFaces(0.1).run { labels to thing })
        assertEquals("time of finding counts as decoding", 36.0, presenter.shows<UiState.Live>().latency!!.decode.p50Ms, 10.0)
        presenter.pause()
        presenter.resume(Permission.GRANTED)
        presenter.onCamera(opened)
        assertNull("an old answer stands over no other scene", presenter.shows<UiState.Live>().answers)
    }

    @Test
    fun `a photo of faces is shown with each one's answer, and nothing of it stays`() {
        val presenter = runningOnFaces(Triple(100, "Anna", 0.98), Triple(700, "Ben", 0.3))
        presenter.shootAs()
        val shown = presenter.shows<UiState.Shown>()
        assertEquals(listOf("Anna", "unknown"), shown.answers.labels)
        assertEquals(listOf(Tone.NEUTRAL, Tone.UNKNOWN), shown.answers.found.map { it.verdict.tone })
        assertEquals(listOf(100, 700), shown.answers.found.map { it.box!!.left })
        assertArrayEquals("the screen draws it", photo("444.jpg"), shown.photo.content)
        assertEquals("it lies nowhere", emptyList<File>(), folder.walk().filter(File::isFile).toList())
        assertEquals(Source.SHUTTER, shown.source)
        assertFalse("nothing else begins meanwhile", presenter.run { onHistory(); state } is UiState.History)
        presenter.onTakeAgain()
        jobs.all()
        presenter.shows<UiState.Live>()
        assertEquals(0, store.list().whole.size)
    }

    @Test
    fun `a photo without a face says so, one that can't be read is refused`() {
        val presenter = runningOnFaces()
        presenter.onGallery { ByteArrayInputStream(photo("444.jpg")) }
        jobs.all()
        assertEquals(Answers("face", faces().sizeWh, emptyList()) to Source.GALLERY, presenter.shows<UiState.Shown>().run { answers to source })
        assertTrue(presenter.onBack())
        jobs.all()
        scorer.found = { unreadable() }
        presenter.shootAs()
        assertTrue(presenter.shows<UiState.Live>().notice is Notice.PhotoRefused)
        assertEquals(emptyList<String>(), halves(folder))
    }

    @Test
    fun `several labels of a photo are named, none of them is said`() {
        val shares = mapOf("bread" to 0.9, "milk" to 0.1, "tea" to 0.6)
        for ((label, tone) in listOf("bread|tea" to Tone.NEUTRAL, "none" to Tone.UNKNOWN)) {
            val labels = label.split('|') - "none"
            val presenter = runningWith(SHELF) { verdict(0.1).copy(label = label, score = 0.9, probabilities = shares, labels = labels) }
            presenter.offerFrame(::frame) {}
            live.all()
            jobs.all()
            assertEquals("live as well", listOf("bread", "tea"), presenter.shows<UiState.Live>().verdict!!.labels!!.map(Share::label))
            presenter.shootAs()
            val found = presenter.shows<UiState.Shown>().answers.found.single()
            assertEquals(tone, found.verdict.tone)
            assertEquals(labels.map { Share(it, shares.getValue(it)) }, found.verdict.labels)
            assertNull(found.box)
            presenter.onTakeAgain()
            jobs.all()
            presenter.close()
            jobs.all()
        }
    }

    @Test
    fun `what is only shown may be of any kind that can be decoded, what is kept may not`() {
        val gif = "GIF89a".toByteArray()
        val shown = runningOnFaces(Triple(100, "Anna", 0.98))
        shown.onGallery { ByteArrayInputStream(gif) }
        jobs.all()
        assertArrayEquals(gif, shown.shows<UiState.Shown>().photo.content)
        val kept = runningWith(NEUTRAL) { verdictFor("mango", 0.9, NEUTRAL) }
        kept.onGallery { ByteArrayInputStream(gif) }
        jobs.all()
        val told = kept.shows<UiState.Live>().notice as Notice.PhotoRefused
        assertTrue(told.reason, "must be JPEG, PNG or WebP to be kept, got GIF" in told.reason)
    }

    @Test
    fun `what is unknown by a rule is stored as it is answered, and timed`() {
        for ((unknown, label, score) in listOf(Triple(0.8, "unknown", 0.8), Triple(0.1, "apple", 0.75))) {
            val presenter = runningWith(KNOWING) { knowing(unknown) }
            presenter.shootAs()
            assertEquals(Notice.Saved(Kept.AS_IS), presenter.shows<UiState.Live>().notice)
            presenter.onHistory()
            jobs.all()
            val stored = store.list().whole.first()
            assertEquals(label to score, stored.record.verdict.let { it.label to it.score })
            assertEquals(listOf(3, 3), stored.record.verdict.crops.map { it.probabilities.size })
            presenter.onCapture(stored.record.id)
            assertEquals(if (label == "unknown") Tone.UNKNOWN else Tone.NEUTRAL, presenter.shows<UiState.Detail>().verdict.tone)
            nowMs += 1000
        }
        BenchJob.of(KNOWING, ModelName("m.tflite", "0".repeat(64)), BenchPhotos(listOf("path", "label"), emptyList()), BenchPace.QUICK, threads = listOf(1))
    }

    @Test
    fun `a camera is opened anew where another model works at another size, after the photo that is asked about`() {
        val large = DEMO.copy(plan = DEMO.plan.copy(workingPx = 960))
        val presenter = running()
        fun pick(contract: Contract) {
            loading = { _, threads, _ -> ScriptedScorer(contract, threads).also { scorer = it } }
            presenter.onModelPicked({ "other.tflite" }) { ByteArrayInputStream(DEMO_BYTES) }
            jobs.all()
        }
        camera.calls.clear()
        pick(DEMO.copy(name = "another"))
        assertEquals("of the same size nothing changes", emptyList<String>(), camera.calls)
        pick(large)
        assertEquals(listOf("close", "open back 960"), camera.calls)
        presenter.shows<UiState.OpeningCamera>()
        presenter.onCamera(opened)
        presenter.shoot(attack = 0.9)
        presenter.shows<UiState.Retake>()
        camera.calls.clear()
        pick(DEMO)
        assertEquals(emptyList<String>(), camera.calls)
        presenter.onTakeAgain()
        jobs.all()
        assertEquals(listOf("close", "open back ${DEMO.photoWorkingPx}"), camera.calls)
    }

    @Test
    fun `a model of regions is no model to time here`() {
        val presenter = runningOnFaces()
        presenter.onBench()
        jobs.all()
        val failed = presenter.shows<UiState.BenchFailed>()
        assertTrue(failed.reason, "edgekit bench on a computer" in failed.reason)
    }

    @Test
    fun `of several attacks the one is said`() {
        val presenter = runningWith(SEVERAL) { verdictFor("screen", 0.9, SEVERAL) }
        presenter.shootAs()
        val asked = presenter.shows<UiState.Retake>().verdict
        assertEquals(Tone.ATTACK, asked.tone)
        assertTrue(asked.isOneOfSeveral && asked.label != "genuine")
        assertFalse(viewOf("recapture", 0.9, DEMO).isOneOfSeveral)
    }

    @Test
    fun `a photo that is picked before the model is there waits for it`() {
        // The process ended while the picker was in front: its answer is the first that the new one hears.
        val presenter = presenter()
        presenter.attach(states::add)
        presenter.onGallery { ByteArrayInputStream(photo("444.jpg")) }
        presenter.resume(Permission.GRANTED)
        jobs.all()
        assertEquals(Source.GALLERY, store.list().whole.single().record.source)
        presenter.onCamera(opened)
        assertEquals(Notice.Saved(Kept.AS_IS), presenter.shows<UiState.Live>().notice)
    }

    @Test
    fun `a model that is picked before the one in use is there is used, or refused in words`() {
        for ((name, isGood) in mapOf("good.tflite" to true, "bad.tflite" to false)) {
            val works: (ModelFile, Int, String) -> Scorer = { _, threads, _ -> ScriptedScorer(threads = threads) }
            loading = { file, threads, delegate -> if (file.name == "bad.tflite") throw ContractException("no") else works(file, threads, delegate) }
            val presenter = presenter()
            presenter.attach(states::add)
            presenter.onModelPicked({ name }) { ByteArrayInputStream(DEMO_BYTES) }
            presenter.resume(Permission.GRANTED)
            jobs.all()
            presenter.onCamera(opened)
            assertEquals(if (isGood) null else Notice.ModelRefused("bad.tflite", "no"), presenter.shows<UiState.Live>().notice)
            assertEquals("good.tflite", shelf.current().name)
        }
    }

    @Test
    fun `a model whose app fails in any way is refused in words`() {
        val presenter = running()
        presenter.onModelPicked({ throw IllegalStateException("no name") }) { error("must not be asked") }
        jobs.all()
        assertTrue("${presenter.state}", "no name" in (presenter.shows<UiState.Live>().notice as Notice.ModelRefused).reason)
        loading = { _, _, _ -> throw OutOfMemoryError() }
        presenter.onModelPicked({ "x.tflite" }) { ByteArrayInputStream(DEMO_BYTES) }
        jobs.all()
        assertTrue("a smaller model" in (presenter.shows<UiState.Live>().notice as Notice.ModelRefused).reason)
        presenter.onModelPicked({ "x.tflite" }) { throw NullPointerException() }
        jobs.all()
        assertTrue("NullPointerException" in (presenter.shows<UiState.Live>().notice as Notice.ModelRefused).reason)
    }

    @Test
    fun `a photo that the camera still owes when the app leaves the front is told`() {
        val presenter = running()
        presenter.onShutter()
        presenter.pause()
        presenter.resume(Permission.GRANTED)
        presenter.onCamera(opened)
        assertEquals(Notice.ShotLost, presenter.shows<UiState.Live>().notice)
    }

    @Test
    fun `a photo or a frame that memory does not suffice for is told`() {
        val presenter = running()
        scorer.answer = { throw OutOfMemoryError() }
        presenter.offerFrame(::frame) {}
        live.all()
        jobs.all()
        assertTrue(presenter.shows<UiState.Live>().notice is Notice.LiveFailed)
        presenter.shootAs()
        assertTrue("memory" in (presenter.shows<UiState.Live>().notice as Notice.PhotoRefused).reason)
        assertEquals(emptyList<String>(), File(folder, "captures").list()!!.toList())
    }

    @Test
    fun `an app that ends while the model loads frees it all the same`() {
        val presenter = presenter()
        presenter.attach(states::add)
        presenter.resume(Permission.GRANTED)
        presenter.close()
        jobs.all()
        assertTrue(scorer.isClosed)
    }

    @Test
    fun `a sweep's export takes the place of the one before`() {
        loading = { _, threads, _ -> TickingScorer(threads, clock) }
        val presenter = running()
        repeat(2) {
            nowMs += 60_000
            presenter.onBench()
            jobs.all()
            presenter.onBenchStart(quick = true)
            jobs.all()
            presenter.shows<UiState.BenchDone>()
        }
        assertEquals(1, File(folder, "exports").list()!!.size)
    }

    private companion object {
        /** By their names in the vectors of bundles. */
        val REFUSED = listOf("changed-byte", "newer-schema", "int8-input", "two-outputs", "half", "empty")
    }

    /** Takes its time by the sweep's clock. */
    private class TickingScorer(threads: Int, private val clock: TestDevice, private val scripted: ScriptedScorer = ScriptedScorer(threads = threads)) :
        Scorer by scripted {
        override fun classify(photo: ByteArray, crops: Int?): Verdict {
            clock.ns += 20_000_000
            return verdict(0.2, crops = crops ?: 4, ms = 15.0)
        }
    }
}
