package edgekit.capture.core

import edgekit.runtime.EdgekitException
import edgekit.runtime.Frame
import edgekit.runtime.RegionsVerdict
import edgekit.runtime.Smoothed
import edgekit.runtime.Smoother
import edgekit.runtime.Tracked
import edgekit.runtime.Tracker
import edgekit.runtime.Verdict
import java.util.concurrent.Executor

/** What is said of a frame. */
sealed interface LiveResult {
    /** A frame's verdict, and the steady answer after it. */
    data class Whole(val verdict: Verdict, val smoothed: Smoothed) : LiveResult

    /** The verdicts on a frame's regions, and the steady answer on each. */
    data class Regions(val verdict: RegionsVerdict, val tracked: List<Tracked>) : LiveResult
}

/**
 * Judges camera frames one at a time. A frame that comes meanwhile is let go at once, so the camera never waits and the
 * next frame judged is a new one.
 *
 * @param worker Runs inference; one thread is enough.
 * @param nowS Seconds of a clock that never goes back.
 * @param told Told the result or the failure of each frame, on the worker.
 */
class LiveLoop(
    private val worker: Executor,
    private val nowS: () -> Double,
    private val told: (Result<LiveResult>) -> Unit,
) {
    private class Use(private val scorer: Scorer, private val crops: Int?) {
        private val smoother = Smoother(scorer.contract)
        private val tracker = Tracker(scorer.contract)

        fun judge(frame: Frame, takenS: Double): LiveResult = if (scorer.contract.regions == null) {
            val verdict = scorer.classify(frame, crops)
            LiveResult.Whole(verdict, smoother.add(verdict, takenS))
        } else {
            val verdict = scorer.regions(frame, crops)
            LiveResult.Regions(verdict, tracker.add(verdict, takenS))
        }
    }

    private var use: Use? = null
    private var isBusy = false

    /** Judges the frames from now on with a model; what was smoothed is forgotten. */
    @Synchronized
    fun start(scorer: Scorer, crops: Int?) {
        use = Use(scorer, crops)
    }

    /** Lets all frames go. One that is being judged is not told of any more. */
    @Synchronized
    fun stop() {
        use = null
    }

    /**
     * Offers a frame.
     *
     * @param frame Makes it from the camera's buffers, only when it is to be judged.
     * @param release Gives the camera its buffers back; called exactly once.
     * @return Whether it is being judged.
     */
    fun offer(frame: () -> Frame, release: () -> Unit): Boolean {
        val now = synchronized(this) { use.takeUnless { isBusy }?.also { isBusy = true } }
        if (now == null) {
            release()
            return false
        }
        val takenS = nowS()
        worker.execute { judge(now, takenS, frame, release) }
        return true
    }

    private fun judge(now: Use, takenS: Double, frame: () -> Frame, release: () -> Unit) {
        val result = try {
            Result.success(now.judge(frame(), takenS))
        } catch (failure: EdgekitException) {
            Result.failure(failure)
        } catch (full: OutOfMemoryError) {
            // A frame's worth was missing, which is no reason to end.
            Result.failure(full)
        } finally {
            release()
        }
        val isWanted = synchronized(this) {
            isBusy = false
            use === now
        }
        if (isWanted) told(result)
    }
}
