package edgekit.capture

import edgekit.capture.core.REPOSITORY
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** Thumbnails lie as the runtime reads the photo: what it judged is what is framed. */
@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(sdk = [34], application = TestApp::class)
class PicturesTest {
    private val data = File(REPOSITORY, "tests/conformance/data")

    @Test
    fun `photos stand upright and are not mirrored, by every EXIF orientation`() {
        for (orientation in 2..8) {
            val name = "exif-$orientation.png"
            val found = upright(File(data, name).readBytes(), 100_000)!!
            val rgb = File(data, "$name.rgb").readBytes()
            assertEquals(name, rgb.size, found.width * found.height * 3)
            val pixels = IntArray(found.width * found.height).also { found.getPixels(it, 0, found.width, 0, 0, found.width, found.height) }
            val differ = pixels.indices.count { at ->
                val expected = (0..2).fold(0xFF) { value, channel -> value shl 8 or (rgb[3 * at + channel].toInt() and 0xFF) }
                pixels[at] != expected
            }
            assertEquals("$name: pixels that differ", 0, differ)
        }
    }

    @Test
    fun `a picture is reduced, and what is none has no picture`() {
        val bytes = asset("bench/genuine-laptop-ips_0000.jpg")
        val small = upright(bytes, 240)!!
        assertEquals("longer side ${maxOf(small.width, small.height)}", true, maxOf(small.width, small.height) in 240..480)
        assertNull(upright(ByteArray(100), 240))
    }
}
