package edgekit.android

import android.graphics.Bitmap
import android.graphics.Color
import edgekit.runtime.Headers
import edgekit.runtime.Limits
import edgekit.runtime.Photo
import edgekit.runtime.PhotoException
import edgekit.runtime.Picture
import org.json.JSONObject
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

/** Photos that are cut short, of wide colours, of 200 megapixels, or transparent: what Python says of them. */
@RunWith(RobolectricTestRunner::class)
class HardPhotosTest {
    @Test
    fun filesCutShortAreRefusedWherePythonRefusesThem() {
        // What Python reads although its end is missing may be refused: a checksum, a mark of the end.
        val wrong = Vectors.answers("cut").mapNotNull { answer ->
            val name = answer.getString("file")
            val isCut = answer.getInt("bytes") < Vectors.data(name).size
            complaint("$name cut to ${answer.getInt("bytes")} bytes", answer, mayRefuse = isCut) {
                Photos.read(Vectors.data(name).copyOf(answer.getInt("bytes")), null, name)
            }
        }
        assertEquals("", wrong.joinToString("\n"))
    }

    @Test
    fun photosOfWideColoursAndOf200MegapixelsAreReadAsInPython() {
        val wrong = Vectors.answers("photos").mapNotNull { answer ->
            val name = answer.getString("file")
            val working = if (answer.isNull("working_px")) null else answer.getInt("working_px")
            complaint("$name for $working px", answer) {
                Photos.read(Vectors.expected("photos/$name").readBytes(), working, name)
            }
        }
        assertEquals("", wrong.joinToString("\n"))
    }

    @Test
    fun bitmapsAreReadWhateverTheirKindAndMustBeOpaque() {
        val bitmap = Bitmap.createBitmap(9, 8, Bitmap.Config.ARGB_8888)
        bitmap.eraseColor(Color.rgb(10, 20, 30))
        val red = byteArrayOf(10, 20, 30)
        assertEquals(red.toList(), Photos.picture(bitmap).rgb.take(3))
        assertEquals(red.toList(), Photos.picture(bitmap.copy(Bitmap.Config.RGBA_F16, false)).rgb.take(3))
        bitmap.setPixel(8, 7, Color.argb(254, 1, 2, 3))
        val told = assertThrows(PhotoException::class.java) { Photos.picture(bitmap) }
        assertTrue(told.message, "must be opaque" in told.message!!)
        bitmap.recycle()
        assertThrows(PhotoException::class.java) { Photos.picture(bitmap) }
    }

    @Test
    fun aPhotoMayTakeHalfOfTheMemoryThatIsLeft() {
        val cases = mapOf(
            "MemTotal:  2000000 kB\nMemFree:  100000 kB\nMemAvailable:   600000 kB\nCached: 300000 kB\n" to 307_200_000L,
            "MemTotal:  2000000 kB\nMemFree:  100000 kB\nBuffers: 1 kB\nCached: 300000 kB\nSwapCached: 9 kB\n" to 204_800_000L,
            "MemAvailable:   99000000 kB\n" to Limits.MAX_DECODED_BYTES,
            "MemAvailable:   0 kB\n" to 0L,
            "nothing of the kind" to Limits.MAX_DECODED_BYTES,
        )
        for ((told, bytes) in cases) assertEquals(told, bytes, Memory.decodingBytes(told))
        assertTrue(Memory.decodingBytes() in 1..Limits.MAX_DECODED_BYTES)
    }

    @Test
    fun aProgressivePhotoIsRefusedWhereItsCoefficientsDoNotFit() {
        val content = Vectors.data("progressive.jpg")
        val outline = Headers.jpeg(content, "a.jpg")
        val needed = outline.coefficientBytes + 4L * outline.size.widthPx * outline.size.heightPx
        assertTrue("$outline", outline.coefficientBytes > 0)
        Headers.check(content, null, "a.jpg", needed)
        val told = assertThrows(PhotoException::class.java) { Headers.check(content, null, "a.jpg", needed - 1) }
        assertTrue(told.message, "at most ${needed - 1} bytes to decode" in told.message!!)
    }

    @Test
    fun whatIsNoPhotoIsToldByName() {
        val cases = mapOf(
            "%PDF-1.7" to "PDF",
            "" to "0 bytes",
            "<!doctype html><title>x" to "HTML",
            "\u0000\u0000\u0000\u0018ftypheic\u0000\u0000\u0000\u0000mif1heic" to "a HEIC; export it as JPEG",
            "\u0000\u0000\u0000\u0018ftypavif\u0000\u0000\u0000\u0000mif1avif" to "an AVIF; export it as JPEG",
        )
        for ((content, word) in cases) {
            val told = assertThrows(PhotoException::class.java) { Photos.read(content.toByteArray(), null, "a.jpg") }
            assertTrue(told.message, word in told.message!!)
        }
    }

    /** What is wrong with what became of a photo; null where it is what Python made of it. */
    private fun complaint(what: String, answer: JSONObject, mayRefuse: Boolean = false, read: () -> Photo): String? {
        val photo = try {
            read()
        } catch (refusal: PhotoException) {
            return if (answer.has("refused") || mayRefuse) null else "$what: refused by ${refusal.message}"
        }
        if (answer.has("refused")) return "$what: read, and Python says ${answer.getString("refused")}"
        val picture = photo.pixels as Picture
        val found = listOf(photo.size.widthPx, photo.size.heightPx, picture.widthPx, picture.heightPx)
        val expected = answer.getJSONArray("size_wh").ints() + answer.getJSONArray("picture_wh").ints()
        if (found != expected) return "$what: sizes $found, expected $expected"
        val isEqual = Vectors.sha256(picture.rgb) == answer.getString("sha256")
        return if (isEqual) null else "$what: other pixels than Python's"
    }
}
