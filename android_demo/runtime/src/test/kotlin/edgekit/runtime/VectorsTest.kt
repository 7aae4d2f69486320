package edgekit.runtime

import edgekit.runtime.regions.AnchorGrid
import edgekit.runtime.regions.BOX
import edgekit.runtime.regions.Letterbox
import edgekit.runtime.regions.ROW
import edgekit.runtime.regions.decodeRows
import edgekit.runtime.regions.regionOf
import edgekit.runtime.regions.regionPhoto
import edgekit.runtime.regions.suppress
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer
import kotlin.math.abs
import kotlin.math.ln

/** What this runtime makes of every vector that needs no file decoder. */
class VectorsTest {
    @TestFactory
    fun boxes() = Vectors.tests("boxes") { vector ->
        val offset = if (vector.has("offset")) vector.list("offset").let { Offset(it[0] as Long, it[1] as Long) } else Offset.MIDDLE
        val found = cropBoxes(vector.plan(), vector.size("size_wh"), vector.int("side_px"), vector.intOrNull("count"), offset)
        assertEquals(vector.boxes(), found, vector.why)
    }

    @TestFactory
    fun tensors() = Vectors.tests("tensors", { !it.vector("source").has("photo") }) { vector ->
        val plan = vector.plan()
        val side = vector.int("side_px")
        val photo = Photo.of(pixels(vector.vector("source")), plan.workingPx)
        val boxes = cropBoxes(plan, photo.size, side)
        assertEquals(vector.boxes(), boxes, vector.why)
        val found = boxes.map { toTensor(photo, it, side) }.reduce(ByteArray::plus)
        assertArrayEquals(Vectors.data(vector.string("tensors")), found, vector.why)
    }

    @TestFactory
    fun frames() = Vectors.tests("frames") { vector ->
        val frame = frame(vector.vector("frame"))
        assertEquals(vector.size("size_wh"), frame.size, vector.why)
        val found = vector.boxes().map { frame.cut(it).rgb }.reduce(ByteArray::plus)
        assertArrayEquals(Vectors.data(vector.string("pixels")), found, vector.why)
    }

    @TestFactory
    fun votes() = Vectors.tests("votes") { vector ->
        val contract = Contract.fromJson(Json.write(vector.fields["contract"]))
        val scores = vector.list("scores").map { row -> (row as List<*>).map { numberOf(it).toFloat() }.toFloatArray() }
        if (!vector.has("verdict")) {
            assertThrows(ModelException::class.java, { voteAll(scores, contract) }, vector.why)
            return@tests
        }
        val used = (1 until scores.size).firstOrNull { mayStop(scores.take(it), contract) } ?: scores.size
        val (voted, unknown) = voteAll(scores.take(used), contract)
        val (label, score) = decide(voted, contract, unknown)
        val expected = vector.vector("verdict")
        assertEquals(expected.string("label") to expected.int("crops"), label to used, vector.why)
        val numbers = expected.doubles("probabilities") + expected.double("score") + expected.unknown()
        val values = voted.asList() + score + listOfNotNull(unknown)
        assertArrayEquals(numbers.toDoubleArray(), values.toDoubleArray(), vector.tolerance("probability"), vector.why)
    }

    @TestFactory
    fun scores() = Vectors.tests("scores") { vector ->
        JvmModel.assumeHere()
        model(vector.string("model")).use { model ->
            val inputs = Vectors.data(vector.string("inputs"))
            val expected = Vectors.floats(vector.string("scores")).map { it.toDouble() }.chunked(model.classes)
            val length = model.sidePx * model.sidePx * CHANNELS
            assertEquals(inputs.size * model.heads, expected.size * length, vector.why)
            // A row of each head for every input.
            val found = expected.indices.map {
                val at = it / model.heads * length
                model.score(inputs.copyOfRange(at, at + length), 0, it % model.heads).map { one -> one.toDouble() }
            }
            val steps = found.indices.maxOf { stepsBetween(found[it], expected[it], vector.vector("step")) }
            assertTrue(steps <= vector.tolerance("steps"), "${vector.why}: differs by $steps steps")
        }
    }

    @TestFactory
    fun forged() = Vectors.tests("forged") { vector ->
        val content = Vectors.data(vector.string("model"))
        assertThrows(ContractException::class.java, { Bundle.read(content, vector.name) }, vector.why)
    }

    @TestFactory
    fun contracts() = Vectors.tests("contracts") { vector ->
        val expected = vector.fields["contract"]
        if (expected == null) {
            assertThrows(ContractException::class.java, { Contract.fromJson(vector.string("json")) }, vector.why)
        } else {
            assertEquals(expected, valuesOf(Contract.fromJson(vector.string("json"))), vector.why)
        }
    }

    @TestFactory
    fun bundles() = Vectors.tests("bundles") { vector ->
        val content = Vectors.edited(vector)
        if (!vector.has("bundle")) {
            assertThrows(ContractException::class.java, { Bundle.read(content, vector.name) }, vector.why)
        } else {
            val bundle = Bundle.read(content, vector.name)
            val found = mapOf(
                "file_sha256" to bundle.fileSha256,
                "flatbuffer_bytes" to bundle.flatbuffer.limit().toLong(),
                "contract" to valuesOf(bundle.contract),
            )
            assertEquals(vector.fields["bundle"], found, vector.why)
        }
    }

    @TestFactory
    fun regions() = Vectors.tests("regions") { vector ->
        val plan = RegionPlan.from(JsonRecord(vector.fields["plan"], "plan", RegionPlan.REQUIRED, RegionPlan.OPTIONAL))
        val grid = AnchorGrid.of(plan.detector)
        val (rows, logits) = FloatArray(grid.count * ROW) to FloatArray(grid.count) { -100f }
        for ((anchor, logit, row) in vector.list("rows").map { it as List<*> }) {
            val at = (anchor as Long).toInt()
            logits[at] = (logit as Number).toFloat()
            (row as List<*>).forEachIndexed { number, value -> rows[ROW * at + number] = (value as Number).toFloat() }
        }
        val found = suppress(decodeRows(rows, logits, grid, plan.leastScore), plan.iou, plan.most)
        val parts = found.flatMap { it.places.take(BOX) } + found.flatMap { it.places.drop(BOX) } + found.map { it.score }
        val told = listOf("boxes", "points", "scores").flatMap { flat(vector.fields[it]) }
        assertArrayEquals(told.toDoubleArray(), parts.toDoubleArray(), vector.tolerance("parts"), vector.why)
        val size = vector.size("size_wh")
        val frame = Letterbox.of(size, grid.sidePx)
        val squares = found.mapNotNull { regionOf(frame.toPhoto(it.places), it.score, size, plan) }
        val expected = vector.list("regions").map { (it as Map<*, *>) - "score" }
        assertEquals(expected, squares.map { Json.parse(Json.write(it.toMap() - "score")) }, vector.why)
        if (vector.has("pixels")) checkSquare(vector, squares[0], grid)
    }

    private fun checkSquare(vector: Vector, region: Region, grid: AnchorGrid) {
        val (size, times) = vector.size("size_wh") to vector.int("times")
        val small = Vectors.data(vector.string("array"))
        val wide = size.widthPx / times
        val rgb = ByteArray(size.widthPx * size.heightPx * CHANNELS) { at ->
            val (pixel, channel) = at / CHANNELS to at % CHANNELS
            val (x, y) = pixel % size.widthPx / times to pixel / size.widthPx / times
            small[(y * wide + x) * CHANNELS + channel]
        }
        val photo = Photo.of(Picture(size.widthPx, size.heightPx, rgb), null)
        val square = regionPhoto(photo, region, vector.intOrNull("working_px"))
        assertEquals(vector.int("shrink"), square.shrink, vector.why)
        assertArrayEquals(Vectors.data(vector.string("pixels")), (square.pixels as Picture).rgb, vector.why)
        val input = Letterbox.of(size, grid.sidePx).pixels(photo)
        assertEquals(vector.string("letterbox_sha256"), hexOf(java.security.MessageDigest.getInstance("SHA-256").digest(input)), vector.why)
    }

    @TestFactory
    fun smoothing() = Vectors.tests("smoothing") { vector ->
        val contract = Contract.fromJson(Json.write(vector.fields["contract"]))
        val tauS = numberOf(vector.fields["tau_s"])
        if (vector.fields["refused"] == true) {
            assertThrows(VideoException::class.java, { Smoother(contract, tauS) }, vector.why)
        } else {
            val smoother = Smoother(contract, tauS)
            for (frame in vector.vectors("frames")) checkFrame(smoother, frame, vector)
        }
    }

    private fun checkFrame(smoother: Smoother, frame: Vector, vector: Vector) {
        val given = frame.fields["probabilities"]
        val timeS = numberOf(frame.fields["time_s"])
        fun add() = if (given is Map<*, *>) {
            smoother.add(given.entries.associate { (label, value) -> label as String to numberOf(value) }, timeS)
        } else {
            smoother.add(frame.list("probabilities").map { numberOf(it) }.toDoubleArray(), timeS, frame.unknown().firstOrNull())
        }
        if (!frame.has("smoothed")) {
            assertThrows(VideoException::class.java, { add() }, vector.why)
            return
        }
        val expected = frame.vector("smoothed")
        val found = add()
        assertEquals(expected.string("label"), found.label, vector.why)
        assertEquals(smoother.contract.labels, found.probabilities.keys.toList(), vector.why)
        val numbers = (expected.doubles("probabilities") + expected.double("score") + expected.unknown()).toDoubleArray()
        val values = (found.probabilities.values + found.score + listOfNotNull(found.unknown)).toDoubleArray()
        assertArrayEquals(numbers, values, vector.tolerance("probability"), vector.why)
    }

    @TestFactory
    fun exif() = Vectors.tests("exif") { vector ->
        val content = Vectors.data(vector.string("photo"))
        assertEquals(vector.int("orientation"), Exif.orientation(content), vector.why)
    }

    @TestFactory
    fun refusals() = Vectors.tests("refusals") { vector ->
        val content = Vectors.data(vector.string("photo"))
        val refusal = assertThrows(PhotoException::class.java, { Headers.check(content, null, vector.name) }, vector.why)
        val what = vector.fields["what"] as String?
        assertTrue(what == null || what in refusal.message!!, "${vector.why}: ${refusal.message}")
    }

    /** Photos that ports read are within the limits and whole; those that headers alone give away are refused. */
    @TestFactory
    fun photos() = Vectors.tests("photos", { it.string("ports") == "read" || it.name in HEADERS_REFUSE }) { vector ->
        val content = Vectors.data(vector.string("photo"))
        val working = vector.intOrNull("working_px")
        if (vector.string("ports") == "refuse") {
            assertThrows(PhotoException::class.java, { Headers.check(content, working, vector.name) }, vector.why)
        } else {
            Headers.check(content, working, vector.name)
            val stored = Headers.size(content, vector.name)
            val upright = if (Exif.orientation(content) >= 5) SizeWh(stored.heightPx, stored.widthPx) else stored
            assertEquals(vector.size("size_wh"), upright, vector.why)
            assertEquals(vector.int("shrink"), shrinkFor(upright, working), vector.why)
        }
    }

    @TestFactory
    fun verdicts() = Vectors.tests("verdicts", { !it.vector("source").has("photo") }) { vector ->
        JvmModel.assumeHere()
        val bundle = Bundle.read(Vectors.file(vector.string("model")).readBytes(), vector.name)
        for (threads in 1..2) {
            Classifier(bundle.contract, List(threads) { JvmModel(bundle.flatbuffer) }).use { checkVerdict(it, vector) }
        }
    }

    private fun checkVerdict(classifier: Classifier, vector: Vector) {
        val isEarly = vector.fields["stop_early"] == true
        fun classify() = classifier.classify(pixels(vector.vector("source")), vector.intOrNull("crops"), isEarly)
        if (!vector.has("verdict")) {
            // Numbers of crops, and models without probabilities, are none that the contract promises; all else is the photo's.
            val isContract = vector.intOrNull("crops") != null || vector.string("model") == "verdict-logits.tflite"
            val blamed = if (isContract) ContractException::class.java else PhotoException::class.java
            assertThrows(blamed, { classify() }, vector.why)
            return
        }
        val expected = vector.vector("verdict")
        val crops = expected.vectors("crops")
        val step = vector.vector("step")
        val found = classify()
        assertEquals(expected.string("label"), found.label, vector.why)
        assertEquals(crops.map { it.box("box") }, found.crops.map { it.box }, vector.why)
        val steps = crops.indices.maxOf { at ->
            stepsBetween(found.crops[at].probabilities.map { it.toDouble() }, crops[at].doubles("probabilities"), step)
        }
        assertTrue(steps <= vector.tolerance("steps"), "${vector.why}: crops differ by $steps steps")
        val voted = expected.fields.getValue("probabilities") as Map<*, *>
        assertEquals(voted.keys.toList(), found.probabilities.keys.toList(), vector.why)
        val temperature = if (step.string("of") == "logits") classifier.contract.decision.temperature else 1.0
        val apart = temperature * stepsBetween(found.probabilities.values.toList(), voted.values.map { numberOf(it) }, step)
        assertTrue(apart <= vector.tolerance("vote_steps"), "${vector.why}: the vote differs by $apart steps")
    }

    /** A step is one of the outputs as they stand, or of the logits in front of a softmax. */
    private fun stepsBetween(found: List<Double>, expected: List<Double>, step: Vector): Double {
        val apart = found.zip(expected)
        if (step.string("of") == "outputs") return apart.maxOf { (a, b) -> abs(a - b) } / step.double("size")
        // Logits come back as log-probabilities up to a constant: what is compared is the difference between two of them.
        val logs = apart.map { (a, b) -> ln(a) - ln(b) }
        return (logs.max() - logs.min()) / step.double("size")
    }

    private fun model(path: String): Model {
        val content = Vectors.repository.resolve(path).readBytes()
        // A bare flatbuffer has no archive behind it, and ends in logits.
        val isWhole = String(content, Charsets.ISO_8859_1).contains("edgekit.json")
        return JvmModel(if (isWhole) Bundle.read(content, path).flatbuffer else ByteBuffer.wrap(content))
    }
}

// The others have pixels that are not opaque, which shows when they are decoded.
private val HEADERS_REFUSE = setOf("cmyk.jpg", "cmyk.tif")

/** A number, or the name of one that JSON has none for. */
private fun numberOf(raw: Any?): Double = when (raw) {
    is Number -> raw.toDouble()
    "inf" -> Double.POSITIVE_INFINITY
    "-inf" -> Double.NEGATIVE_INFINITY
    else -> (raw as String).let { if (it.equals("nan", ignoreCase = true)) Double.NaN else it.toDouble() }
}

/** The unknown score, where there is one. */
private fun Vector.unknown(): List<Double> = if (has("unknown")) listOf(double("unknown")) else emptyList()

/** All numbers of nested lists, in their order. */
private fun flat(value: Any?): List<Double> = if (value is List<*>) value.flatMap(::flat) else listOf(numberOf(value))

/** A contract as JSON has it, without provenance, which is for people. */
private fun valuesOf(contract: Contract): Any? = (Json.parse(contract.toJson()) as Map<*, *>) - "provenance"

/** Pixels as callers have them: an array, or a frame. */
fun pixels(source: Vector): Pixels = if (source.has("frame")) {
    frame(source.vector("frame"))
} else {
    val size = source.size("size_wh")
    Picture(size.widthPx, size.heightPx, Vectors.data(source.string("array")))
}

/** A frame in one buffer with a layout, or in three planes. */
fun frame(spec: Vector): Frame {
    val data = Vectors.data(spec.string("file"))
    val size = spec.size("size_wh")
    val rotation = spec.int("rotation")
    if (spec.has("layout")) {
        val layout = Layout.named(spec.string("layout"))
        return Frame.of(ByteBuffer.wrap(data), size, layout, spec.intOrNull("stride"), rotation)
    }
    val (y, u, v) = listOf("y", "u", "v").map { name ->
        val plane = spec.vector("planes").vector(name)
        val start = plane.int("start")
        // As a camera's are: outside of the heap, and the position is nobody's.
        val bytes = ByteBuffer.allocateDirect(plane.int("length")).put(data, start, plane.int("length"))
        Plane(bytes, plane.int("row_stride"), plane.int("pixel_stride"), plane.int("offset"))
    }
    return Frame(size, y, u, v, rotation)
}
