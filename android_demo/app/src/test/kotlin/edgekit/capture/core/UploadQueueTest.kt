package edgekit.capture.core

import edgekit.runtime.Json
import java.io.File
import java.io.IOException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class UploadQueueTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val store by lazy { CaptureStore(File(temporary.root, "captures")) }
    private val outbox get() = File(temporary.root, "outbox")
    private var nowMs = NOON_MS

    private class Scripted(var failure: Exception? = null) : Uploader {
        val taken = ArrayList<String>()

        var meanwhile: () -> Unit = {}

        override fun upload(capture: StoredCapture) {
            failure?.let { throw it }
            meanwhile()
            taken += capture.record.id
        }
    }

    private fun queue(uploader: Uploader, disk: Disk = DEVICE_DISK) = UploadQueue(File(temporary.root, "queue"), store, uploader, disk) { nowMs }

    private fun folder(disk: Disk = DEVICE_DISK) = FolderUploader(outbox, "4e81c2d0", disk)

    @Test
    fun `a folder takes photo and record together`() {
        val capture = store.capture()
        val queue = queue(folder())
        queue.add(capture.record.id)
        assertEquals(1, queue.run())
        val copied = File(outbox, capture.record.id)
        assertArrayEquals(capture.photo.readBytes(), File(copied, capture.record.photo).readBytes())
        assertEquals(capture.record, CaptureRecord.fromJson(File(copied, capture.recordFile.name).readText()))
        assertEquals(
            mapOf("schema" to 1L, "installation" to "4e81c2d0", "lens" to "back"),
            Json.parse(File(copied, "origin.json").readText()),
        )
        assertEquals(3, copied.list()!!.size)
        assertEquals(QueueState(0, 0, null, null), queue.state())
    }

    @Test
    fun `a truth that is given later, or taken back, takes the place of the record that was copied`() {
        val capture = store.capture()
        val queue = queue(folder())
        queue.add(capture.record.id)
        queue.run()
        val copied = File(outbox, capture.record.id)
        for (truth in listOf("recapture", "genuine", null)) {
            store.setTruth(store.find(capture.record.id)!!, truth)
            queue.add(capture.record.id)
            assertEquals(1, queue.run())
            assertEquals(truth, CaptureRecord.fromJson(File(copied, capture.recordFile.name).readText()).truth)
            assertEquals(3, copied.list()!!.size)
        }
        val before = File(copied, capture.recordFile.name).apply { setLastModified(1_000_000) }.lastModified()
        queue.add(capture.record.id)
        queue.run()
        assertEquals("what is the same is left alone", before, File(copied, capture.recordFile.name).lastModified())
    }

    @Test
    fun `a truth that is given while the record before is copied is copied after it`() {
        val capture = store.capture()
        val uploader = Scripted()
        val queue = queue(uploader)
        uploader.meanwhile = {
            uploader.meanwhile = {}
            queue.add(capture.record.id)
        }
        queue.add(capture.record.id)
        assertEquals(1, queue.run())
        assertEquals(QueueState(1, 0, NOON_MS, null), queue.state())
        assertEquals(1, queue.run())
        assertEquals(QueueState(0, 0, null, null), queue.state())
        assertEquals(2, uploader.taken.size)
    }

    @Test
    fun `what the storage has no room to queue is told, and queued when it has`() {
        val capture = store.capture()
        var disk: Disk = SmallDisk(10)
        val uploader = Scripted(IOException("no route"))
        val queue = queue(uploader) { disk.create(it) }
        queue.add(capture.record.id)
        assertEquals(1, queue.state().waiting)
        assertTrue(queue.state().lastProblem!!, "storage is full" in queue.state().lastProblem!!)
        queue.run()
        assertEquals("it is put off all the same", NOON_MS + 30_000, queue.state().nextTryMs)
        disk = DEVICE_DISK
        queue.state()
        uploader.failure = null
        nowMs += 30_000
        assertEquals("a restart loses nothing", 1, queue(uploader).run())
    }

    @Test
    fun `a folder that is full takes nothing, and the capture waits`() {
        val capture = store.capture()
        val queue = queue(folder(SmallDisk(1000)))
        queue.add(capture.record.id)
        assertEquals(0, queue.run())
        assertEquals(emptyList<String>(), outbox.list()!!.toList())
        assertEquals(1, queue.state().waiting)
        assertTrue(queue.state().lastProblem!!, "full" in queue.state().lastProblem!!)
    }

    @Test
    fun `a copy that was cut off is made anew`() {
        val capture = store.capture()
        File(outbox, capture.record.id + UNFINISHED).mkdirs()
        folder().upload(capture)
        assertEquals(listOf(capture.record.id), outbox.list()!!.toList())
    }

    @Test
    fun `waiting times double up to an hour`() {
        val expected = listOf(30, 60, 120, 240, 480, 960, 1920, 3600, 3600).map { it * 1000L }
        assertEquals(expected, (0..8).map(UploadQueue::waitMs))
    }

    @Test
    fun `what fails is tried again when its time has come, not before`() {
        val capture = store.capture()
        val uploader = Scripted(IOException("no route"))
        val queue = queue(uploader)
        queue.add(capture.record.id)
        queue.run()
        assertEquals(QueueState(1, 0, NOON_MS + 30_000, "no route"), queue.state())
        uploader.failure = null
        nowMs += 29_999
        assertEquals(0, queue.run())
        nowMs += 1
        assertEquals(1, queue.run())
        assertEquals(listOf(capture.record.id), uploader.taken)
    }

    @Test
    fun `a restart loses neither captures nor waiting times`() {
        val capture = store.capture()
        queue(Scripted(IOException("no route"))).run { add(capture.record.id); run(); nowMs += 30_000; run() }
        val again = queue(Scripted())
        assertEquals(NOON_MS + 30_000 + 60_000, again.state().nextTryMs)
        nowMs += 60_000
        assertEquals(1, again.run())
    }

    @Test
    fun `a failure ends the round, since what is absent for one is absent for all`() {
        val captures = (0..2).map { store.capture(seed = it) }
        val queue = queue(Scripted(IOException("no route")))
        captures.forEach { queue.add(it.record.id) }
        queue.run()
        assertEquals(3, queue.state().waiting)
        assertEquals(NOON_MS, queue.state().nextTryMs)
    }

    @Test
    fun `what is refused is not tried again until a person asks`() {
        val capture = store.capture()
        val uploader = Scripted(UploadRefused("too old"))
        val queue = queue(uploader)
        queue.add(capture.record.id)
        queue.run()
        assertEquals(1, queue.state().refused)
        uploader.failure = null
        nowMs += 10_000_000
        assertEquals(0, queue.run())
        queue.retryAll()
        assertEquals(1, queue.run())
    }

    @Test
    fun `a capture that was deleted meanwhile leaves the queue`() {
        val capture = store.capture()
        val queue = queue(Scripted(IOException("must not be asked")))
        queue.add(capture.record.id)
        store.delete(capture.record.id)
        assertEquals(0, queue.run())
        assertEquals(QueueState(0, 0, null, null), queue.state())
    }

    @Test
    fun `an entry that is damaged is due at once`() {
        val capture = store.capture()
        val uploader = Scripted()
        val queue = queue(uploader)
        queue.add(capture.record.id)
        File(temporary.root, "queue/${capture.record.id}.json").writeText("{")
        assertEquals(1, queue.run())
    }

    @Test
    fun `an id that is none is refused`() {
        assertThrows(IllegalStateException::class.java) { queue(Scripted()).add("../x") }
    }
}
