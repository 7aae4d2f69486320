package edgekit.runtime

import java.io.ByteArrayOutputStream
import java.time.Duration
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTimeoutPreemptively
import org.junit.jupiter.api.Test

/** What a crafted JPEG costs; what EXIF says is held by the vectors. */
class ExifTest {
    private fun segment(content: ByteArray): ByteArray {
        val length = content.size + 2
        return byteArrayOf(-1, 0xE1.toByte(), (length shr 8).toByte(), length.toByte()) + content
    }

    /** A JPEG's head whose EXIF block has its only entry at the very end, so many full segments behind its start. */
    private fun spread(segments: Int, orientation: Int): ByteArray {
        val mark = "Exif\u0000\u0000".toByteArray()
        val body = ByteArray(segments * BODY_BYTES)
        val directory = body.size - DIRECTORY_BYTES
        val head = byteArrayOf('M'.code.toByte(), 'M'.code.toByte(), 0, 42) + ByteArray(4) { (directory shr (24 - 8 * it)).toByte() }
        head.copyInto(body)
        byteArrayOf(0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation.toByte(), 0, 0).copyInto(body, directory)
        val out = ByteArrayOutputStream()
        out.write(byteArrayOf(-1, 0xD8.toByte()))
        for (number in 0 until segments) out.write(segment(mark + body.copyOfRange(number * BODY_BYTES, (number + 1) * BODY_BYTES)))
        out.write(byteArrayOf(-1, 0xDA.toByte()))
        return out.toByteArray()
    }

    @Test
    fun `a block of many segments is joined, in a time that grows as the file does`() {
        for (orientation in 1..8) assertEquals(orientation, Exif.orientation(spread(3, orientation)))
        val large = spread(800, 6)
        // Copying all of it for each segment took 17 s, on a machine that had nothing else to do.
        assertTimeoutPreemptively(Duration.ofSeconds(5)) { assertEquals(6, Exif.orientation(large)) }
    }

    private companion object {
        const val BODY_BYTES = 65_000
        const val DIRECTORY_BYTES = 18
    }
}
