package edgekit.capture

import edgekit.capture.core.BenchPace
import edgekit.capture.core.BenchPoint
import edgekit.capture.core.BenchResult
import edgekit.capture.core.BenchJob
import edgekit.capture.core.CameraEvent
import edgekit.capture.core.DEMO
import edgekit.capture.core.FACES
import edgekit.capture.core.SHELF
import edgekit.capture.core.faces
import edgekit.capture.core.Engine
import edgekit.capture.core.ModelFile
import edgekit.capture.core.ModelName
import edgekit.capture.core.NEUTRAL
import edgekit.capture.core.Percentiles
import edgekit.capture.core.SEVERAL
import edgekit.capture.core.ScriptedScorer
import edgekit.capture.core.Trouble
import edgekit.capture.core.frame
import edgekit.capture.core.verdict
import edgekit.capture.core.verdictFor
import edgekit.runtime.Band
import edgekit.runtime.Box
import edgekit.runtime.Contract
import edgekit.runtime.ContractException
import edgekit.runtime.CropScore
import edgekit.runtime.cropBoxes
import edgekit.runtime.Milliseconds
import edgekit.runtime.ModelException
import edgekit.runtime.SizeWh
import edgekit.runtime.Verdict
import java.io.ByteArrayInputStream
import java.io.IOException

/** A state of the app by its name, and what happens until it is there. */
internal class Scene(val name: String, val play: () -> CaptureActivity)

private const val GENUINE = "bench/genuine-print-magazine_0001.jpg"
private const val RECAPTURE = "bench/recapture-laptop-ips_0002.jpg"

/** A verdict with the boxes that the model's plan has. */
internal fun sample(attack: Double): Verdict {
    val plain = verdict(attack, crops = 10, ms = 38.0)
    val boxes: List<Box> = cropBoxes(DEMO.plan, SizeWh(1280, 960), DEMO.sidePx)
    val crops = boxes.mapIndexed { index, box ->
        val own = (attack + 0.03 * ((index * 7) % 5 - 2)).coerceIn(0.01, 0.99)
        CropScore(box, listOf((1 - own).toFloat(), own.toFloat()))
    }
    return plain.copy(crops = crops, ms = Milliseconds(14.2, 1.9, 21.6, 0.3))
}

private fun live(attack: Double? = null, scene: String = GENUINE): CaptureActivity {
    if (attack != null) app.answer = { sample(attack) }
    val activity = launchLive()
    activity.putScene(scene)
    if (attack != null) activity.presenter.offerFrame(::frame) {}
    return activity
}

private fun shot(attack: Double, photo: String, isHeld: Boolean = false): CaptureActivity {
    val activity = live(0.05)
    app.answer = { sample(attack) }
    activity.presenter.onShutter()
    app.jobs.isHeld = isHeld
    activity.presenter.onCamera(CameraEvent.Photo(asset(photo)))
    return activity
}

/** The app with another contract than the demo's, and what it answers. */
private fun other(contract: Contract, label: String, probability: Double): CaptureActivity {
    app.load = { ScriptedScorer(contract, 2, Engine("tflite 2.16.1", "not told")) { verdictFor(label, probability, contract) } }
    return launchLive().also { it.putScene(); it.presenter.offerFrame(::frame) {} }
}

/** The app with a model of faces, and where they are. */
private fun people(vararg found: Triple<Int, String, Double>): CaptureActivity {
    app.load = { ScriptedScorer(FACES, 2, Engine("tflite 2.16.1", "not told")).also { it.found = { faces(*found) } } }
    return launchLive().also { it.putScene(); it.presenter.offerFrame(::frame) {} }
}

private val TWO = arrayOf(Triple(150, "Anna", 0.97), Triple(820, "Chloé", 0.88))

private fun CaptureActivity.take(photo: String): CaptureActivity {
    presenter.onShutter()
    presenter.onCamera(CameraEvent.Photo(asset(photo)))
    return this
}

private fun CaptureActivity.openNewest(): CaptureActivity {
    presenter.onHistory()
    presenter.onCapture(app.store.list().whole.first().record.id)
    return this
}

private fun history(): CaptureActivity {
    val activity = shot(0.04, GENUINE)
    app.answer = { sample(0.97) }
    activity.presenter.onShutter()
    activity.presenter.onCamera(CameraEvent.Photo(asset(RECAPTURE)))
    activity.presenter.onKeepAnyway()
    app.answer = { sample(0.12) }
    activity.presenter.onGallery { ByteArrayInputStream(asset("bench/genuine-laptop-ips_0003.jpg")) }
    activity.presenter.onHistory()
    return activity
}

private fun detail(): CaptureActivity {
    val activity = history()
    val captures = app.store.list().whole
    activity.presenter.onCapture(captures.first { it.record.verdict.label == "recapture" }.record.id)
    activity.presenter.onTruth("recapture")
    return activity
}

private fun bench(): CaptureActivity = live(0.05).also { it.presenter.onBench() }

/** Scripted, as what takes time here says nothing of a phone. */
internal fun benchResult(): BenchResult {
    val job = BenchJob.of(DEMO, ModelName("model.tflite", "0".repeat(64)), app.benchPhotos(), BenchPace.QUICK, threads = listOf(1, 2, 4))
    val points = job.settings.map {
        val ms = 14.0 + 2.4 * (if (it.stopsEarly) 2.1 else it.crops.toDouble()) / it.threads
        BenchPoint(it, Percentiles(ms, 1.2 * ms), if (it.stopsEarly) 2.1 else it.crops.toDouble())
    }
    return BenchResult(points, Engine("tflite 2.16.1", "not told"), java.io.File("edgekit-bench-20261130T071355Z.zip"))
}

/** Every state, reached by what happens to the app. */
internal val SCENES = listOf(
    Scene("loading-model") { app.jobs.isHeld = true; launch().get() },
    Scene("ask-permission") { launch().get() },
    Scene("permission-denied") {
        launch().get().also {
            it.onRequestPermissionsResult(1, arrayOf(android.Manifest.permission.CAMERA), intArrayOf(android.content.pm.PackageManager.PERMISSION_DENIED))
        }
    },
    Scene("no-camera") { grant(); launch().get().also { idle() } },
    Scene("camera-in-use") { live().also { it.presenter.onCamera(CameraEvent.Failed(Trouble.IN_USE)) } },
    Scene("camera-disconnected") { live().also { it.presenter.onCamera(CameraEvent.Failed(Trouble.DISCONNECTED)) } },
    Scene("model-refused") {
        app.shelf.choose(ModelFile("shelf-v9.tflite", byteArrayOf(1)))
        app.load = { throw ContractException("shelf-v9.tflite: edgekit.json has schema 9, this runtime reads up to 1: update the app") }
        launch().get()
    },
    Scene("opening-camera") {
        addCamera()
        grant()
        launch().get().also { idle() }
    },
    Scene("live-waiting") { live() },
    Scene("live-genuine") { live(0.04) },
    Scene("live-recapture") { live(0.97, RECAPTURE) },
    Scene("live-unsure") {
        val band = DEMO.copy(decision = DEMO.decision.copy(abstain = Band(0.3, 0.7), earlyStop = null))
        app.load = { ScriptedScorer(band, 2, Engine("tflite 2.16.1", "not told")) { verdict(0.45, band, 10, 38.0) } }
        launchLive().also { it.putScene(); it.presenter.offerFrame(::frame) {} }
    },
    Scene("ask-permission-neutral") {
        app.load = { ScriptedScorer(NEUTRAL, 2, Engine("tflite 2.16.1", "not told")) }
        launch().get()
    },
    Scene("live-neutral") { other(NEUTRAL, "mango", 0.91) },
    Scene("live-unknown") { other(NEUTRAL, "mango", 0.2) },
    Scene("live-attack-named") { other(SEVERAL, "screen", 0.93) },
    Scene("retake-named") { other(SEVERAL, "screen", 0.93).take(RECAPTURE) },
    Scene("detail-neutral") { other(NEUTRAL, "mango", 0.91).take(GENUINE).openNewest() },
    Scene("settings-neutral") { other(NEUTRAL, "mango", 0.91).also { it.presenter.onSettings() } },
    Scene("live-faces") { people(*TWO) },
    Scene("live-face") { people(TWO[0]) },
    Scene("live-no-face") { people() },
    Scene("shown-faces") { people(*TWO, Triple(480, "Ben", 0.3)).take(GENUINE) },
    Scene("shown-no-face") { people().take(GENUINE) },
    Scene("shown-labels") { other(SHELF, "bread", 0.91).take(GENUINE) },
    Scene("settings-faces") { people().also { it.presenter.onSettings() } },
    Scene("live-saved") { shot(0.04, GENUINE) },
    Scene("live-model-kept") {
        val activity = live(0.04)
        app.load = { throw ContractException("other.tflite: a model must have one input and one output, got 1 and 4; export the head alone") }
        activity.presenter.onModelPicked({ "other.tflite" }) { ByteArrayInputStream(ByteArray(3)) }
        activity
    },
    Scene("live-photo-refused") {
        live(0.04).also { activity -> activity.presenter.onGallery { throw IOException("its app gives no content") } }
    },
    Scene("taking") { live(0.04).also { it.presenter.onShutter() } },
    Scene("checking") { shot(0.04, GENUINE, isHeld = true) },
    Scene("retake") { shot(0.97, RECAPTURE) },
    Scene("history-empty") { live().also { it.presenter.onHistory() } },
    Scene("history") { history() },
    Scene("detail") { detail() },
    Scene("exporting") { history().also { app.jobs.isHeld = true; it.presenter.onExport() } },
    Scene("exported") { history().also { it.presenter.onExport() } },
    Scene("exported-part") { history().also { it.render(edgekit.capture.core.UiState.Exported(java.io.File("edgekit-captures-20261130T071355Z.zip"), 270, 130)) } },
    Scene("bench-ready") { bench() },
    Scene("bench-running") { bench().also { app.jobs.isHeld = true; it.presenter.onBenchStart(quick = true) } },
    Scene("bench-done") { bench().also { it.render(edgekit.capture.core.UiState.BenchDone(benchResult())) } },
    Scene("bench-failed") {
        bench().also { app.load = { throw ModelException("TFLite can't load the model: out of memory") }; it.presenter.onBenchStart(quick = true) }
    },
    Scene("bench-interrupted") { bench().also { app.jobs.isHeld = true; it.presenter.onBenchStart(quick = true); it.presenter.pause() } },
    Scene("settings") {
        live().also { it.presenter.onSettings(); it.presenter.onSettingsChanged(it.presenter.settings.copy(crops = 5, threads = 4)) }
    },
)
