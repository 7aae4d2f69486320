package edgekit.capture.core

import edgekit.runtime.Bundle
import edgekit.runtime.Contract
import edgekit.runtime.Box
import edgekit.runtime.CropScore
import edgekit.runtime.Frame
import edgekit.runtime.Layout
import edgekit.runtime.Milliseconds
import edgekit.runtime.DetectorKind
import edgekit.runtime.PhotoException
import edgekit.runtime.Region
import edgekit.runtime.RegionPlan
import edgekit.runtime.RegionVerdict
import edgekit.runtime.RegionsVerdict
import edgekit.runtime.SizeWh
import edgekit.runtime.Unknown
import edgekit.runtime.UnknownRule
import edgekit.runtime.Verdict
import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.nio.ByteBuffer
import java.util.ArrayDeque
import java.util.concurrent.Executor
import kotlin.random.Random

/** The repository, from wherever the tests run. */
val REPOSITORY: File = generateSequence(File("").absoluteFile) { it.parentFile }.first { File(it, "models/demo-int8.tflite").isFile }

/** The committed model and its contract. */
val DEMO_BYTES: ByteArray = File(REPOSITORY, "models/demo-int8.tflite").readBytes()
val DEMO: Contract = Bundle.read(DEMO_BYTES).contract

/** Photos of the conformance vectors: real files of real encoders. */
fun photo(name: String): ByteArray = File(REPOSITORY, "tests/conformance/data/$name").readBytes()

/** A verdict as a model would give it; [attack] is the probability of a recapture. */
fun verdict(attack: Double, contract: Contract = DEMO, crops: Int = 2, ms: Double = 10.0): Verdict {
    val probabilities = doubleArrayOf(1 - attack, attack)
    val answer = edgekit.runtime.decide(probabilities, contract)
    return Verdict(
        label = answer.label,
        score = answer.score,
        probabilities = contract.labels.zip(probabilities.toList()).toMap(),
        crops = List(crops) { CropScore(Box(8 * it, 0, 8 * it + 96, 96), probabilities.map(Double::toFloat)) },
        ms = Milliseconds(ms / 2, ms / 10, ms * 3 / 10, ms / 10),
        sizeWh = SizeWh(1280, 960),
    )
}

/** A contract that names what is on a photo: no label is that of genuine photos, and little probability is none. */
val NEUTRAL: Contract = DEMO.copy(
    name = "shelf goods",
    labels = listOf(
        "apple", "apricot", "banana", "cherry", "fig", "grape", "kiwi", "lemon", "mango", "melon", "orange", "pear",
    ),
    bonaFide = null,
    decision = DEMO.decision.copy(threshold = null, abstain = null, earlyStop = null, floor = 0.4),
)

/** A contract with several labels of an attack. */
val SEVERAL: Contract = DEMO.copy(labels = listOf("genuine", "print", "screen"), decision = DEMO.decision.copy(earlyStop = null))

/** A contract that names faces. */
val FACES: Contract = DEMO.copy(
    schema = 3,
    name = "who is it",
    labels = listOf("Anna", "Ben", "Chloé"),
    bonaFide = null,
    decision = DEMO.decision.copy(threshold = null, abstain = null, earlyStop = null, floor = 0.4),
    regions = RegionPlan(DetectorKind.BLAZEFACE_SHORT, "0".repeat(64)),
)

/** A contract of several labels a photo. */
val SHELF: Contract = DEMO.copy(
    schema = 3,
    labels = listOf("bread", "milk", "tea"),
    bonaFide = null,
    decision = DEMO.decision.copy(threshold = null, abstain = null, earlyStop = null),
    multiLabel = listOf(0.5, 0.5, 0.5),
)

/** A contract that tells what none of its labels is of, by an output of its own. */
val KNOWING: Contract = NEUTRAL.copy(
    schema = 3,
    labels = listOf("apple", "pear"),
    decision = NEUTRAL.decision.copy(floor = null),
    unknown = Unknown(UnknownRule.ENERGY, 0.5),
)

/** What it says of a photo: so much of the output is that of unknown. */
fun knowing(unknown: Double): Verdict {
    val answer = edgekit.runtime.decide(doubleArrayOf(0.75, 0.25), KNOWING, unknown)
    val scores = listOf(0.75 * (1 - unknown), 0.25 * (1 - unknown), unknown).map(Double::toFloat)
    return verdict(0.25).copy(
        label = answer.label,
        score = answer.score,
        probabilities = mapOf("apple" to 0.75, "pear" to 0.25),
        crops = List(2) { CropScore(Box(8 * it, 0, 8 * it + 96, 96), scores) },
        unknown = unknown,
    )
}

/** Faces of 200 px at a place, each with its label and that one's probability. */
fun faces(vararg found: Triple<Int, String, Double>): RegionsVerdict = RegionsVerdict(
    "face",
    SizeWh(1280, 960),
    found.map { (left, label, probability) ->
        RegionVerdict(Region(Box(left, 240, left + 200, 440), 0.9, 2 * left + 200, 680, 300), verdictFor(label, probability, FACES))
    },
    decodeMs = 30.0,
    detectMs = 6.0,
)

/** A verdict of a contract with any number of labels: that one has so much, the others share the rest. */
fun verdictFor(label: String, probability: Double, contract: Contract): Verdict {
    val rest = (1 - probability) / (contract.labels.size - 1)
    val probabilities = contract.labels.map { if (it == label) probability else rest }
    val answer = edgekit.runtime.decide(probabilities.toDoubleArray(), contract)
    return verdict(0.1).copy(
        label = answer.label,
        score = answer.score,
        probabilities = contract.labels.zip(probabilities).toMap(),
        crops = List(2) { CropScore(Box(8 * it, 0, 8 * it + 96, 96), probabilities.map(Double::toFloat)) },
    )
}

/** A frame of grey. */
fun frame(): Frame = Frame.of(ByteBuffer.allocate(64 * 64 * 3 / 2), SizeWh(64, 64), Layout.NV21)

/** Scores what it is told to: the presenter's tests are about what follows from a verdict, not about the verdict. */
class ScriptedScorer(
    override val contract: Contract = DEMO,
    override val threads: Int = 2,
    override val engine: Engine = Engine("scripted 1", "none"),
    var answer: () -> Verdict = { verdict(0.1) },
) : Scorer {
    override val model = ModelName("demo-int8.tflite", "0".repeat(64))
    val photos = ArrayList<ByteArray>()
    val crops = ArrayList<Int?>()
    var found: () -> RegionsVerdict = { faces() }
    var isClosed = false

    override fun classify(photo: ByteArray, crops: Int?): Verdict {
        check(!isClosed) { "a closed model must not be asked" }
        photos += photo
        this.crops += crops
        return answer()
    }

    override fun classify(frame: Frame, crops: Int?): Verdict {
        check(!isClosed) { "a closed model must not be asked" }
        this.crops += crops
        return answer()
    }

    override fun regions(photo: ByteArray, crops: Int?): RegionsVerdict {
        check(!isClosed) { "a closed model must not be asked" }
        photos += photo
        return found()
    }

    override fun regions(frame: Frame, crops: Int?): RegionsVerdict {
        check(!isClosed) { "a closed model must not be asked" }
        return found()
    }

    override fun close() {
        isClosed = true
    }
}

/** Does nothing until it is told to: what happens in between is what tests are about. */
class ManualJobs : Jobs, Executor {
    private val waiting = ArrayDeque<() -> Unit>()
    val timers = ArrayList<Pair<Long, () -> Unit>>()

    override fun <T> run(work: () -> T, done: (Result<T>) -> Unit) {
        waiting += {
            val result = runCatching(work)
            waiting += { done(result) }
        }
    }

    override fun post(delayMs: Long, action: () -> Unit) {
        if (delayMs > 0) timers += delayMs to action else waiting += action
    }

    override fun execute(command: Runnable) {
        waiting += command::run
    }

    fun one(): Boolean = waiting.poll()?.let { it(); true } ?: false

    fun all() {
        var steps = 0
        while (one()) check(++steps < 100_000) { "the jobs must come to an end" }
    }
}

class MapValues : KeyValues {
    private val values = HashMap<String, String>()

    override fun get(key: String): String? = values[key]

    override fun set(key: String, value: String?) {
        if (value == null) values.remove(key) else values[key] = value
    }
}

class RecordingCamera : CameraPort {
    val calls = ArrayList<String>()

    override fun open(front: Boolean, workingPx: Int?) {
        calls += "open ${if (front) "front" else "back"} $workingPx"
    }

    override fun close() {
        calls += "close"
    }

    override fun shoot() {
        calls += "shoot"
    }

    override fun setTorch(on: Boolean) {
        calls += "torch $on"
    }

    override fun focusAt(xPx: Float, yPx: Float) {
        calls += "focus $xPx $yPx"
    }
}

/** A disk with room for so many bytes; then it is as full as Linux says it. */
class SmallDisk(var freeBytes: Long) : Disk {
    override fun create(file: File): FileOutputStream = object : FileOutputStream(file) {
        override fun write(bytes: ByteArray, offset: Int, count: Int) {
            if (count > freeBytes) {
                super.write(bytes, offset, freeBytes.toInt())
                freeBytes = 0
                throw IOException("write failed: ENOSPC (No space left on device)")
            }
            freeBytes -= count
            super.write(bytes, offset, count)
        }
    }
}

/** A device whose clock goes as fast as tests want. */
class TestDevice : BenchDevice {
    override val cores = 8
    var ns = 0L

    override fun machine(): Map<String, Any?> = TEST_MACHINE.machine()

    override fun state(): Map<String, Any?> = TEST_MACHINE.state()

    override fun hottestC(): Double? = TEST_MACHINE.hottestC()

    override fun nowNs(): Long = ns

    override fun sleepMs(ms: Long) {
        ns += ms * 1_000_000
    }
}

val TEST_MACHINE = Machine(
    PhoneFacts("Google Pixel 7", "Google Tensor G2", "aarch64", "Android 14", "Linux 5.10.157", 8, 7500, false),
    { PhoneState(listOf("battery" to 31.5), emptyList(), 80.0, "discharging") },
    File("/nonexistent"),
)

val IDENTITY = Identity("edgekit.capture 0.1.0", "Google Pixel 7", "4e81c2d0")

/** 2026-11-30T07:13:55.123Z. */
const val NOON_MS = 1_796_022_835_123L

/** A capture in a store; [truth] is what the person said. */
fun CaptureStore.capture(
    attack: Double = 0.1,
    lens: String? = "back",
    truth: String? = null,
    nowMs: Long = NOON_MS,
    seed: Int = 0,
): StoredCapture {
    val id = newId(nowMs, Random(seed))
    val pending = begin(id, photo("444.jpg"), "jpg", lens)
    val whole = finish(pending, record(id, attack, nowMs))
    return if (truth == null) whole else setTruth(whole, truth)
}

fun record(id: String, attack: Double = 0.1, nowMs: Long = NOON_MS): CaptureRecord = CaptureRecord(
    id = id,
    photo = "$id.jpg",
    takenMs = nowMs,
    source = Source.SHUTTER,
    kept = Kept.AS_IS,
    verdict = verdict(attack),
    rotation = 90,
    model = ModelName("demo-int8.tflite", "0".repeat(64)),
    device = IDENTITY.device,
    app = IDENTITY.app,
    engine = "scripted 1, none",
    threads = 2,
    truth = null,
)

/** Whether nothing half-written lies anywhere under a folder. */
fun halves(folder: File): List<String> = folder.walk().filter { it.name.endsWith(UNFINISHED) }.map { it.path }.toList()

/** A failure that a photo can have. */
fun unreadable(): Nothing = throw PhotoException("the photo: not a whole JPEG picture; copy it again")

/** A PNG whose header says 20000 x 10000 pixels: more than a phone's memory holds, and known before it is decoded. */
fun hugePng(): ByteArray = photo("exif-3.png").also { png ->
    val header = java.nio.ByteBuffer.wrap(png)
    header.putInt(16, 20000).putInt(20, 10000)
    val sum = java.util.zip.CRC32().apply { update(png, 12, 17) }
    header.putInt(29, sum.value.toInt())
}
