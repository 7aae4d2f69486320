package edgekit.runtime

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
        val scores = vector.list("scores").map { row -> (row as List<*>).map { (it as Number).toFloat() }.toFloatArray() }
        val used = (1 until scores.size).firstOrNull { mayStop(scores.take(it), contract) } ?: scores.size
        val voted = vote(scores.take(used), contract.decision)
        val (label, score) = decide(voted, contract)
        val expected = vector.vector("verdict")
        assertEquals(expected.string("label") to expected.int("crops"), label to used, vector.why)
        val probabilities = expected.doubles("probabilities") + expected.double("score")
        assertArrayEquals(probabilities.toDoubleArray(), voted + score, vector.tolerance("probability"), vector.why)
    }

    @TestFactory
    fun scores() = Vectors.tests("scores") { vector ->
        model(vector.string("model")).use { model ->
            val inputs = Vectors.data(vector.string("inputs"))
            val expected = Vectors.floats(vector.string("scores")).asList().chunked(model.classes)
            val length = model.sidePx * model.sidePx * CHANNELS
            assertEquals(inputs.size, expected.size * length, vector.why)
            val found = expected.indices.map { model.score(inputs.copyOfRange(it * length, (it + 1) * length)).asList() }
            val steps = found.indices.maxOf { stepsBetween(found[it], expected[it], vector.vector("step")) }
            assertTrue(steps <= vector.tolerance("steps"), "${vector.why}: differs by $steps steps")
        }
    }

    @TestFactory
    fun forged() = Vectors.tests("forged") { vector ->
        val content = Vectors.data(vector.string("model"))
        assertThrows(ContractException::class.java, { Bundle.read(content, vector.name) }, vector.why)
    }

    /** A step is one of the outputs as they stand, or of the logits in front of a softmax. */
    private fun stepsBetween(found: List<Float>, expected: List<Float>, step: Vector): Double {
        val apart = found.zip(expected)
        if (step.string("of") == "outputs") return apart.maxOf { (a, b) -> abs(a.toDouble() - b) } / step.double("size")
        // Logits come back as log-probabilities up to a constant: what is compared is the difference between two of them.
        val logs = apart.map { (a, b) -> ln(a.toDouble()) - ln(b.toDouble()) }
        return (logs.max() - logs.min()) / step.double("size")
    }

    private fun model(path: String): Model {
        val content = Vectors.repository.resolve(path).readBytes()
        // A bare flatbuffer has no archive behind it, and ends in logits.
        val isWhole = String(content, Charsets.ISO_8859_1).contains("edgekit.json")
        return JvmModel(if (isWhole) Bundle.read(content, path).flatbuffer else ByteBuffer.wrap(content))
    }
}

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
        val layout = Layout.valueOf(spec.string("layout").uppercase())
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
