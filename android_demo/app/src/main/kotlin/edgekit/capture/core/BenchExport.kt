package edgekit.capture.core

import edgekit.runtime.Json
import java.io.File

/** A sweep that came to its end: its points for the screen, and the zip for `edgekit bench MODEL --from`. */
data class BenchResult(val points: List<BenchPoint>, val engine: Engine, val export: File)

/** What a sweep needs. */
class BenchRun(
    val job: BenchJob,
    val photos: BenchPhotos,
    val models: BenchModels,
    val device: BenchDevice,
    val identity: Identity,
    val nowMs: () -> Long,
)

/**
 * Runs a sweep and writes its export, in whole or not at all.
 *
 * @param folder Takes the zip, named by the sweep's beginning.
 * @throws edgekit.runtime.EdgekitException the sweep failed.
 * @throws StorageFullException there is no room for the export.
 */
fun runBench(run: BenchRun, folder: File, disk: Disk = DEVICE_DISK, steps: Steps = Steps { _, _ -> }): BenchResult {
    val createdMs = run.nowMs()
    // Some hundred lines: nothing is written while the clock runs.
    val rows = ArrayList<String>()
    var engine: Engine? = null
    val watched = BenchModels { threads, delegate ->
        run.models.load(threads, delegate).also { if (engine == null) engine = it.engine }
    }
    val points = BenchSweep(run.job, run.photos, watched, run.device, { rows += it }, steps).run()
    val target = File(folder, "$BENCH_EXPORT${fileTime(createdMs)}.zip")
    target.parentFile?.mkdirs()
    writeWhole(target, disk) { out ->
        val zip = ZipWriter(out)
        zip.text("export.json", benchJson(run, createdMs))
        zip.text("job.json", run.job.toJson())
        zip.text("manifest.csv", run.photos.manifest())
        for (photo in run.photos.photos) zip.stored(photo.path) { photo.content.inputStream() }
        zip.text("rows.jsonl") { lines -> rows.forEach { lines.write((it + "\n").toByteArray()) } }
        zip.finish()
    }
    return BenchResult(points, checkNotNull(engine) { "a sweep has at least one setting" }, target)
}

/** How exports of sweeps are named. */
const val BENCH_EXPORT = "edgekit-bench-"

private fun benchJson(run: BenchRun, createdMs: Long): String = Json.write(
    mapOf(
        "schema" to 1,
        "kind" to "bench",
        "platform" to "android",
        "app" to run.identity.app,
        "device" to run.identity.device,
        "created" to rfc3339(createdMs),
        "quick" to (run.job.pace == BenchPace.QUICK),
        "job" to sha256(run.job.toJson().toByteArray()),
    ),
)

/** A time as files are named by it: `20261130T071355Z`. */
fun fileTime(timeMs: Long): String = rfc3339(timeMs).take(19).filter { it != '-' && it != ':' } + "Z"
