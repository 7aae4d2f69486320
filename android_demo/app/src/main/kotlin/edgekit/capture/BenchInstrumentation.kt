package edgekit.capture

import android.app.Activity
import android.app.Instrumentation
import android.content.Intent
import android.os.Build
import android.os.Bundle
import android.view.WindowManager
import android.widget.TextView
import edgekit.capture.core.BenchJob
import edgekit.capture.core.BenchModels
import edgekit.capture.core.BenchPace
import edgekit.capture.core.BenchResult
import edgekit.capture.core.BenchRun
import edgekit.capture.core.runBench
import edgekit.runtime.EdgekitException
import java.io.File
import java.io.IOException
import java.util.Locale

/**
 * The benchmark's sweep without a finger, for device farms and scripts:
 *
 * `adb shell am instrument -w -e pace full edgekit.capture/edgekit.capture.BenchInstrumentation`
 *
 * Arguments: `pace` full or quick; `crops`, `threads`, `delegates` as lists with commas, such as `1,3,5,10`. The export
 * lies in the app's folder on the shared storage, `Android/data/edgekit.capture/files/exports`. It reports itself as one
 * test, which is what farms count, and prints the table for those that keep no files.
 */
class BenchInstrumentation : Instrumentation() {
    private var arguments = Bundle()

    override fun onCreate(arguments: Bundle?) {
        super.onCreate(arguments)
        this.arguments = arguments ?: Bundle()
        start()
    }

    override fun onStart() {
        super.onStart()
        sendStatus(BEGAN, status("\n$CLASS:"))
        val told = try {
            // In front, as the app is when people use it: what is behind gets the slow cores.
            startActivitySync(Intent(targetContext, BenchActivity::class.java).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK))
            val result = sweep()
            sendStatus(PASSED, status("."))
            "\n${table(result)}\nexport: ${result.export.path}\n\nOK (1 test)\n"
        } catch (failure: EdgekitException) {
            failed(failure)
        } catch (failure: IOException) {
            failed(failure)
        } catch (failure: IllegalArgumentException) {
            failed(failure)
        } catch (full: OutOfMemoryError) {
            failed(full)
        }
        finish(Activity.RESULT_OK, Bundle().apply { putString(REPORT_KEY_STREAMRESULT, told) })
    }

    /** Runs the sweep that the arguments ask for. */
    internal fun sweep(): BenchResult {
        val app = targetContext.applicationContext as CaptureApp
        val photos = app.benchPhotos()
        val file = app.shelf.current()
        val delegates = list("delegates")?.split(',') ?: listOf("default")
        val (contract, model) = app.scorers.load(file, 1, delegates.first()).use { it.contract to it.model }
        val job = BenchJob.of(
            contract = contract,
            model = model,
            photos = photos,
            pace = paceOf(arguments.getString("pace") ?: "full"),
            crops = numbers("crops", 1..1000) ?: BenchJob.USUAL_CROPS,
            threads = numbers("threads", 1..256) ?: BenchJob.usualThreads(Runtime.getRuntime().availableProcessors()),
            delegates = delegates,
        )
        val models = BenchModels { threads, delegate -> app.scorers.load(file, threads, delegate) }
        val run = BenchRun(job, photos, models, Phone(app), app.identity, System::currentTimeMillis)
        return runBench(run, File(app.getExternalFilesDir(null) ?: app.filesDir, "exports"))
    }

    /** A line for each setting: crops at most, threads, median and 95th percentile in milliseconds. */
    internal fun table(result: BenchResult): String = result.points.joinToString("\n") { point ->
        val (setting, latency) = point.setting to point.latency
        val early = if (setting.stopsEarly) " at most" else ""
        val ms = String.format(Locale.ROOT, "p50 %.1f ms, p95 %.1f ms", latency.p50Ms, latency.p95Ms)
        "${setting.crops} crops$early, ${setting.threads} threads, ${setting.delegate}: $ms"
    }

    private fun paceOf(name: String): BenchPace = when (name) {
        "full" -> BenchPace.FULL
        "quick" -> BenchPace.QUICK
        else -> throw IllegalArgumentException("pace must be full or quick, got $name")
    }

    private fun list(key: String): String? = arguments.getString(key)

    private fun numbers(key: String, range: IntRange): List<Int>? = list(key)?.split(',')?.map { text ->
        text.trim().toIntOrNull()?.takeIf { it in range }
            ?: throw IllegalArgumentException("$key must be numbers from ${range.first} to ${range.last} with commas, got $text")
    }

    private fun failed(failure: Throwable): String {
        val words = "${failure.javaClass.name}: ${failure.message}"
        sendStatus(FAILED, status("F").apply { putString("stack", words) })
        return "\nFAILURES!!!\nTests run: 1,  Failures: 1\n\n$words\n"
    }

    private fun status(stream: String) = Bundle().apply {
        putString("id", "AndroidJUnitRunner")
        putString("class", CLASS)
        putString("test", "sweep")
        putInt("numtests", 1)
        putInt("current", 1)
        putString(REPORT_KEY_STREAMRESULT, stream)
    }

    private companion object {
        val CLASS: String = BenchInstrumentation::class.java.name
        const val BEGAN = 1
        const val PASSED = 0
        const val FAILED = -2
    }
}

/** In front while the unattended sweep runs, with the screen on. */
class BenchActivity : Activity() {
    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O_MR1) {
            setShowWhenLocked(true)
            setTurnScreenOn(true)
        }
        setContentView(TextView(this).apply { setText(R.string.bench_running) })
    }
}
