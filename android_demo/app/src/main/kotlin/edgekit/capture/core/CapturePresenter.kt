package edgekit.capture.core

import edgekit.android.foreign
import edgekit.runtime.Contract
import edgekit.runtime.EdgekitException
import edgekit.runtime.Frame
import edgekit.runtime.ModelException
import edgekit.runtime.PhotoException
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.util.concurrent.Executor
import kotlin.random.Random

/** Whether the camera may be used. */
enum class Permission { GRANTED, ASKABLE, DENIED_FOREVER }

/** All that a [CapturePresenter] works with. */
class Parts(
    val camera: CameraPort,
    val jobs: Jobs,
    val uploads: Jobs,
    val store: CaptureStore,
    val shelf: ModelShelf,
    val scorers: Scorers,
    val stored: KeyValues,
    val queue: UploadQueue,
    val benchPhotos: () -> BenchPhotos,
    val benchDevice: BenchDevice,
    val identity: Identity,
    val exports: File,
    val liveWorker: Executor,
    val nowMs: () -> Long,
    val nowS: () -> Double,
    val random: Random = Random.Default,
    val disk: Disk = DEVICE_DISK,
    val recovered: Lazy<Unit>,
    val mostVerdictsBytes: Long = MOST_VERDICTS_BYTES,
)

/**
 * Everything that the app decides, without Android: what happened goes in, what the screen shows comes out.
 *
 * To be used on one thread, the main one; [offerFrame] alone comes from the camera's. It outlives the screen when the
 * phone is turned.
 */
class CapturePresenter(private val parts: Parts) {
    private var render: ((UiState) -> Unit)? = null
    private var permission = Permission.ASKABLE
    private var isResumed = false
    private var screen: Screen = Screen.Camera
    private var model: Loaded = Loaded.Nothing
    private var camera: Camera = Camera.Closed
    private var shot: Shot? = null
    private var notice: Notice? = null
    private var verdict: VerdictView? = null
    private var answers: Answers? = null
    private var crops = 0
    private var torch = false
    private var isEnded = false

    // Waits for the model: the system brings the answer of a picker before all else where the process ended meanwhile.
    private var pick: (() -> Unit)? = null
    private val latency = LatencyWindow()
    private val loop = LiveLoop(parts.liveWorker, parts.nowS) { result -> parts.jobs.post { onLive(result) } }
    private val history = HistoryPresenter(parts, { settings.uploads }, ::changed)
    private val bench = BenchPresenter(parts, ::changed)

    /** What the person chose. */
    var settings = Settings.read(parts.stored)
        private set

    /** Of the model in use; null while there is none. */
    val contract: Contract? get() = (model as? Loaded.Ready)?.scorer?.contract

    /** What the screen shows now. */
    val state: UiState get() = compute()

    /** Takes over a screen, which is told the state at once and whenever it changes. */
    fun attach(screen: (UiState) -> Unit) {
        render = screen
        screen(state)
    }

    /** Lets the screen go. */
    fun detach() {
        render = null
    }

    /** The app came to the front. */
    fun resume(permission: Permission) {
        isResumed = true
        this.permission = permission
        if (model is Loaded.Nothing) {
            parts.jobs.run({ parts.recovered.value }) { it.getOrThrow() }
            load()
        }
        history.isUploading = settings.uploads
        history.upload()
        follow()
    }

    /** The app left the front: camera and sweep end. A photo that is being judged is still stored. */
    fun pause() {
        isResumed = false
        if (shot is Shot.Taking) {
            shot = null
            notice = Notice.ShotLost
        }
        bench.interrupt()
        history.isUploading = false
        follow()
    }

    /** The app ends for good. */
    fun close() {
        pause()
        isEnded = true
        render = null
        (model as? Loaded.Ready)?.scorer?.let { old -> parts.jobs.run(old::close) { it.getOrThrow() } }
        model = Loaded.Nothing
    }

    fun onPermission(permission: Permission) {
        this.permission = permission
        follow()
    }

    fun onCamera(event: CameraEvent) {
        when (event) {
            is CameraEvent.Opened -> {
                camera = Camera.Open(event)
                torch = false
            }
            is CameraEvent.Failed -> lose(Camera.Failed(event.trouble))
            CameraEvent.Absent -> lose(Camera.Absent)
            is CameraEvent.Photo -> if (shot is Shot.Taking) check(Source.SHUTTER) { event.jpeg }
            CameraEvent.ShotFailed -> if (shot is Shot.Taking) {
                shot = null
                notice = Notice.ShotFailed
            }
        }
        follow()
    }

    /** A frame of the camera, on its thread; see [LiveLoop.offer]. */
    fun offerFrame(frame: () -> Frame, release: () -> Unit): Boolean = loop.offer(frame, release)

    fun onShutter() {
        if (state !is UiState.Live) return
        notice = null
        shot = Shot.Taking
        parts.camera.shoot()
        follow()
    }

    /** A photo that was picked; its stream is opened and closed away from the main thread. */
    fun onGallery(open: () -> InputStream) {
        pick = {
            notice = null
            check(Source.GALLERY) { readPhoto(open) }
        }
        follow()
    }

    fun onKeepAnyway() {
        val asking = shot as? Shot.Asking ?: return
        shot = Shot.Checking
        changed()
        parts.jobs.run({ finish(asking.judged, Kept.ANYWAY) }, ::stored)
    }

    /** Lets go of the photo that was asked about, or that was only shown. */
    fun onTakeAgain() {
        val now = shot
        if (now is Shot.Asking) parts.jobs.run({ parts.store.drop(now.judged.pending) }) { it.getOrThrow() }
        if (now !is Shot.Asking && now !is Shot.Showing) return
        shot = null
        follow()
    }

    fun onTorch() {
        val open = camera as? Camera.Open ?: return
        if (!open.camera.hasTorch) return
        torch = !torch
        parts.camera.setTorch(torch)
        changed()
    }

    fun onFocus(xPx: Float, yPx: Float) {
        if (state is UiState.Live) parts.camera.focusAt(xPx, yPx)
    }

    fun onSwitchCamera() {
        if ((camera as? Camera.Open)?.camera?.canSwitch != true || shot != null) return
        choose(settings.copy(frontCamera = !settings.frontCamera))
        closeCamera()
        follow()
    }

    /** Tries again what failed: the camera, or the model. */
    fun onRetry() {
        if (model is Loaded.Refused) load() else closeCamera()
        follow()
    }

    fun onDismiss() {
        notice = null
        history.notice = null
        changed()
    }

    fun onHistory() = show(Screen.History) { history.open() }

    fun onCapture(id: String) = show(Screen.Detail) { history.select(id) }

    fun onTruth(label: String?) = history.setTruth(label)

    fun onDelete() {
        history.delete()
        show(Screen.History) {}
    }

    fun onExport() = history.export()

    /** Exports what did not fit into the export before. */
    fun onExportRest() = history.exportRest()

    fun onBench() = show(Screen.Bench) { bench.open((model as? Loaded.Ready)?.scorer) }

    /** @param quick Takes some seconds, and its numbers are rough. */
    fun onBenchStart(quick: Boolean) {
        (model as? Loaded.Ready)?.let { bench.start(it.scorer, quick, settings.delegate) }
    }

    fun onSettings() = show(Screen.Settings) { history.refreshQueue() }

    /** Crops, threads or delegate changed; null crops are the contract's. */
    fun onSettingsChanged(changed: Settings) {
        val old = settings
        choose(changed)
        latency.clear()
        history.isUploading = changed.uploads && isResumed
        if (changed.uploads && !old.uploads) history.queueAll()
        if (changed.threads != old.threads || changed.gpu != old.gpu) load() else follow()
    }

    fun onRetryUploads() = history.retryUploads()

    /**
     * A model file was picked: it is used if it can be, else the one in use stays.
     *
     * @param name Asks for the file's name, away from the main thread as [open] is.
     */
    fun onModelPicked(name: () -> String, open: () -> InputStream) {
        notice = null
        val (threads, delegate) = settings.threads to settings.delegate
        var known = "the file"
        parts.jobs.run({
            known = foreign(name)
            val file = foreign { open().use { ModelShelf.read(known, it) } }
            parts.scorers.load(file, threads, delegate).also { scorer ->
                // Not kept before it is known to load: the next start would end at it.
                try {
                    parts.shelf.choose(file)
                } catch (failure: IOException) {
                    scorer.close()
                    throw failure
                }
            }
        }) { result ->
            result.fold(::use) { failure -> refuse(known, failure, isPicked = true) }
            follow()
        }
    }

    fun onBundledModel() {
        parts.jobs.run({ parts.shelf.useBundled() }) { it.getOrThrow() }
        load()
    }

    /** One step back; false where that leaves the app. */
    fun onBack(): Boolean {
        when {
            history.cancelExport() -> Unit
            shot is Shot.Asking || shot is Shot.Showing -> onTakeAgain()
            screen == Screen.Bench && bench.cancel() -> changed()
            screen == Screen.Detail || history.leaveExported() -> show(Screen.History) { history.open() }
            screen != Screen.Camera -> show(Screen.Camera) {}
            else -> return false
        }
        return true
    }

    private fun show(next: Screen, prepare: () -> Unit) {
        if (shot != null) return
        if (screen == Screen.Bench && next != Screen.Bench) bench.cancel()
        screen = next
        notice = null
        prepare()
        follow()
    }

    private fun onLive(result: Result<LiveResult>) {
        val scorer = (model as? Loaded.Ready)?.scorer ?: return
        if (screen != Screen.Camera || camera !is Camera.Open || shot != null) return
        result.fold({ live ->
            see(live, scorer.contract)
            if (notice is Notice.LiveFailed) notice = null
        }) { failure ->
            // An old answer would stand over any scene.
            forget()
            notice = Notice.LiveFailed(reasonOf(failure))
        }
        changed()
    }

    private fun see(live: LiveResult, contract: Contract) = when (live) {
        is LiveResult.Whole -> {
            verdict = viewOf(live.smoothed, contract)
            crops = live.verdict.crops.size
            latency.add(live.verdict.ms)
        }
        is LiveResult.Regions -> {
            answers = answersOf(live.verdict, live.tracked, contract)
            crops = live.verdict.regions.sumOf { it.verdict.crops.size }
            latency.add(timeOf(live.verdict))
        }
    }

    private fun forget() {
        verdict = null
        answers = null
    }

    private fun check(source: Source, content: () -> ByteArray) {
        val scorer = (model as Loaded.Ready).scorer
        val lens = (camera as? Camera.Open)?.camera?.lens.takeIf { source == Source.SHUTTER }
        val crops = settings.crops
        shot = Shot.Checking
        changed()
        if (!scorer.contract.isRecorded) return look(Judge(parts, scorer, crops), source, content)
        parts.jobs.run({ Judge(parts, scorer, crops).judge(source, lens, content()) }) { result ->
            val judged = result.getOrElse { return@run failed(it) }
            if (judged.view.tone == Tone.ATTACK || judged.view.tone == Tone.UNSURE) {
                shot = Shot.Asking(judged)
                follow()
            } else {
                parts.jobs.run({ finish(judged, Kept.AS_IS) }, ::stored)
            }
        }
    }

    /** Judges a photo for its answers alone. */
    private fun look(judge: Judge, source: Source, content: () -> ByteArray) =
        parts.jobs.run({ judge.look(source, content()) }) { result ->
            shot = Shot.Showing(result.getOrElse { return@run failed(it) })
            follow()
        }

    private fun finish(judged: Judged, kept: Kept): StoredCapture {
        val whole = parts.store.finish(judged.pending, judged.record.copy(kept = kept))
        if (settings.uploads) parts.queue.add(whole.record.id)
        return whole
    }

    private fun stored(result: Result<StoredCapture>) {
        val whole = result.getOrElse { return failed(it) }
        shot = null
        notice = Notice.Saved(whole.record.kept)
        history.upload()
        follow()
    }

    private fun failed(failure: Throwable) {
        shot = null
        notice = when (failure) {
            is StorageFullException -> Notice.StorageFull
            is EdgekitException, is OutOfMemoryError -> Notice.PhotoRefused(reasonOf(failure))
            else -> Notice.SaveFailed(reasonOf(failure))
        }
        follow()
    }

    private fun load() {
        if (model !is Loaded.Ready) model = Loaded.Loading
        val (threads, delegate) = settings.threads to settings.delegate
        var name = ""
        parts.jobs.run({
            val file = parts.shelf.current()
            name = file.name
            parts.scorers.load(file, threads, delegate)
        }) { result ->
            result.fold(::use) { failure -> if (settings.gpu && failure is ModelException) leaveGpu(failure) else refuse(name, failure, isPicked = false) }
            follow()
        }
        changed()
    }

    /** Goes on with the processor, and says so. */
    private fun leaveGpu(failure: ModelException) {
        choose(settings.copy(gpu = false))
        if (model !is Loaded.Ready) load()
        notice = Notice.GpuRefused(reasonOf(failure))
    }

    private fun use(scorer: Scorer) {
        if (isEnded) return parts.jobs.run(scorer::close) { it.getOrThrow() }
        val old = (model as? Loaded.Ready)?.scorer
        loop.stop()
        bench.cancel()
        model = Loaded.Ready(scorer)
        isLoopFor = null
        forget()
        latency.clear()
        if (old != null) parts.jobs.run(old::close) { it.getOrThrow() }
    }

    private fun refuse(file: String, failure: Throwable, isPicked: Boolean) {
        val reason = reasonOf(failure, "a smaller model")
        // A picked one may come before the one in use is loaded.
        if (model is Loaded.Ready || isPicked && model !is Loaded.Refused) {
            notice = if (failure is StorageFullException) Notice.StorageFull else Notice.ModelRefused(file, reason)
        } else {
            model = Loaded.Refused(file, reason)
        }
    }

    private fun choose(changed: Settings) {
        settings = changed
        changed.write(parts.stored)
    }

    private fun lose(how: Camera) {
        parts.camera.close()
        camera = how
        if (shot is Shot.Taking) shot = null
        forget()
    }

    private fun closeCamera() {
        parts.camera.close()
        camera = Camera.Closed
        forget()
        torch = false
    }

    private var isLoopFor: Pair<Scorer, Int?>? = null

    // What the camera was opened for: its streams are as large as a model works.
    private var cameraPx: Int? = null

    /** Opens and closes camera and live view, as all the rest asks for it. */
    private fun follow() {
        val ready = (model as? Loaded.Ready)?.scorer
        if (ready != null && shot == null) pick?.let { picked ->
            pick = null
            picked()
        }
        val isWanted = isResumed && screen == Screen.Camera && permission == Permission.GRANTED && ready != null
        val isOn = camera is Camera.Open || camera == Camera.Opening
        // A photo that is being taken, or asked about, comes first.
        if (isOn && shot == null && ready != null && cameraPx != ready.contract.photoWorkingPx) closeCamera()
        if (isWanted && camera == Camera.Closed) {
            camera = Camera.Opening
            cameraPx = contract?.photoWorkingPx
            parts.camera.open(settings.frontCamera, cameraPx)
        } else if (!isWanted && camera != Camera.Closed) {
            closeCamera()
        }
        val isJudging = isWanted && camera is Camera.Open && shot == null
        val wanted = if (isJudging) ready?.let { it to settings.crops } else null
        if (wanted != isLoopFor) {
            if (wanted == null) loop.stop() else loop.start(wanted.first, wanted.second)
            isLoopFor = wanted
        }
        changed()
    }

    private fun changed() {
        render?.invoke(state)
    }

    private fun compute(): UiState = when (screen) {
        Screen.History -> history.listState()
        Screen.Detail -> history.detailState(contract)
        Screen.Bench -> bench.state
        Screen.Settings -> UiState.SettingsShown(settings, modelView(), history.queue, notice)
        Screen.Camera -> shotState() ?: cameraState()
    }

    private fun modelView(): ModelView? = (model as? Loaded.Ready)?.scorer?.let {
        ModelView(it.model.name, it.model.sha256, it.contract, it.engine, parts.shelf.isBundled)
    }

    private fun shotState(): UiState? = when (val now = shot) {
        null -> null
        Shot.Taking -> UiState.Taking
        Shot.Checking -> UiState.Checking
        is Shot.Asking -> now.judged.let { UiState.Retake(it.view, it.pending.photo, it.record.source) }
        is Shot.Showing -> now.looked.let { UiState.Shown(it.answers, it.photo, it.source) }
    }

    private fun cameraState(): UiState = when (val loaded = model) {
        Loaded.Nothing, Loaded.Loading -> UiState.LoadingModel
        is Loaded.Refused -> UiState.ModelRefused(loaded.file, loaded.reason, parts.shelf.isBundled)
        is Loaded.Ready -> when (permission) {
            Permission.ASKABLE -> UiState.AskPermission(loaded.scorer.contract.bonaFide != null)
            Permission.DENIED_FOREVER -> UiState.PermissionDenied
            Permission.GRANTED -> openState(loaded.scorer)
        }
    }

    private fun openState(scorer: Scorer): UiState = when (val now = camera) {
        Camera.Closed, Camera.Opening -> UiState.OpeningCamera
        Camera.Absent -> UiState.NoCamera(notice)
        is Camera.Failed -> UiState.CameraTrouble(now.trouble)
        is Camera.Open -> UiState.Live(
            verdict = verdict,
            answers = answers,
            crops = crops,
            latency = latency.read(),
            engine = scorer.engine,
            threads = scorer.threads,
            torch = if (!now.camera.hasTorch) Torch.ABSENT else if (torch) Torch.ON else Torch.OFF,
            canSwitch = now.camera.canSwitch,
            isFront = now.camera.isFront,
            notice = notice,
        )
    }

    private enum class Screen { Camera, History, Detail, Bench, Settings }

    private sealed interface Loaded {
        data object Nothing : Loaded
        data object Loading : Loaded
        data class Refused(val file: String, val reason: String) : Loaded
        class Ready(val scorer: Scorer) : Loaded
    }

    private sealed interface Camera {
        data object Closed : Camera
        data object Opening : Camera
        data object Absent : Camera
        data class Failed(val trouble: Trouble) : Camera
        class Open(val camera: CameraEvent.Opened) : Camera
    }

    private sealed interface Shot {
        data object Taking : Shot
        data object Checking : Shot
        class Asking(val judged: Judged) : Shot
        class Showing(val looked: Looked) : Shot
    }
}

/** What the GPU setting asks an interpreter for. */
val Settings.delegate: String get() = if (gpu) "gpu" else "default"

/** Bytes of a photo's file: some three times what a phone's camera of 200 megapixels writes. */
const val MOST_PHOTO_BYTES = 100 shl 20

/** A picked photo's bytes; whoever offers it may refuse them. */
private fun readPhoto(open: () -> InputStream): ByteArray = try {
    foreign { open().use { readBounded(it, MOST_PHOTO_BYTES) } }
} catch (failure: IOException) {
    throw PhotoException("the photo can't be read: ${failure.message}; pick another", failure)
}

/** Cleans up after an ended process: once in a process, as what is being written looks the same. */
fun recover(store: CaptureStore, shelf: ModelShelf, exports: File) {
    store.recover()
    shelf.recover()
    deleteUnfinished(exports)
}

/**
 * What a person is told of a failure.
 *
 * @param remedy What to choose where it takes too much memory.
 * @throws Throwable the failure itself, where it is none that a person can act on but a bug.
 */
internal fun reasonOf(failure: Throwable, remedy: String = "a smaller photo"): String = when (failure) {
    is EdgekitException, is IOException -> failure.message ?: failure.javaClass.simpleName
    is OutOfMemoryError -> "it takes more memory than the phone gives the app; close other apps, or choose $remedy"
    else -> throw failure
}
