package edgekit.capture.core

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
        override val name = "scripted"
        val taken = ArrayList<String>()

        override fun upload(capture: StoredCapture) {
            failure?.let { throw it }
            taken += capture.record.id
        }
    }

    private fun queue(uploader: Uploader) = UploadQueue(File(temporary.root, "queue"), store, uploader) { nowMs }

    @Test
    fun `a folder takes photo and record together`() {
        val capture = store.capture()
        val queue = queue(FolderUploader(outbox))
        queue.add(capture.record.id)
        assertEquals(1, queue.run())
        val copied = File(outbox, capture.record.id)
        assertArrayEquals(capture.photo.readBytes(), File(copied, capture.record.photo).readBytes())
        assertEquals(capture.record, CaptureRecord.fromJson(File(copied, capture.recordFile.name).readText()))
        assertEquals(QueueState(0, 0, null, null), queue.state())
    }

    @Test
    fun `a folder that is full takes nothing, and the capture waits`() {
        val capture = store.capture()
        val queue = queue(FolderUploader(outbox, SmallDisk(1000)))
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
        FolderUploader(outbox).upload(capture)
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
