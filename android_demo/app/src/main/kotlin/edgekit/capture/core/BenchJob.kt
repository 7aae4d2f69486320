package edgekit.capture.core

import edgekit.runtime.Contract
import edgekit.runtime.ContractException
import edgekit.runtime.Json
import java.security.MessageDigest
import java.util.Locale

/** One way to run a model: crops of a verdict (at most, where it stops early), crops at the same time, and delegate. */
data class BenchSetting(val crops: Int, val threads: Int, val stopsEarly: Boolean, val delegate: String) {
    /** What the classifier is asked for: an exact number, or the contract's own with its early end. */
    val asked: Int? get() = if (stopsEarly) null else crops

    fun toMap(): Map<String, Any?> =
        mapOf("crops" to crops, "threads" to threads, "stops_early" to stopsEarly, "delegate" to delegate)
}

/** How long each setting is timed; names and meaning as `edgekit bench` has them. */
data class BenchPace(
    val warmupRuns: Int,
    val warmupS: Double,
    val minRuns: Int,
    val minS: Double,
    val repeats: Int,
    val coolDownS: Double = 0.0,
) {
    fun toMap(): Map<String, Any?> = mapOf(
        "warmup_runs" to warmupRuns,
        "warmup_s" to warmupS,
        "min_runs" to minRuns,
        "min_s" to minS,
        "repeats" to repeats,
        "cool_down_s" to coolDownS,
    )

    companion object {
        /** What a comparison needs. */
        val FULL = BenchPace(warmupRuns = 5, warmupS = 0.5, minRuns = 50, minS = 1.0, repeats = 3)

        /** To see that all runs and about what to expect. */
        val QUICK = BenchPace(warmupRuns = 2, warmupS = 0.1, minRuns = 20, minS = 0.2, repeats = 1)
    }
}

/** A photo that the sweep runs on: its file's bytes and its row of the manifest, in the order of [BenchPhotos.columns]. */
class BenchPhoto(val path: String, val content: ByteArray, val cells: List<String>)

/** The bundled photos. */
class BenchPhotos(val columns: List<String>, val photos: List<BenchPhoto>) {
    /** What is on them. */
    val labels: Set<String> get() = columns.indexOf("label").let { at -> photos.map { it.cells[at] }.toSortedSet() }

    /** The manifest as a CSV file. */
    fun manifest(): String = (listOf(columns) + photos.map { it.cells })
        .joinToString("") { row -> row.joinToString(",", postfix = "\n", transform = ::csvCell) }
}

/** Everything that a sweep measures of one model. */
data class BenchJob(
    val model: ModelName,
    val photos: List<Pair<String, String>>,
    val crops: Int,
    val timed: List<Int>,
    val settings: List<BenchSetting>,
    val pace: BenchPace,
    val seed: Long,
) {
    /** The delegates of the settings in the order of their first use. */
    val engines: List<String> get() = settings.map { it.delegate }.distinct()

    /** The job as a file; its SHA-256 names the measurement. */
    fun toJson(): String = Json.write(
        mapOf(
            "format" to FORMAT,
            "model" to model.toMap(),
            "photos" to photos.map { (path, sha256) -> mapOf("path" to path, "sha256" to sha256) },
            "crops" to crops,
            "timed" to timed,
            "settings" to settings.map(BenchSetting::toMap),
            "pace" to pace.toMap(),
            "seed" to seed,
        ),
    )

    companion object {
        const val FORMAT = 2
        val USUAL_CROPS = listOf(1, 3, 5, 10)
        private const val MOST_USUAL_THREADS = 4
        private const val MOST_SHOWN = 12

        /** One thread, two, and as many as the phone has cores, up to four. */
        fun usualThreads(cores: Int): List<Int> = listOf(1, 2, cores.coerceIn(1, MOST_USUAL_THREADS)).distinct().sorted()

        /**
         * The job of a sweep over crops and threads and, where the contract can stop early, over that for all threads. The
         * GPU scores one crop at a time, whatever the threads.
         *
         * @throws ContractException the photos have labels that the model lacks, or the model gives more than one answer on a
         *   whole photo: edgekit would refuse such a sweep.
         */
        fun of(
            contract: Contract,
            model: ModelName,
            photos: BenchPhotos,
            pace: BenchPace,
            crops: List<Int> = USUAL_CROPS,
            threads: List<Int>,
            delegates: List<String> = listOf("default"),
        ): BenchJob {
            if (!contract.isRecorded) {
                throw ContractException(
                    "a sweep must be of a model that gives one answer on a whole photo, this one has regions or several " +
                        "labels; measure it with edgekit bench on a computer",
                )
            }
            if (!contract.labels.containsAll(photos.labels)) {
                throw ContractException(
                    "a sweep's photos must have labels that the model knows, or edgekit can't read it: the app's photos have " +
                        "${photos.labels}, the model knows ${contract.labels.take(MOST_SHOWN)}; measure a model that knows these, " +
                        "or build the app with photos of your own",
                )
            }
            val stops = contract.decision.earlyStop != null
            val counts = crops.distinct().map { it to false } + if (stops) listOf(contract.plan.crops to true) else listOf()
            return BenchJob(
                model = model,
                photos = photos.photos.map { it.path to sha256(it.content) },
                crops = maxOf(crops.max(), contract.plan.crops),
                timed = photos.photos.indices.toList(),
                settings = delegates.distinct().flatMap { delegate ->
                    (if (delegate == "gpu") listOf(1) else threads.distinct()).flatMap { count -> counts.map { (k, early) -> BenchSetting(k, count, early, delegate) } }
                },
                pace = pace,
                seed = 0,
            )
        }
    }
}

/** Hex SHA-256 of bytes. */
fun sha256(content: ByteArray): String =
    MessageDigest.getInstance("SHA-256").digest(content).joinToString("") { "%02x".format(Locale.ROOT, it) }
