package edgekit.capture.core

import java.io.File
import java.util.concurrent.CancellationException
import java.util.concurrent.atomic.AtomicBoolean

/** The benchmark's screen. */
internal class BenchPresenter(private val parts: Parts, private val changed: () -> Unit) {
    private var running: AtomicBoolean? = null
    var state: UiState = UiState.BenchReady(0, 0)
        private set

    private val threads get() = BenchJob.usualThreads(parts.benchDevice.cores)

    fun open(scorer: Scorer?) {
        if (running != null) return
        state = UiState.BenchReady(0, 0)
        if (scorer == null) return
        parts.jobs.run(parts.benchPhotos) { result ->
            val photos = result.getOrThrow()
            val job = BenchJob.of(scorer.contract, scorer.model, photos, BenchPace.QUICK, threads = threads)
            if (running == null && state is UiState.BenchReady) state = UiState.BenchReady(photos.photos.size, job.settings.size)
            changed()
        }
    }

    fun start(scorer: Scorer, quick: Boolean, delegate: String) {
        if (running != null) return
        val isCancelled = AtomicBoolean()
        running = isCancelled
        state = UiState.BenchRunning(0, 1)
        changed()
        parts.jobs.run({ sweep(scorer, if (quick) BenchPace.QUICK else BenchPace.FULL, delegate, isCancelled) }) { result ->
            running = null
            // What ended it has said so already.
            if (state is UiState.BenchRunning) state = result.fold({ UiState.BenchDone(it) }, ::ended)
            changed()
        }
    }

    private fun ended(failure: Throwable): UiState =
        if (failure is CancellationException) UiState.BenchInterrupted else UiState.BenchFailed(reasonOf(failure))

    private fun sweep(scorer: Scorer, pace: BenchPace, delegate: String, isCancelled: AtomicBoolean): BenchResult {
        val photos = parts.benchPhotos()
        val file = parts.shelf.current()
        val job = BenchJob.of(scorer.contract, ModelName(file.name, sha256(file.content)), photos, pace, threads = threads, delegates = listOf(delegate))
        val models = BenchModels { threads, asked -> parts.scorers.load(file, threads, asked) }
        val run = BenchRun(job, photos, models, parts.benchDevice, parts.identity, parts.nowMs)
        // The one before has been shared or saved, or is of no use.
        parts.exports.listFiles().orEmpty().filter { it.name.startsWith(BENCH_EXPORT) }.forEach(File::delete)
        return runBench(run, parts.exports, parts.disk) { done, of ->
            if (isCancelled.get()) throw CancellationException()
            parts.jobs.post {
                if (running === isCancelled && state is UiState.BenchRunning) state = UiState.BenchRunning(done, of)
                changed()
            }
        }
    }

    /** The app leaves the front: latencies from behind it are none of the app's. */
    fun interrupt() {
        if (stop()) state = UiState.BenchInterrupted
    }

    /** Ends a sweep that runs; false where none does. */
    fun cancel(): Boolean {
        if (!stop()) return false
        state = UiState.BenchReady(0, 0)
        return true
    }

    private fun stop(): Boolean {
        val now = running ?: return false
        if (state !is UiState.BenchRunning) return false
        now.set(true)
        return true
    }
}
