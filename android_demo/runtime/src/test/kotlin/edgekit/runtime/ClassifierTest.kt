package edgekit.runtime

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.nio.ByteBuffer
import java.util.Collections

/** The classifier's own work: order, ends, threads, time and what it refuses; models here answer as they are told. */
class ClassifierTest {
    /** Answers by a crop's place in the plan. */
    private class Told(
        override val sidePx: Int = 8,
        override val classes: Int = 2,
        override val heads: Int = 1,
        val answer: (Int) -> FloatArray,
    ) : Model {
        val scored: MutableList<Int> = Collections.synchronizedList(ArrayList())
        val asked: MutableMap<Int, Int> = Collections.synchronizedMap(HashMap())
        var isClosed = false
        override val engine = "told"

        override fun score(rgb: ByteArray, index: Int, head: Int): FloatArray {
            assertEquals(sidePx * sidePx * CHANNELS, rgb.size)
            scored.add(index)
            asked[index] = head
            // The first crops take longest, so that an order of completion would show.
            Thread.sleep((10 - index).coerceAtLeast(0).toLong())
            return answer(index)
        }

        override fun close() {
            isClosed = true
        }
    }

    private val picture = Picture(64, 48, ByteArray(64 * 48 * CHANNELS) { it.toByte() })
    private val sha256 = "0".repeat(64)

    private fun contract(decision: Decision = Decision(), workingPx: Int? = null) = Contract(
        name = "told",
        labels = listOf("genuine", "print"),
        bonaFide = "genuine",
        sidePx = 8,
        plan = CropPlan(crops = 10, workingPx = workingPx),
        decision = decision,
        precision = "int8",
        modelSha256 = sha256,
    )

    private fun byPlace(index: Int) = floatArrayOf(index / 16f, 1 - index / 16f)

    @ParameterizedTest
    @ValueSource(ints = [1, 2, 3, 16])
    fun `crops come in the order of the plan, by however many threads`(threads: Int) {
        val models = List(threads) { Told(answer = ::byPlace) }
        Classifier(contract(), models).use { classifier ->
            val verdict = classifier.classify(picture, decodeMs = 5.0)
            assertEquals(List(10) { byPlace(it).asList() }, verdict.crops.map { it.probabilities })
            assertEquals(cropBoxes(classifier.contract.plan, picture.size, 8), verdict.crops.map { it.box })
            assertEquals((0 until 10).toList(), models.flatMap { it.scored }.sorted(), "each crop is scored once")
            assertTrue(verdict.ms.decode >= 5 && verdict.ms.invoke > 0 && verdict.ms.crop >= 0 && verdict.ms.vote >= 0)
            assertEquals(picture.size, verdict.sizeWh)
        }
        assertTrue(models.all { it.isClosed })
    }

    @ParameterizedTest
    @ValueSource(ints = [1, 3])
    fun `a crop is scored by the head of its scale`(threads: Int) {
        val plan = CropPlan(lead = listOf("full"), cycle = listOf("1/4", "native"), crops = 4)
        val several = contract().copy(schema = 2, plan = plan, heads = listOf("full", "native", "1/2", "1/4"))
        val models = List(threads) { Told(heads = 4, answer = ::byPlace) }
        Classifier(several, models).use { classifier ->
            classifier.classify(picture, crops = 6)
            val asked = models.flatMap { it.asked.entries }.associate { it.key to it.value }
            assertEquals(mapOf(0 to 0, 1 to 3, 2 to 1, 3 to 3, 4 to 1, 5 to 3), asked)
        }
    }

    @ParameterizedTest
    @ValueSource(ints = [1, 3])
    fun `a plain answer ends the work early, unless somebody asks for all`(threads: Int) {
        val bounds = List(9) { if (it < 2) 1000.0 else 0.5 }
        val stops = contract(Decision(threshold = 0.5, earlyStop = bounds))
        Classifier(stops, List(threads) { Told { floatArrayOf(0.01f, 0.99f) } }).use { classifier ->
            assertEquals(3, classifier.classify(picture).crops.size)
            assertEquals(10, classifier.classify(picture, stopEarly = false).crops.size)
            assertEquals(10, classifier.classify(picture, crops = 10).crops.size)
        }
    }

    @ParameterizedTest
    @ValueSource(strings = ["stops early", "fails", "is interrupted"])
    fun `a frame's memory is not read any more when its verdict, or the reason for none, is there`(end: String) {
        val size = SizeWh(1600, 1200)
        // Cutting half a frame of so many pixels takes milliseconds, the verdict of ready answers none.
        val bytes = ByteBuffer.allocateDirect(size.widthPx * size.heightPx * 3 / 2)
        val given = ByteArray(bytes.capacity()) { 90 }
        val poison = ByteArray(bytes.capacity()) { 7 }
        val read = Collections.synchronizedSet(HashSet<Set<Byte>>())
        val model = { object : Model by Told(answer = ::byPlace) {
            override fun score(rgb: ByteArray, index: Int, head: Int): FloatArray {
                read.add(rgb.toSet())
                if (end == "fails" && index == 1) throw ModelException("the delegate is gone")
                return floatArrayOf(0.01f, 0.99f)
            }
        } }
        val bounds = List(9) { if (it < 2) 1000.0 else 0.5 }
        Classifier(contract(Decision(threshold = 0.5, earlyStop = bounds)), List(2) { model() }).use { classifier ->
            repeat(30) {
                bytes.put(given).rewind()
                if (end == "is interrupted") Thread.currentThread().interrupt()
                try {
                    assertEquals(3, classifier.classify(Frame.of(bytes, size, Layout.NV21)).crops.size)
                } catch (failure: ModelException) {
                    assertEquals("fails", end, failure.message)
                }
                // As the camera's next frame is written where this one was.
                bytes.put(poison).rewind()
                assertEquals(end == "is interrupted", Thread.interrupted(), "an interrupt is the caller's")
            }
        }
        val frame = toTensor(Photo.of(Frame.of(bytes.put(given).apply { rewind() }, size, Layout.NV21), null), Box(0, 0, 8, 8), 8)
        assertEquals(setOf(frame.toSet()), read)
    }

    @Test
    fun `a crop that is alone has a model with all threads, made once`() {
        val several = List(2) { Told(answer = ::byPlace) }
        val wide = Told(answer = ::byPlace)
        var made = 0
        val classifier = Classifier(contract(), several, { wide.also { made++ } })
        assertEquals(0, made)
        repeat(3) { classifier.classify(picture, crops = 1) }
        classifier.classify(picture, crops = 2)
        classifier.close()
        assertEquals(1, made)
        assertEquals(listOf(0, 0, 0), wide.scored)
        assertEquals(2, several.sumOf { it.scored.size })
        assertTrue(wide.isClosed && several.all { it.isClosed })
    }

    @Test
    fun `an interrupt while it is closed is the caller's, and all is freed`() {
        val several = List(2) { Told(answer = ::byPlace) }
        val wide = Told(answer = ::byPlace)
        val classifier = Classifier(contract(), several, { wide })
        classifier.use {
            it.classify(picture, crops = 1)
            it.classify(picture)
            // As an executor does that is shut down now.
            Thread.currentThread().interrupt()
        }
        assertTrue(Thread.interrupted())
        assertTrue(wide.isClosed && several.all { it.isClosed })
        assertThrows(ContractException::class.java) { classifier.classify(picture) }
    }

    @Test
    fun `pixels are brought to their working size, or must be there`() {
        val large = Picture(256, 256, ByteArray(256 * 256 * CHANNELS))
        Classifier(contract(workingPx = 64), List(2) { Told(answer = ::byPlace) }).use { classifier ->
            val verdict = classifier.classify(large, crops = 2)
            assertEquals(classifier.classify(Photo.of(large, 64), crops = 2).crops, verdict.crops)
            assertTrue(verdict.crops.all { one -> one.box.toList().all { it % 4 == 0 } })
            assertThrows(PhotoException::class.java) { classifier.classify(Photo.of(large, null)) }
        }
    }

    @Test
    fun `many callers at once get their own verdicts`() {
        Classifier(contract(), List(2) { Told(answer = ::byPlace) }).use { classifier ->
            val alone = classifier.classify(picture).crops
            val found = Collections.synchronizedList(ArrayList<List<CropScore>>())
            val callers = List(6) { Thread { found.add(classifier.classify(picture).crops) }.apply { start() } }
            callers.forEach { it.join() }
            assertEquals(List(6) { alone }, found)
        }
    }

    @Test
    fun `what is wrong is told`() {
        val classifier = Classifier(contract(), listOf(Told(answer = ::byPlace)))
        assertThrows(PhotoException::class.java) { classifier.classify(Picture(7, 100, ByteArray(2100))) }
        for (crops in listOf(0, -1, 1001)) assertThrows(ContractException::class.java) { classifier.classify(picture, crops) }
        classifier.close()
        classifier.close()
        assertThrows(ContractException::class.java) { classifier.classify(picture) }
    }

    @ParameterizedTest
    @ValueSource(ints = [1, 2])
    fun `a model that fails, or gives no probabilities, ends the verdict and no more`(threads: Int) {
        val answers = listOf(
            { _: Int -> throw ModelException("the delegate is gone") },
            { _: Int -> floatArrayOf(0.7f, 0.7f) },
            { _: Int -> floatArrayOf(Float.NaN, 1f) },
            { _: Int -> floatArrayOf(1f) },
        )
        for (answer in answers) {
            Classifier(contract(), List(threads) { Told(answer = answer) }).use { classifier ->
                assertThrows(EdgekitException::class.java) { classifier.classify(picture) }
                assertThrows(EdgekitException::class.java) { classifier.classify(picture) }
            }
        }
    }

    @Test
    fun `labels that do not exclude each other need no sum, and all that are reached are named`() {
        val several = contract().copy(schema = 3, bonaFide = null, multiLabel = listOf(0.5, 0.6))
        Classifier(several, listOf(Told { floatArrayOf(0.9f, 0.7f) })).use { classifier ->
            val verdict = classifier.classify(picture)
            assertEquals("genuine|print" to listOf("genuine", "print"), verdict.label to verdict.labels)
            assertEquals(verdict.labels, (Json.parse(verdict.toJson()) as Map<*, *>)["labels"])
        }
        Classifier(several, listOf(Told { floatArrayOf(0.2f, 0.3f) })).use {
            assertEquals(Contract.NOTHING to emptyList<String>(), it.classify(picture).run { label to labels })
        }
        Classifier(several, listOf(Told { floatArrayOf(1.1f, 0f) })).use {
            assertThrows(ContractException::class.java) { it.classify(picture) }
        }
    }

    @Test
    fun `an output more than labels says what is unknown`() {
        val knowing = contract().copy(schema = 3, bonaFide = null, unknown = Unknown(UnknownRule.ENERGY, 0.5))
        for ((own, label) in listOf(0.6f to Contract.UNKNOWN, 0.4f to "print")) {
            Classifier(knowing, listOf(Told(classes = 3) { floatArrayOf(0.1f, 0.9f - own, own) })).use { classifier ->
                val verdict = classifier.classify(picture)
                assertEquals(label, verdict.label)
                assertEquals(own.toDouble(), verdict.unknown!!, 1e-6)
                assertEquals(listOf("genuine", "print"), verdict.probabilities.keys.toList())
            }
        }
        assertThrows(ContractException::class.java) { Classifier(knowing, listOf(Told(answer = ::byPlace))) }
    }

    @Test
    fun `a model that is not the contract's is refused, and all are closed`() {
        for (wrong in listOf(Told(sidePx = 9, answer = ::byPlace), Told(classes = 3, answer = ::byPlace), Told(heads = 2, answer = ::byPlace))) {
            val right = Told(answer = ::byPlace)
            assertThrows(ContractException::class.java) { Classifier(contract(), listOf(right, wrong)) }
            assertTrue(right.isClosed && wrong.isClosed)
        }
        assertThrows(ContractException::class.java) { Classifier(contract(), emptyList()) }
    }
}
