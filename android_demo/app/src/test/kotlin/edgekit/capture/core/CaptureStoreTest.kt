package edgekit.capture.core

import edgekit.runtime.RecordException
import java.io.File
import java.io.FileOutputStream
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class CaptureStoreTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val folder get() = File(temporary.root, "captures")
    private val store get() = CaptureStore(folder)

    @Test
    fun `a photo and its record are stored together and read back`() {
        val stored = store.capture(attack = 0.9)
        val found = store.list().whole.single()
        assertEquals(stored, found)
        assertArrayEquals(photo("444.jpg"), found.photo.readBytes())
        assertEquals(stored.record, CaptureRecord.fromJson(found.recordFile.readText()))
        assertEquals("back", found.lens)
    }

    @Test
    fun `the newest comes first`() {
        val ids = (0L..2).map { store.capture(nowMs = NOON_MS + it * 86_400_000, seed = it.toInt()).record.id }
        assertEquals(ids.reversed(), store.list().whole.map { it.record.id })
    }

    @Test
    fun `a process that ends between photo and record leaves nothing to the next start`() {
        store.begin("20261130T071355123Z-00000001", photo("444.jpg"), "jpg", "back")
        assertEquals(emptyList<StoredCapture>(), store.list().whole)
        assertEquals(1, store.recover())
        assertEquals(emptyList<String>(), folder.list()!!.toList())
    }

    @Test
    fun `a process that ends while a truth is noted leaves the old record`() {
        val stored = store.capture()
        File(stored.folder, "${stored.record.id}.json$UNFINISHED").writeText("{\"schema\"")
        assertEquals(1, store.recover())
        assertEquals(listOf(stored), store.list().whole)
        assertEquals(emptyList<String>(), halves(folder))
    }

    @Test
    fun `wherever the disk fills up, nothing is left and the message says why`() {
        val whole = photo("444.jpg").size + "back".length + record("x").toJson().length
        for (free in listOf(0, 1, 1000, photo("444.jpg").size, photo("444.jpg").size + 4, whole - 1)) {
            val full = CaptureStore(folder, SmallDisk(free.toLong()))
            assertThrows("with $free bytes", StorageFullException::class.java) { full.capture() }
            assertEquals("with $free bytes", emptyList<String>(), folder.list()!!.toList())
        }
    }

    @Test
    fun `a device that is really full is told as such`() {
        val full = File("/dev/full")
        org.junit.Assume.assumeTrue("this system has no /dev/full", full.exists())
        val store = CaptureStore(folder) { FileOutputStream(full) }
        assertThrows(StorageFullException::class.java) { store.capture() }
        assertEquals(emptyList<String>(), folder.list()!!.toList())
    }

    @Test
    fun `a full disk leaves the truth as it was`() {
        val stored = store.capture(truth = "genuine")
        assertThrows(StorageFullException::class.java) { CaptureStore(folder, SmallDisk(10)).setTruth(stored, "recapture") }
        assertEquals("genuine", store.list().whole.single().record.truth)
        assertEquals(emptyList<String>(), halves(folder))
    }

    @Test
    fun `a truth is noted and taken back`() {
        val stored = store.capture()
        val said = store.setTruth(stored, "recapture")
        assertEquals("recapture", store.find(stored.record.id)!!.record.truth)
        store.setTruth(said, null)
        assertNull(store.find(stored.record.id)!!.record.truth)
    }

    @Test
    fun `what is damaged is counted and left alone`() {
        store.capture(seed = 1)
        val torn = store.capture(seed = 2)
        torn.recordFile.writeText(torn.recordFile.readText().dropLast(20))
        val bare = store.capture(seed = 3)
        bare.photo.delete()
        val alien = store.capture(seed = 4)
        alien.recordFile.writeText(alien.recordFile.readText().replace("\"schema\": 1", "\"schema\": 2"))
        val found = store.list()
        assertEquals(3, found.damaged)
        assertEquals(1, found.whole.size)
        assertTrue(torn.folder.isDirectory && bare.folder.isDirectory && alien.folder.isDirectory)
    }

    @Test
    fun `a capture is deleted in whole`() {
        val stored = store.capture()
        store.delete(stored.record.id)
        assertEquals(emptyList<String>(), folder.list()!!.toList())
    }

    @Test
    fun `names that lead out of the folder are refused`() {
        for (id in listOf("../x", "", "a/b", "a.b", "x".repeat(65))) {
            assertThrows(id, IllegalStateException::class.java) { store.begin(id, ByteArray(1), "jpg", null) }
            assertNull(store.find(id))
        }
    }

    @Test
    fun `records are read strictly`() {
        val good = record("20261130T071355123Z-00000001").toJson()
        assertEquals("20261130T071355123Z-00000001", CaptureRecord.fromJson(good).id)
        val mistakes = mapOf(
            "\"schema\": 1" to "\"schema\": 9",
            "\"truth\": null" to "\"truth\": \"screen\"",
            "\"truth\": null" to "\"truth\": null, \"more\": 1",
            "\"source\": \"shutter\"" to "\"source\": \"scanner\"",
            "2026-11-30T" to "2026-13-30T",
            "\"rotation\": 90" to "\"rotation\": \"90\"",
            ".jpg\"" to ".exe\"",
            "\"box\": [0, 0, 96, 96]" to "\"box\": [0, 0, 96]",
        )
        for ((old, new) in mistakes) {
            assertTrue("$old must stand in the record", old in good)
            assertThrows(new, RecordException::class.java) { CaptureRecord.fromJson(good.replaceFirst(old, new)) }
        }
    }

    @Test
    fun `a rotation is that of the file's EXIF`() {
        val expected = mapOf("444.jpg" to 0, "exif-3.png" to 180, "exif-6.png" to 90, "exif-8.png" to 270, "exif-6.jpg" to 90)
        for ((name, degrees) in expected) assertEquals(name, degrees, rotationOf(photo(name)))
    }

    @Test
    fun `ids differ and times are read as they are written`() {
        val random = kotlin.random.Random(1)
        assertEquals(100, (1..100).map { newId(NOON_MS, random) }.onEach { assertTrue(it, isId(it)) }.toSet().size)
        assertEquals("2026-11-30T07:13:55.123Z", rfc3339(NOON_MS))
        assertEquals(NOON_MS, parseRfc3339(rfc3339(NOON_MS)))
    }
}
