package edgekit.capture.core

import edgekit.runtime.Milliseconds
import java.io.ByteArrayInputStream
import java.io.File
import java.io.IOException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class SmallPartsTest {
    @get:Rule
    val temporary = TemporaryFolder()

    @Test
    fun `percentiles are numpy's`() {
        val values = listOf(15.0, 20.0, 35.0, 40.0, 50.0)
        for ((percent, expected) in mapOf(0.0 to 15.0, 40.0 to 29.0, 50.0 to 35.0, 95.0 to 48.0, 100.0 to 50.0)) {
            assertEquals("$percent", expected, percentile(values.shuffled(), percent), 1e-9)
        }
        assertEquals(7.0, percentile(listOf(7.0), 95.0), 0.0)
    }

    @Test
    fun `the window forgets what is old`() {
        val window = LatencyWindow(3)
        assertNull(window.read())
        for (ms in listOf(100.0, 1.0, 2.0, 3.0)) window.add(Milliseconds(ms, 0.0, 1.0, 0.0))
        val read = window.read()!!
        assertEquals(3, read.count)
        assertEquals(2.0, read.decode.p50Ms, 0.0)
        assertEquals(3.9, read.total.p95Ms, 1e-9)
        window.clear()
        assertNull(window.read())
    }

    @Test
    fun `settings are kept, and what is out of range is the default's`() {
        val stored = MapValues()
        assertEquals(Settings(), Settings.read(stored))
        val chosen = Settings(crops = 7, threads = 4, gpu = true, uploads = true, frontCamera = true)
        chosen.write(stored)
        assertEquals(chosen, Settings.read(stored))
        for (bad in listOf("0", "99", "two")) {
            stored["threads"] = bad
            stored["crops"] = bad
            assertEquals(bad, Settings.DEFAULT_THREADS, Settings.read(stored).threads)
            assertNull(bad, Settings.read(stored).crops)
        }
    }

    @Test
    fun `a chosen model replaces the app's, and goes`() {
        val shelf = ModelShelf(File(temporary.root, "model")) { ModelFile("model.tflite", byteArrayOf(1)) }
        assertTrue(shelf.isBundled)
        shelf.choose(ModelShelf.read("my model (2).tflite", ByteArrayInputStream(byteArrayOf(2))))
        assertEquals("my_model__2_.tflite", shelf.current().name)
        shelf.choose(ModelFile("other.tflite", byteArrayOf(3)))
        assertArrayEquals(byteArrayOf(3), shelf.current().content)
        assertEquals(1, File(temporary.root, "model").list()!!.size)
        shelf.useBundled()
        assertEquals("model.tflite", shelf.current().name)
    }

    @Test
    fun `a model that was half copied is not used`() {
        val shelf = ModelShelf(File(temporary.root, "model")) { ModelFile("model.tflite", byteArrayOf(1)) }
        File(temporary.root, "model").mkdirs()
        File(temporary.root, "model/x.tflite$UNFINISHED").writeText("half")
        assertTrue(shelf.isBundled)
        shelf.recover()
        assertEquals(emptyList<String>(), halves(temporary.root))
    }

    @Test
    fun `names of models that lead elsewhere lead nowhere`() {
        for ((given, safe) in mapOf("../../x" to "_.._x", ".part" to "part", "" to "model", "a/b" to "a_b")) {
            assertEquals(safe, ModelShelf.read(given, ByteArrayInputStream(ByteArray(0))).name)
        }
    }

    @Test
    fun `a stream is read up to its limit`() {
        assertEquals(5, readBounded(ByteArrayInputStream(ByteArray(5)), 5).size)
        assertThrows(TooLargeException::class.java) { readBounded(ByteArrayInputStream(ByteArray(6)), 5) }
    }

    @Test
    fun `a file is written in whole or not at all`() {
        val file = File(temporary.root, "x.json").apply { writeText("old") }
        assertThrows(IOException::class.java) {
            writeWhole(file) {
                it.write(1)
                throw IOException("a cable was pulled")
            }
        }
        assertEquals("old", file.readText())
        assertEquals(emptyList<String>(), halves(temporary.root))
    }

    @Test
    fun `a machine is told from what Linux says`() {
        fun put(path: String, text: String) = File(temporary.root, path).apply { parentFile!!.mkdirs() }.writeText(text)
        put("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nFeatures\t: fp asimd i8mm asimddp\n")
        for ((core, khz) in listOf(0 to 1803000, 1 to 1803000, 10 to 2850000)) {
            put("sys/devices/system/cpu/cpu$core/cpufreq/cpuinfo_max_freq", "$khz\n")
            put("sys/devices/system/cpu/cpu$core/cpufreq/scaling_cur_freq", "${khz / 2}\n")
            put("sys/devices/system/cpu/cpu$core/cpufreq/scaling_governor", "schedutil\n")
        }
        val facts = PhoneFacts("Google Pixel 7", null, "aarch64", "Android 14", "Linux 5.10", 8, 7500, true)
        val told = Machine(facts, { PhoneState(null, null, null, null) }, temporary.root).machine()
        assertEquals(listOf("asimddp", "i8mm"), told["int8_instructions"])
        assertEquals(
            listOf(mapOf("cores" to listOf(0, 1), "core" to null, "max_mhz" to 1803.0), mapOf("cores" to listOf(10), "core" to null, "max_mhz" to 2850.0)),
            told["clusters"],
        )
        assertEquals(true, told["virtual"])
        assertEquals(false, told["emulated"])
        val state = told["state"] as Map<*, *>
        assertEquals(listOf(901.5, 901.5, 1425.0), state["clocks_mhz"])
        assertEquals(listOf("schedutil"), state["governors"])
    }

    @Test
    fun `a machine whose files are closed says null, and one that is emulated says so`() {
        val told = TEST_MACHINE.machine()
        for (key in listOf("clusters", "int8_instructions", "virtual", "libc", "python")) assertNull(key, told[key])
        File(temporary.root, "proc").mkdirs()
        File(temporary.root, "proc/cpuinfo").writeText("processor : 0\nvendor_id : GenuineIntel\nflags : avx512_vnni\n")
        val facts = PhoneFacts(null, null, "aarch64", "Android 14", "Linux", 2, null, false)
        val foreign = Machine(facts, { PhoneState(null, null, null, null) }, temporary.root).machine()
        assertEquals(true, foreign["emulated"])
        assertNull(foreign["int8_instructions"])
    }

    @Test
    fun `the live loop judges one frame at a time and lets the others go`() {
        val jobs = ManualJobs()
        val told = ArrayList<Result<LiveResult>>()
        val scorer = ScriptedScorer()
        val loop = LiveLoop(jobs, { 0.0 }) { told += it }
        val released = ArrayList<Int>()
        assertFalse("no model yet", loop.offer(::frame) { released += 0 })
        loop.start(scorer, 3)
        assertTrue(loop.offer(::frame) { released += 1 })
        assertFalse("one is being judged", loop.offer({ error("must not be made") }) { released += 2 })
        assertEquals(listOf(0, 2), released)
        jobs.all()
        assertEquals(listOf(0, 2, 1), released)
        assertEquals(1, told.size)
        assertEquals(listOf<Int?>(3), scorer.crops)
        assertTrue(loop.offer(::frame) { released += 3 })
    }

    @Test
    fun `a frame that is judged when the loop stops is not told of`() {
        val jobs = ManualJobs()
        val told = ArrayList<Result<LiveResult>>()
        val loop = LiveLoop(jobs, { 0.0 }) { told += it }
        var isReleased = false
        loop.start(ScriptedScorer(), null)
        loop.offer(::frame) { isReleased = true }
        loop.stop()
        jobs.all()
        assertTrue(isReleased)
        assertEquals(0, told.size)
    }

    @Test
    fun `a frame that can't be used is told, given back, and the next is judged`() {
        val jobs = ManualJobs()
        val told = ArrayList<Result<LiveResult>>()
        val loop = LiveLoop(jobs, { 0.0 }) { told += it }
        var released = 0
        loop.start(ScriptedScorer(), null)
        // Of no length, as some drivers give them.
        val empty = { edgekit.runtime.Frame.of(java.nio.ByteBuffer.allocate(0), edgekit.runtime.SizeWh(64, 64), edgekit.runtime.Layout.NV21) }
        loop.offer(empty) { released++ }
        jobs.all()
        loop.offer(::frame) { released++ }
        jobs.all()
        assertEquals(listOf(false, true), told.map { it.isSuccess })
        assertEquals(2, released)
    }

    @Test
    fun `verdicts of frames are smoothed by time`() {
        val jobs = ManualJobs()
        val told = ArrayList<LiveResult.Whole>()
        var nowS = 0.0
        val scorer = ScriptedScorer(answer = { verdict(0.01) })
        val loop = LiveLoop(jobs, { nowS }) { told += it.getOrThrow() as LiveResult.Whole }
        loop.start(scorer, null)
        fun next(attack: Double, atS: Double) {
            nowS = atS
            scorer.answer = { verdict(attack) }
            loop.offer(::frame) {}
            jobs.all()
        }
        next(0.01, 0.0)
        next(0.99, 0.05)
        assertEquals("one frame changes nothing", "genuine", told.last().smoothed.label)
        next(0.99, 3.0)
        assertEquals("recapture", told.last().smoothed.label)
    }
}
