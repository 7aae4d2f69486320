package edgekit.capture.core

import edgekit.runtime.Json
import java.io.File
import java.util.concurrent.CancellationException
import java.util.zip.ZipFile
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class ExportTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val store by lazy { CaptureStore(File(temporary.root, "captures")) }
    private val target get() = File(temporary.root, "exports/edgekit-captures-1.zip")

    private fun export(disk: Disk = DEVICE_DISK, steps: Steps = Steps { _, _ -> }) =
        exportCaptures(store.list().whole, IDENTITY, NOON_MS, target, disk, steps)

    private fun members(): Map<String, ByteArray> = ZipFile(target).use { zip ->
        zip.entries().asSequence().associate { it.name to zip.getInputStream(it).readBytes() }
    }

    @Test
    fun `photos with a truth have a row in the manifest, others lie beside`() {
        val told = store.capture(attack = 0.9, truth = "genuine", seed = 1)
        val picked = store.capture(lens = null, truth = "recapture", seed = 2)
        val untold = store.capture(seed = 3)
        export()
        val found = members()
        assertEquals(
            setOf(
                "export.json", "manifest.csv", "verdicts.jsonl", "photos/${told.record.photo}", "photos/${picked.record.photo}",
                "unlabelled/${untold.record.photo}",
            ),
            found.keys,
        )
        assertArrayEquals(photo("444.jpg"), found["photos/${told.record.photo}"])
        val rows = String(found.getValue("manifest.csv")).lines().filter(String::isNotEmpty)
        assertEquals("path,label,group,camera", rows[0])
        assertTrue(rows.toString(), "photos/${told.record.photo},genuine,4e81c2d0-20261130,Google Pixel 7 back" in rows)
        assertTrue(rows.toString(), "photos/${picked.record.photo},recapture,4e81c2d0-20261130," in rows)
        assertEquals(3, rows.size)
        val records = String(found.getValue("verdicts.jsonl")).trim().lines().map(CaptureRecord::fromJson)
        assertEquals(store.list().whole.map { it.record }, records)
    }

    @Test
    fun `it says what it is`() {
        store.capture(seed = 1)
        store.capture(seed = 2)
        export()
        assertEquals(
            mapOf(
                "schema" to 1L, "kind" to "captures", "app" to IDENTITY.app, "device" to IDENTITY.device,
                "created" to "2026-11-30T07:13:55.123Z",
                "models" to listOf(mapOf("name" to "demo-int8.tflite", "sha256" to "0".repeat(64))), "captures" to 2L,
            ),
            Json.parse(String(members().getValue("export.json"))),
        )
    }

    @Test
    fun `an export has as many photos as its verdicts may have bytes`() {
        val all = (0..3).map { store.capture(seed = it) }
        val line = all[0].record.toJson().length + 1L
        for ((bytes, count) in mapOf(0L to 1, line to 1, 2 * line - 1 to 1, 2 * line to 2, 4 * line to 4, MOST_VERDICTS_BYTES to 4)) {
            assertEquals("$bytes bytes", all.take(count), fitting(all, bytes))
        }
    }

    @Test
    fun `scores have no more digits than they need`() {
        val record = record("20261130T071355123Z-00000001", attack = 0.1)
        assertTrue(record.toJson(), "\"probabilities\": [0.9, 0.1]" in record.toJson())
        val third = record.copy(verdict = verdict(1 / 3.0))
        assertEquals(third.verdict.crops, CaptureRecord.fromJson(third.toJson()).verdict.crops)
    }

    @Test
    fun `cells with commas and quotes are quoted`() {
        assertEquals("plain", csvCell("plain"))
        assertEquals("\"a,b\"", csvCell("a,b"))
        assertEquals("\"say \"\"x\"\"\"", csvCell("say \"x\""))
    }

    @Test
    fun `an export that is interrupted at any photo leaves nothing`() {
        repeat(3) { store.capture(seed = it) }
        for (stop in 1..3) {
            assertThrows(CancellationException::class.java) {
                export { done, _ -> if (done == stop) throw CancellationException() }
            }
            assertEquals(emptyList<String>(), target.parentFile!!.list()!!.toList())
        }
        export()
        assertEquals(listOf(target.name), target.parentFile!!.list()!!.toList())
    }

    @Test
    fun `wherever the disk fills up, nothing is left`() {
        repeat(2) { store.capture(seed = it) }
        export()
        val size = target.length()
        target.delete()
        for (free in listOf(0, 100, size / 2, size - 1)) {
            assertThrows("with $free bytes", StorageFullException::class.java) { export(SmallDisk(free)) }
            assertEquals("with $free bytes", emptyList<String>(), target.parentFile!!.list()!!.toList())
        }
    }

    @Test
    fun `a process that ends in the middle leaves what the next start deletes`() {
        target.parentFile!!.mkdirs()
        File(target.path + UNFINISHED).writeText("PK")
        assertEquals(1, deleteUnfinished(target.parentFile!!))
        assertEquals(emptyList<String>(), target.parentFile!!.list()!!.toList())
    }

    @Test
    fun `a photo that goes meanwhile ends the export without a trace`() {
        val captures = (0..1).map { store.capture(seed = it) }
        captures[1].photo.delete()
        assertThrows(java.io.IOException::class.java) { exportCaptures(captures, IDENTITY, NOON_MS, target) }
        assertEquals(emptyList<String>(), target.parentFile!!.list()!!.toList())
    }
}
