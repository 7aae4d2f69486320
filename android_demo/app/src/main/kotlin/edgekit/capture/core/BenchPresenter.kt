package edgekit.capture.core

import edgekit.runtime.ContractException
import java.io.File
import java.util.concurrent.CancellationException
import java.util.concurrent.atomic.AtomicBoolean

/** The benchmark's screen. */
internal class BenchPresenter(private val parts: Parts, private val changed: () -> Unit) {
    // True from the moment that it is to end; the work in flight ends a while later.
    private var running: AtomicBoolean? = null
    private var counted: Pair<Scorer, UiState.BenchReady>? = null
    var state: UiState = NOT_COUNTED
        private set

    private val threads get() = BenchJob.usualThreads(parts.benchDevice.cores)
    private val isRunning get() = running?.get() == false

    fun open(scorer: Scorer?) {
        if (isRunning) return
        state = counted?.takeIf { it.first === scorer }?.second ?: NOT_COUNTED
        if (scorer == null) return
        parts.jobs.run({ jobOf(scorer, parts.benchPhotos(), BenchPace.QUICK, "default").settings.size }) { result ->
            if (!isRunning && state is UiState.BenchReady) {
                state = result.fold({ UiState.BenchReady(it) }, ::ended)
                counted = (state as? UiState.BenchReady)?.let { scorer to it }
            }
            changed()
        }
    }

    fun start(scorer: Scorer, quick: Boolean, delegate: String) {
        if (isRunning) return
        val isCancelled = AtomicBoolean()
        running = isCancelled
        state = UiState.BenchRunning(0, 1)
        changed()
        parts.jobs.run({ sweep(scorer, if (quick) BenchPace.QUICK else BenchPace.FULL, delegate, isCancelled) }) { result ->
            // What ended it has said so already, and another may have begun.
            if (running === isCancelled) {
                running = null
                if (state is UiState.BenchRunning) state = result.fold({ UiState.BenchDone(it) }, ::ended)
            }
            changed()
        }
    }

    private fun ended(failure: Throwable): UiState =
        if (failure is CancellationException) UiState.BenchInterrupted else UiState.BenchFailed(reasonOf(failure, "a smaller model"))

    private fun jobOf(scorer: Scorer, photos: BenchPhotos, pace: BenchPace, delegate: String) =
        BenchJob.of(scorer.contract, scorer.model, photos, pace, threads = threads, delegates = listOf(delegate))

    private fun sweep(scorer: Scorer, pace: BenchPace, delegate: String, isCancelled: AtomicBoolean): BenchResult {
        if (isCancelled.get()) throw CancellationException()
        val photos = parts.benchPhotos()
        val job = jobOf(scorer, photos, pace, delegate)
        val file = parts.shelf.current()
        val models = BenchModels { threads, asked -> held(parts.scorers.load(file, threads, asked), scorer) }
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

    /** The model that was loaded anew, which must be the one in use: its name and hash stand in the export. */
    private fun held(loaded: Scorer, inUse: Scorer): Scorer {
        if (loaded.model != inUse.model) {
            loaded.close()
            throw ContractException("a sweep must be of the model in use, got ${loaded.model.name}; choose the model again")
        }
        return loaded
    }

    /** The app leaves the front: latencies from behind it are none of the app's. */
    fun interrupt() {
        if (stop()) state = UiState.BenchInterrupted
    }

    /** Ends a sweep that runs; false where none does. */
    fun cancel(): Boolean {
        if (!stop()) return false
        state = counted?.second ?: NOT_COUNTED
        return true
    }

    private fun stop(): Boolean {
        val now = running ?: return false
        if (state !is UiState.BenchRunning) return false
        now.set(true)
        return true
    }

    private companion object {
        val NOT_COUNTED = UiState.BenchReady(0)
    }
}
