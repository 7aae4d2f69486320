package edgekit.runtime

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** A model whose detector finds bright squares on black, where red is genuine and blue is recapture; and broken ones. */
class RegionsTest {
    private val file = Vectors.file("tests/models/marks.tflite").readBytes()
    private val marks = Bundle.read(file, "marks.tflite")
    private val plan = checkNotNull(marks.contract.regions)
    private val detector = bytesOf(checkNotNull(marks.detector))

    private fun bytesOf(buffer: ByteBuffer) = ByteArray(buffer.limit()).also { (buffer.duplicate().clear() as ByteBuffer).get(it) }

    /** Black, with a mark of 64 px in a cell of each. */
    private fun photo(vararg marks: Triple<Int, Int, Int>): Picture {
        val rgb = ByteArray(512 * 512 * CHANNELS)
        for ((column, row, channel) in marks) {
            for (y in 64 * row until 64 * row + 64) for (x in 64 * column until 64 * column + 64) {
                rgb[(512 * y + x) * CHANNELS + channel] = -1
            }
        }
        return Picture(512, 512, rgb)
    }

    private fun whole(picture: Pixels) = Photo.of(picture, null)

    private fun <T> with(threads: Int = 1, work: (Classifier) -> T): T {
        JvmModel.assumeHere()
        val models = List(threads) { JvmModel(marks.flatbuffer) }
        return Classifier(marks.contract, models, null, JvmDetector(marks.detector!!)).use(work)
    }

    @Test
    fun `each region has an answer`() = with(threads = 2) { classifier ->
        val found = classifier.classifyRegions(whole(photo(Triple(2, 1, RED), Triple(5, 6, BLUE))), decodeMs = 5.0)
        assertEquals(listOf(Box(120, 56, 200, 136), Box(312, 376, 392, 456)), found.regions.map { it.region.box })
        assertEquals(listOf("genuine", "recapture"), found.regions.map { it.verdict.label })
        assertEquals("genuine, recapture", found.said)
        assertTrue(found.totalMs >= found.decodeMs + found.detectMs && found.decodeMs == 5.0 && found.detectMs > 0)
        val plain = Json.parse(found.toJson()) as Map<*, *>
        assertEquals(setOf("thing", "size_wh", "regions", "decode_ms", "detect_ms"), plain.keys)
    }

    @Test
    fun `no region is an answer`() = with { classifier ->
        val found = classifier.classifyRegions(whole(photo()))
        assertEquals("no face" to emptyList<RegionVerdict>(), found.said to found.regions)
    }

    @Test
    fun `an answer is that of the square as a photo`() = with { classifier ->
        val picture = photo(Triple(2, 1, RED))
        val (one) = classifier.classifyRegions(whole(picture), crops = 2).regions
        val alone = marks.contract.copy(schema = 1, regions = null)
        Classifier(alone, listOf(JvmModel(marks.flatbuffer))).use { plain ->
            val square = plain.classify(picture.cut(Box(120, 56, 200, 136)), crops = 2)
            assertEquals(square.copy(ms = one.verdict.ms), one.verdict)
        }
        val (asked) = classifier.classifyRegions(whole(picture)).regions
        for (found in listOf(classifier.classify(picture), classifier.classify(whole(picture)))) {
            assertEquals(asked.verdict, found.copy(ms = asked.verdict.ms))
        }
    }

    @Test
    fun `a camera's frame has regions, too`() = with { classifier ->
        val luma = ByteArray(512 * 512) { if (it % 512 in 128 until 192 && it / 512 in 64 until 128) -1 else 0 }
        val frame = Frame.of(ByteBuffer.wrap(luma + ByteArray(512 * 256) { -128 }), SizeWh(512, 512), Layout.NV21)
        assertEquals(listOf(Box(120, 56, 200, 136)), classifier.classifyRegions(whole(frame)).regions.map { it.region.box })
    }

    @TestFactory
    fun `it is never guessed which`(): List<DynamicTest> = listOf(
        Triple("none", photo(), "a photo must have one face, got none"),
        Triple("two", photo(Triple(1, 2, RED), Triple(4, 2, RED)), "must have one face, got 2: use classifyRegions, which answers for each"),
        Triple("small", Picture(9, 7, ByteArray(9 * 7 * CHANNELS)), "a photo must be at least 8x8 px, got 9x7"),
    ).map { (name, picture, message) ->
        dynamicTest(name) {
            with { classifier ->
                val refusal = assertThrows(PhotoException::class.java) { classifier.classify(picture) }
                assertTrue(message in refusal.message!!, refusal.message)
            }
        }
    }

    @Test
    fun `callers' mistakes are told`() = with { classifier ->
        assertThrows(ContractException::class.java) { classifier.classifyRegions(whole(photo()), crops = 0) }
        assertThrows(PhotoException::class.java) { classifier.classifyRegions(Photo.of(photo(), 64)) }
        val alone = marks.contract.copy(schema = 1, regions = null)
        Classifier(alone, listOf(JvmModel(marks.flatbuffer))).use { plain ->
            val refusal = assertThrows(ContractException::class.java) { plain.classifyRegions(whole(photo())) }
            assertTrue("needs a model of regions" in refusal.message!!, refusal.message)
        }
        assertThrows(ContractException::class.java) { Classifier(marks.contract, listOf(JvmModel(marks.flatbuffer))) }
        classifier.close()
        classifier.close()
        assertThrows(ContractException::class.java) { classifier.classifyRegions(whole(photo())) }
        Unit
    }

    @Test
    fun `a detector that gives too little ends the verdict`() {
        JvmModel.assumeHere()
        val short = object : DetectorModel {
            override val engine = "told"
            override fun detect(rgb: FloatArray) = Detected(FloatArray(3), FloatArray(1))
            override fun close() = Unit
        }
        Classifier(marks.contract, listOf(JvmModel(marks.flatbuffer)), null, short).use {
            assertThrows(ModelException::class.java) { it.classifyRegions(whole(photo())) }
        }
    }

    /** The model file with another archive behind its flatbuffer. */
    private fun packed(contract: Contract = marks.contract, detector: ByteArray? = this.detector): ByteArray {
        val archive = ByteArrayOutputStream()
        ZipOutputStream(archive).use { zip ->
            val members = listOf("edgekit.json" to contract.toJson().toByteArray(), "labels.txt" to "genuine\nrecapture\n".toByteArray())
            for ((name, content) in members + listOfNotNull(detector?.let { RegionPlan.DETECTOR_NAME to it })) {
                zip.putNextEntry(ZipEntry(name))
                zip.write(content)
                zip.closeEntry()
            }
        }
        return bytesOf(marks.flatbuffer) + archive.toByteArray()
    }

    private fun with(plan: RegionPlan?) = marks.contract.copy(schema = if (plan == null) 1 else 3, regions = plan)

    @Test
    fun `a detector is inside, or beside by its name`() {
        assertArrayEquals(detector, bytesOf(Bundle.read(packed()).detector!!))
        val apart = packed(with(plan.copy(place = DetectorPlace.BESIDE)), null)
        val found = Bundle.read(apart, "marks.tflite") { name, limit -> detector.takeIf { name == plan.detectorFile && it.size <= limit } }
        assertArrayEquals(detector, bytesOf(found.detector!!))
        assertTrue(found.detector!!.isDirect)
    }

    @TestFactory
    fun `models without their detector are refused`(): List<DynamicTest> {
        val beside = with(plan.copy(place = DetectorPlace.BESIDE))
        val none = bytesOf(marks.flatbuffer)
        return listOf(
            Triple("absent inside", packed(detector = null), "must have its face detector inside, as detector.tflite"),
            Triple("absent beside", packed(beside, null), "${plan.detectorFile}: no such file"),
            Triple("another", packed(detector = detector + 0), "the detector must have the SHA-256"),
            Triple("inside, though promised beside", packed(beside), "promises no detector.tflite inside"),
            Triple("inside, though nobody promised", packed(with(null)), "promises no detector.tflite inside"),
            Triple("one that is none", packed(with(plan.copy(detectorSha256 = marks.contract.modelSha256)), none), "a detector must be one of MediaPipe's"),
            Triple("of another kind", packed(with(plan.copy(detector = DetectorKind.BLAZEFACE_BACK))), "promises the detector blazeface-back, the file is blazeface-short"),
        ).map { (name, content, message) ->
            dynamicTest(name) {
                val refusal = assertThrows(ContractException::class.java) { Bundle.read(content, "who.tflite") { _, _ -> null } }
                assertTrue(message in refusal.message!! && "who.tflite" in refusal.message!!, refusal.message)
            }
        }
    }

    @Test
    fun `a detector beside a model without a folder can't be reached`() {
        val apart = packed(with(plan.copy(place = DetectorPlace.BESIDE)), null)
        val refusal = assertThrows(ContractException::class.java) { Bundle.read(apart, "who.tflite") }
        assertTrue("lies beside it, as ${plan.detectorFile}" in refusal.message!!, refusal.message)
    }

    private companion object {
        const val RED = 0
        const val BLUE = 2
    }
}
