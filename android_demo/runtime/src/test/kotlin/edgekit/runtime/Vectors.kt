package edgekit.runtime

import org.junit.jupiter.api.DynamicTest
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The conformance vectors, from the repository that this module lies in or from `-Dedgekit.vectors=FOLDER`. */
object Vectors {
    val folder: File = File(System.getProperty("edgekit.vectors") ?: "../../tests/conformance").absoluteFile.normalize()

    /** The repository that the vectors lie in. */
    val repository: File = folder.resolve("../..").normalize()

    fun of(area: String): List<Vector> {
        val raw = Json.parse(folder.resolve("$area.json").readText()) as Map<*, *>
        return (raw["vectors"] as List<*>).map { Vector(it) }
    }

    fun data(name: String): ByteArray = folder.resolve("data/$name").readBytes()

    /** A path in the repository, or a file among the vectors' data. */
    fun file(name: String): File = repository.resolve(name).takeIf { it.isFile } ?: folder.resolve("data/$name")

    /** A model file after its edits, each of which puts hex bytes in the place of those from one to before another. */
    fun edited(vector: Vector): ByteArray = vector.list("edits").fold(file(vector.string("model")).readBytes()) { before, edit ->
        val (start, end, hex) = edit as List<*>
        val bytes = (hex as String).chunked(2).map { it.toInt(16).toByte() }.toByteArray()
        before.copyOfRange(0, (start as Long).toInt()) + bytes + before.copyOfRange((end as Long).toInt(), before.size)
    }

    fun floats(name: String): FloatArray {
        val numbers = ByteBuffer.wrap(data(name)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return FloatArray(numbers.remaining()).also { numbers.get(it) }
    }

    /** A named test for each vector; what it compares carries the vector's `why`. */
    fun tests(area: String, choose: (Vector) -> Boolean = { true }, test: (Vector) -> Unit): List<DynamicTest> =
        of(area).filter(choose).map { vector -> DynamicTest.dynamicTest(vector.name) { test(vector) } }
}

/** An object of the vectors' JSON; tests may trust it, so that a wrong name or type is an exception. */
@Suppress("UNCHECKED_CAST")
class Vector(raw: Any?) {
    val fields = raw as Map<String, Any?>
    val name: String get() = fields["name"] as String
    val why: String get() = fields["why"] as String

    fun has(key: String) = fields[key] != null

    fun string(key: String) = fields.getValue(key) as String

    fun int(key: String) = (fields.getValue(key) as Long).toInt()

    fun intOrNull(key: String) = (fields.getValue(key) as Long?)?.toInt()

    fun double(key: String) = (fields.getValue(key) as Number).toDouble()

    fun list(key: String) = fields.getValue(key) as List<Any?>

    fun doubles(key: String) = list(key).map { (it as Number).toDouble() }

    fun vector(key: String) = Vector(fields.getValue(key))

    fun vectors(key: String) = list(key).map { Vector(it) }

    fun size(key: String) = ints(list(key)).let { (width, height) -> SizeWh(width, height) }

    fun box(key: String) = boxOf(list(key))

    fun boxes(key: String = "boxes") = list(key).map { boxOf(it as List<Any?>) }

    private fun boxOf(edges: List<Any?>) = ints(edges).let { (left, top, right, bottom) -> Box(left, top, right, bottom) }

    fun plan(key: String = "plan"): CropPlan {
        val raw = fields.getValue(key) as Map<String, Any?>
        return CropPlan(
            raw["lead"] as List<String>,
            raw["cycle"] as List<String>,
            (raw["crops"] as Long).toInt(),
            (raw["working_px"] as Long?)?.toInt(),
        )
    }

    fun tolerance(measure: String) = vector("tolerance").double(measure)

    private fun ints(numbers: List<Any?>) = numbers.map { (it as Long).toInt() }
}
