package edgekit.capture.core

import edgekit.runtime.Json
import edgekit.runtime.Milliseconds
import edgekit.runtime.ModelException
import edgekit.runtime.Verdict
import java.io.Closeable
import java.math.BigDecimal
import kotlin.math.roundToLong
import kotlin.random.Random

/** What ran the model, as it turned out. */
data class Engine(val interpreter: String, val delegate: String) {
    fun toMap(): Map<String, Any?> = mapOf("interpreter" to interpreter, "delegate" to delegate)

    /** As records of captures have it. */
    override fun toString() = "$interpreter, $delegate"
}

/** A loaded model as the sweep times it: the very one that judges photos. */
interface BenchModel : Closeable {
    val engine: Engine

    /** From a file's bytes to the verdict; [crops] null asks for the contract's number and its early end. */
    fun classify(photo: ByteArray, crops: Int?): Verdict
}

/** Makes a loaded model. */
fun interface BenchModels {
    fun load(threads: Int, delegate: String): BenchModel
}

/** What a sweep asks of the device. Rows are plain values that JSON has. */
interface BenchDevice {
    /** How many cores this process may use. */
    val cores: Int

    /** The device, as `machine` of a hello row has it. */
    fun machine(): Map<String, Any?>

    /** How it is doing now, as `state` of a begin row has it. */
    fun state(): Map<String, Any?>

    /** The hottest sensor in °C; null where none is readable. */
    fun hottestC(): Double?

    /** Nanoseconds of a clock that never goes back. */
    fun nowNs(): Long

    /** Waits. */
    fun sleepMs(ms: Long)
}

/** A setting's median and 95th percentile in milliseconds and the mean number of crops, for the app's own screen. */
data class BenchPoint(val setting: BenchSetting, val latency: Percentiles, val crops: Double)

/**
 * Measures a model as `edgekit bench` does on devices: scores, then repeats in which all settings take turns in an order
 * drawn anew each time, on the same photos, so that drift hits all alike.
 *
 * @param row Told each row of the result, the header first.
 * @param steps Told of progress; a sweep ends when it throws.
 */
class BenchSweep(
    private val job: BenchJob,
    private val photos: BenchPhotos,
    private val models: BenchModels,
    private val device: BenchDevice,
    private val row: (String) -> Unit,
    private val steps: Steps = Steps { _, _ -> },
) {
    private val spentNs = job.settings.map { ArrayList<List<Long>>() }
    private val used = job.settings.map { ArrayList<Int>() }
    private var rows = 0
    private var done = 0

    /**
     * Runs to the end.
     *
     * @return One point for each setting, in the job's order.
     * @throws edgekit.runtime.EdgekitException a photo can't be read, the model fails, or a delegate that was asked for
     *   does not run it.
     */
    fun run(): List<BenchPoint> {
        row(Json.write(mapOf("type" to "header", "job" to sha256(job.toJson().toByteArray()))))
        val engines = job.engines.map { delegate -> models.load(1, delegate).use { granted(delegate, it.engine) } }
        tell(
            "type" to "hello",
            "format" to BenchJob.FORMAT,
            "machine" to device.machine(),
            "cores" to null,
            "engines" to engines.map(Engine::toMap),
        )
        score()
        for (repeat in 0 until job.pace.repeats) {
            coolDown()
            tell("type" to "begin", "repeat" to repeat, "state" to device.state())
            Loaded(models).use { repeat(repeat, it) }
            tell("type" to "finish", "repeat" to repeat, "state" to device.state())
        }
        row(Json.write(mapOf("type" to "end", "rows" to rows)))
        return job.settings.mapIndexed(::point)
    }

    private fun score() = job.engines.forEachIndexed { number, delegate ->
        models.load(job.settings.maxOf { it.threads }, delegate).use { model ->
            photos.photos.forEachIndexed { index, photo ->
                val verdict = model.classify(photo.content, job.crops)
                tell(
                    "type" to "scores",
                    "engine" to number,
                    "photo" to index,
                    "ms" to maxOf(0.001, (verdict.ms.total * 1000).roundToLong() / 1000.0),
                    "scores" to verdict.crops.map { crop -> crop.probabilities.map(::shortest) },
                )
                step()
            }
        }
    }

    private fun repeat(repeat: Int, loaded: Loaded) {
        val random = Random(job.seed * 1_000_003 + repeat)
        val left = job.settings.indices.toMutableList()
        val spentS = DoubleArray(job.settings.size)
        val beganNs = device.nowNs()
        var block = 0
        while (left.isNotEmpty()) {
            for (number in left.shuffled(random)) {
                val model = loaded.of(job.settings[number])
                if (block == 0) warmUp(repeat, number, model)
                spentS[number] += time(repeat, number, block, model, beganNs)
            }
            block++
            val enough = block * BLOCK_RUNS >= job.pace.minRuns
            left.removeAll { enough && spentS[it] >= job.pace.minS }
        }
    }

    private fun warmUp(repeat: Int, number: Int, model: BenchModel) {
        val setting = job.settings[number]
        val beganNs = device.nowNs()
        var runs = 0
        var firstNs = 0L
        while (runs < maxOf(1, job.pace.warmupRuns) || device.nowNs() - beganNs < job.pace.warmupS * 1e9) {
            val verdict = model.classify(photoOf(runs), setting.asked)
            if (runs == 0) firstNs = nanoseconds(verdict.ms.total).coerceAtLeast(1)
            runs++
        }
        tell("type" to "warm", "repeat" to repeat, "setting" to number, "runs" to runs, "first_ns" to firstNs)
        step()
    }

    /** Times one block and returns the seconds that its runs took. */
    private fun time(repeat: Int, number: Int, block: Int, model: BenchModel, beganNs: Long): Double {
        val asked = job.settings[number].asked
        val atNs = device.nowNs() - beganNs
        // What another setting left in the caches is not this one's to pay for in every block.
        model.classify(photoOf(block * BLOCK_RUNS - 1), asked)
        val verdicts = (0 until BLOCK_RUNS).map { model.classify(photoOf(block * BLOCK_RUNS + it), asked) }
        val ns = verdicts.map { stages(it.ms) }
        val crops = verdicts.map { it.crops.size }
        tell(
            "type" to "runs",
            "repeat" to repeat,
            "setting" to number,
            "block" to block,
            "at_ns" to atNs,
            "crops" to crops,
            "ns" to ns,
        )
        spentNs[number] += ns
        used[number] += crops
        step(0)
        return ns.sumOf { it.sum() } / 1e9
    }

    private fun coolDown() {
        val untilNs = device.nowNs() + (job.pace.coolDownS * 1e9).toLong()
        while (true) {
            val leftS = (untilNs - device.nowNs()) / 1e9
            if (leftS <= 0) return
            tell("type" to "pause", "left_s" to leftS, "hottest_c" to device.hottestC())
            step(0)
            device.sleepMs(minOf(leftS * 1000, PAUSE_MS).roundToLong().coerceAtLeast(1))
        }
    }

    private fun photoOf(run: Int): ByteArray =
        photos.photos[job.timed[Math.floorMod(run, job.timed.size)]].content

    private fun point(number: Int, setting: BenchSetting): BenchPoint {
        val ms = spentNs[number].map { it.sum() / 1e6 }
        return BenchPoint(setting, Percentiles(percentile(ms, 50.0), percentile(ms, 95.0)), used[number].average())
    }

    private fun tell(vararg values: Pair<String, Any?>) {
        row(Json.write(linkedMapOf(*values)))
        rows++
    }

    private fun step(by: Int = 1) {
        done += by
        steps.done(done, job.engines.size * photos.photos.size + job.pace.repeats * job.settings.size)
    }

    companion object {
        /** Timed runs of one setting in one go, before the next one's turn. */
        const val BLOCK_RUNS = 10
        private const val PAUSE_MS = 5000.0
    }
}

/** The models of one repeat, loaded when first needed: settings that differ in crops alone share one. */
private class Loaded(private val models: BenchModels) : Closeable {
    private val loaded = HashMap<Pair<Int, String>, BenchModel>()

    fun of(setting: BenchSetting): BenchModel =
        loaded.getOrPut(setting.threads to setting.delegate) { models.load(setting.threads, setting.delegate) }

    override fun close() = loaded.values.forEach(BenchModel::close)
}

/** The engine, where it is what was asked for: times of something else would be told as those of it. */
private fun granted(asked: String, engine: Engine): Engine {
    val wanted = when (asked) {
        "default" -> return engine
        "xnnpack" -> "XNNPACK"
        else -> asked
    }
    if (engine.delegate != wanted) {
        throw ModelException("the delegate $asked was asked for, the model ran with: ${engine.delegate}; choose default")
    }
    return engine
}

private fun stages(ms: Milliseconds): List<Long> = listOf(ms.decode, ms.crop, ms.invoke, ms.vote).map(::nanoseconds)

private fun nanoseconds(ms: Double): Long = (ms * 1e6).roundToLong()

/** The shortest digits that give the same float32. */
internal fun shortest(probability: Float): Double = BigDecimal(probability.toString()).toDouble()
