package edgekit.capture.core

import edgekit.runtime.Contract
import edgekit.runtime.ContractException
import edgekit.runtime.Json
import edgekit.runtime.ModelException
import edgekit.runtime.Verdict
import java.io.File
import java.util.concurrent.CancellationException
import java.util.zip.ZipFile
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class BenchSweepTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val device = TestDevice()
    private val opened = ArrayList<TimedModel>()

    /** Takes a millisecond a crop, by the device's clock. */
    private inner class TimedModel(val threads: Int, override val engine: Engine) : BenchModel {
        val asked = ArrayList<Pair<ByteArray, Int?>>()
        var isClosed = false

        override fun classify(photo: ByteArray, crops: Int?): Verdict {
            check(!isClosed) { "a closed model must not be asked" }
            asked += photo to crops
            // The contract's early end, as it may be.
            val used = crops ?: 4
            device.ns += used * 1_000_000L
            return verdict(0.25, crops = used, ms = used.toDouble())
        }

        override fun close() {
            isClosed = true
        }
    }

    private val models = BenchModels { threads, delegate ->
        TimedModel(threads, Engine("tflite 2.16.1", if (delegate == "default") "not told" else delegate)).also(opened::add)
    }
    private val photos = BenchPhotos(
        listOf("path", "label", "group"),
        listOf("444.jpg", "420.jpg").map { BenchPhoto("photos/$it", photo(it), listOf("photos/$it", "genuine", "g1")) },
    )

    private fun job(pace: BenchPace = SHORT, contract: Contract = DEMO) =
        BenchJob.of(contract, ModelName("demo-int8.tflite", sha256(DEMO_BYTES)), photos, pace, threads = listOf(1, 2))

    private fun rows(job: BenchJob, steps: Steps = Steps { _, _ -> }): List<Map<*, *>> {
        val lines = ArrayList<String>()
        BenchSweep(job, photos, models, device, { lines += it }, steps).run()
        return lines.map { Json.parse(it) as Map<*, *> }
    }

    @Test
    fun `threads of a sweep follow the phone's cores`() {
        val table = mapOf(1 to listOf(1, 2), 2 to listOf(1, 2), 3 to listOf(1, 2, 3), 4 to listOf(1, 2, 4), 8 to listOf(1, 2, 4))
        for ((cores, threads) in table) assertEquals("$cores cores", threads, BenchJob.usualThreads(cores))
    }

    @Test
    fun `a job is the usual sweep, with the early end where the contract has one`() {
        val settings = job().settings
        assertEquals(10, settings.size)
        assertEquals(listOf(1, 3, 5, 10, 10), settings.filter { it.threads == 1 }.map { it.crops })
        assertEquals(2, settings.count { it.stopsEarly })
        assertTrue(settings.filter { it.stopsEarly }.all { it.asked == null })
        val without = DEMO.copy(decision = DEMO.decision.copy(earlyStop = null))
        assertEquals(8, job(contract = without).settings.size)
        assertEquals(10, job().crops)
    }

    @Test
    fun `rows come in the order that the host reads`() {
        val types = rows(job()).map { it["type"] }
        assertEquals(listOf("header", "hello", "scores", "scores", "begin"), types.take(5))
        assertEquals(listOf("finish", "end"), types.takeLast(2))
        assertEquals(10, types.count { it == "warm" })
        assertEquals(20, types.count { it == "runs" })
    }

    @Test
    fun `the end counts the rows before it, without the header`() {
        val rows = rows(job())
        assertEquals((rows.size - 2).toLong(), rows.last()["rows"])
    }

    @Test
    fun `the header names the job by its hash`() {
        val job = job()
        assertEquals(sha256(job.toJson().toByteArray()), rows(job).first()["job"])
    }

    @Test
    fun `scores are of the most crops, one row a crop, in float32's own digits`() {
        val scores = rows(job()).filter { it["type"] == "scores" }
        assertEquals(listOf(0L, 1L), scores.map { it["photo"] })
        assertEquals(List(10) { listOf(0.75, 0.25) }, scores[0]["scores"])
        assertEquals(10.0, scores[0]["ms"])
    }

    @Test
    fun `blocks are of ten runs and their times fit between each other`() {
        val blocks = rows(job()).filter { it["type"] == "runs" }
        var freeNs = 0L
        for (block in blocks) {
            val ns = (block["ns"] as List<*>).map { run -> (run as List<*>).map { it as Long } }
            assertEquals(10, ns.size)
            assertTrue(ns.all { it.size == 4 && it.sum() > 0 })
            assertTrue("$block must come after the last one's end", block["at_ns"] as Long >= freeNs)
            freeNs = block["at_ns"] as Long + ns.sumOf { it.sum() }
        }
        assertEquals(listOf(0L, 1L), blocks.filter { it["setting"] == 0L }.map { it["block"] })
    }

    @Test
    fun `settings take turns in an order drawn anew`() {
        val orders = rows(job()).filter { it["type"] == "runs" }.map { it["setting"] }.chunked(10)
        assertEquals(2, orders.size)
        for (order in orders) assertEquals((0L..9L).toSet(), order.toSet())
        assertFalse(orders[0] == orders[1])
    }

    @Test
    fun `a setting goes on until runs and seconds are enough`() {
        val pace = SHORT.copy(minS = 0.035)
        val blocks = rows(job(pace)).filter { it["type"] == "runs" }.groupingBy { it["setting"] }.eachCount()
        // A verdict of one crop takes a millisecond: 35 of them are four blocks. One of ten crops needs the two of its runs.
        assertEquals(4, blocks[0L])
        assertEquals(2, blocks[3L])
    }

    @Test
    fun `each block runs on the photos in turn, after one run that is not counted`() {
        rows(job())
        val timed = opened.last { it.threads == 1 }.asked.filter { it.second == 3 }.map { it.first }
        // Two to warm up, then the last photo, then ten in turn, twice.
        val expected = listOf(0, 1) + List(2) { listOf(1) + List(10) { it % 2 } }.flatten()
        assertEquals(expected.size, timed.size)
        expected.zip(timed).forEach { (index, bytes) -> assertTrue(photos.photos[index].content === bytes) }
    }

    @Test
    fun `each repeat loads the models anew, and closes them`() {
        rows(job(SHORT.copy(repeats = 3)))
        // To ask for the engine, to score, and one for each number of threads in each repeat.
        assertEquals(2 + 3 * 2, opened.size)
        assertTrue(opened.all { it.isClosed })
    }

    @Test
    fun `a pause is told of every five seconds`() {
        val pauses = rows(job(SHORT.copy(coolDownS = 12.0))).filter { it["type"] == "pause" }
        assertEquals(listOf(12.0, 7.0, 2.0), pauses.map { it["left_s"] })
        assertEquals(31.5, pauses[0]["hottest_c"])
    }

    @Test
    fun `a delegate that is not granted ends the sweep`() {
        val job = BenchJob.of(DEMO, ModelName("m", "0".repeat(64)), photos, BenchPace.QUICK, threads = listOf(1, 2), delegates = listOf("gpu"))
        val cpu = BenchModels { threads, _ -> TimedModel(threads, Engine("tflite 2.16.1", "not told")) }
        val failure = assertThrows(ModelException::class.java) { BenchSweep(job, photos, cpu, device, {}).run() }
        assertTrue(failure.message!!, "gpu was asked for" in failure.message!!)
    }

    @Test
    fun `a photo that can't be read ends the sweep`() {
        val broken = BenchModels { threads, _ ->
            val sound = TimedModel(threads, Engine("tflite 2.16.1", "not told"))
            object : BenchModel by sound {
                override fun classify(photo: ByteArray, crops: Int?): Verdict = unreadable()
            }
        }
        assertThrows(edgekit.runtime.PhotoException::class.java) { BenchSweep(job(), photos, broken, device, {}).run() }
    }

    @Test
    fun `a GPU scores one crop at a time, so its threads are no settings`() {
        val name = ModelName("demo-int8.tflite", sha256(DEMO_BYTES))
        val job = BenchJob.of(DEMO, name, photos, SHORT, threads = listOf(1, 2, 4), delegates = listOf("gpu", "default"))
        assertEquals(listOf(1), job.settings.filter { it.delegate == "gpu" }.map { it.threads }.distinct())
        assertEquals(listOf(1, 2, 4), job.settings.filter { it.delegate == "default" }.map { it.threads }.distinct())
    }

    @Test
    fun `photos whose labels the model lacks are refused before anything is measured`() {
        val told = assertThrows(ContractException::class.java) { job(contract = NEUTRAL) }
        assertTrue(told.message, "[genuine]" in told.message!! && "mango" in told.message!! && "measure a model" in told.message!!)
    }

    @Test
    fun `points for the screen are of the counted runs`() {
        val points = BenchSweep(job(), photos, models, device, {}).run()
        assertEquals(listOf(1.0, 3.0, 5.0, 10.0, 4.0), points.take(5).map { it.crops })
        assertEquals(3.0, points[1].latency.p50Ms, 1e-9)
    }

    private fun run(disk: Disk = DEVICE_DISK, steps: Steps = Steps { _, _ -> }) = runBench(
        BenchRun(job(BenchPace.QUICK), photos, models, device, IDENTITY) { NOON_MS }, File(temporary.root, "exports"), disk, steps,
    )

    @Test
    fun `the export has all that the host needs`() {
        val result = run()
        assertEquals("edgekit-bench-20261130T071355Z.zip", result.export.name)
        assertEquals(Engine("tflite 2.16.1", "not told"), result.engine)
        ZipFile(result.export).use { zip ->
            val names = zip.entries().asSequence().map { it.name }.toList()
            assertEquals(listOf("export.json", "job.json", "manifest.csv", "photos/444.jpg", "photos/420.jpg", "rows.jsonl"), names)
            val about = Json.parse(String(zip.getInputStream(zip.getEntry("export.json")).readBytes())) as Map<*, *>
            val job = zip.getInputStream(zip.getEntry("job.json")).readBytes()
            assertEquals(sha256(job), about["job"])
            assertEquals(true, about["quick"])
            assertEquals("bench", about["kind"])
        }
    }

    @Test
    fun `a sweep that is ended leaves no export and no open model`() {
        assertThrows(CancellationException::class.java) { run { done, _ -> if (done == 7) throw CancellationException() } }
        assertFalse(File(temporary.root, "exports").exists())
        assertTrue(opened.all { it.isClosed })
    }

    @Test
    fun `a full disk leaves no export`() {
        assertThrows(StorageFullException::class.java) { run(SmallDisk(500)) }
        assertEquals(0, File(temporary.root, "exports").list()!!.size)
    }

    @Test
    fun `progress ends at its end`() {
        val told = ArrayList<Pair<Int, Int>>()
        rows(job()) { done, of -> told += done to of }
        assertEquals(12 to 12, told.last())
        assertTrue(told.zipWithNext().all { (a, b) -> a.first <= b.first })
    }

    private companion object {
        /** Two blocks of each setting. */
        val SHORT = BenchPace.QUICK.copy(warmupS = 0.0, minS = 0.0)
    }
}
