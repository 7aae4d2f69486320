package edgekit.capture

import android.app.Application
import android.content.Context
import android.os.Build
import android.os.Handler
import android.os.Looper
import edgekit.capture.core.BenchPhoto
import edgekit.capture.core.BenchPhotos
import edgekit.capture.core.CaptureStore
import edgekit.capture.core.FolderUploader
import edgekit.capture.core.Identity
import edgekit.capture.core.Jobs
import edgekit.capture.core.KeyValues
import edgekit.capture.core.ModelFile
import edgekit.capture.core.ModelShelf
import edgekit.capture.core.Scorers
import edgekit.capture.core.UploadQueue
import edgekit.capture.core.hex8
import edgekit.capture.core.recover
import java.io.File
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import kotlin.random.Random

/** What lives as long as the process, whatever screens come and go. */
open class CaptureApp : Application() {
    /** Settings and what was asked of the person before. */
    val stored: KeyValues by lazy { Preferences(this) }

    /** Checks, stores, exports and measures, one after another. */
    open val jobs: Jobs by lazy { ThreadJobs("edgekit-jobs") }

    /** Uploads, which may be slow. */
    open val uploads: Jobs by lazy { ThreadJobs("edgekit-uploads") }

    /** Judges camera frames. */
    open val liveWorker: Executor by lazy { Executors.newSingleThreadExecutor { Thread(it, "edgekit-live") } }
    val store by lazy { CaptureStore(File(filesDir, "captures")) }
    val shelf by lazy { ModelShelf(File(filesDir, "model")) { ModelFile(MODEL, asset(MODEL)) } }
    val queue by lazy { UploadQueue(File(filesDir, "uploads"), store, FolderUploader(uploadFolder, identity.installation), nowMs = System::currentTimeMillis) }
    val pictures by lazy { Pictures() }

    /** What an ended process left half-written is deleted once, whatever screens come and go. */
    val recovered: Lazy<Unit> = lazy { recover(store, shelf, exports) }

    /** Loads models. */
    open val scorers: Scorers = EdgekitScorers()

    /** Where exports lie until they are shared or saved. */
    val exports: File get() = File(cacheDir, ExportProvider.FOLDER)

    /** Reached by a cable, without any permission. */
    val uploadFolder: File get() = File(getExternalFilesDir(null) ?: filesDir, "uploads")

    val identity: Identity by lazy {
        val installation = stored["installation"] ?: hex8(Random.Default).also { stored["installation"] = it }
        Identity("edgekit.capture ${versionName(this)}", deviceName(), installation)
    }

    /** The photos that came with the app, for the benchmark. */
    fun benchPhotos(): BenchPhotos {
        val rows = String(asset("bench/labels.csv")).lines().filter(String::isNotBlank).map { it.split(',') }
        val photos = rows.drop(1).map { cells ->
            val path = "photos/${cells[0]}"
            BenchPhoto(path, asset("bench/${cells[0]}"), listOf(path) + cells.drop(1))
        }
        return BenchPhotos(rows.first(), photos)
    }

    private fun asset(name: String): ByteArray = assets.open(name).use { it.readBytes() }

    private companion object {
        const val MODEL = "model.tflite"
    }
}

/** Maker and model as the system tells them, on one line; empty where it does not. */
internal fun systemsName(): String =
    "${Build.MANUFACTURER} ${Build.MODEL}".filterNot(Char::isISOControl).trim().take(200)

/** The device as files that go home name it, which must have a name. */
internal fun deviceName(): String = systemsName().ifEmpty { "unknown Android device" }

private fun versionName(context: Context): String =
    context.packageManager.getPackageInfo(context.packageName, 0).versionName ?: "unknown"

/** Preferences of the app. */
internal class Preferences(context: Context) : KeyValues {
    private val stored = context.getSharedPreferences("settings", Context.MODE_PRIVATE)

    override fun get(key: String): String? = stored.getString(key, null)

    override fun set(key: String, value: String?) = stored.edit().putString(key, value).apply()
}

/** A thread of its own, and the main one. */
internal class ThreadJobs(name: String) : Jobs {
    private val worker = Executors.newSingleThreadExecutor { Thread(it, name) }
    private val main = Handler(Looper.getMainLooper())

    override fun <T> run(work: () -> T, done: (Result<T>) -> Unit) = worker.execute {
        val result = attempt(work)
        main.post { done(result) }
    }

    override fun post(delayMs: Long, action: () -> Unit) {
        main.postDelayed(action, delayMs)
    }

    // What a photo takes may be more than a phone has, which is no reason to end.
    private fun <T> attempt(work: () -> T): Result<T> = try {
        Result.success(work())
    } catch (failure: Exception) {
        Result.failure(failure)
    } catch (full: OutOfMemoryError) {
        Result.failure(full)
    }
}
