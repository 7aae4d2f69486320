package edgekit.runtime

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource

class PictureTest {
    /** Pixels that are numbered by letters. */
    private fun picture(vararg rows: String) =
        Picture(rows[0].length, rows.size, rows.joinToString("").flatMap { letter -> List(3) { (letter.code + it).toByte() } }.toByteArray())

    private fun rowsOf(picture: Picture): String {
        val letters = picture.rgb.filterIndexed { at, _ -> at % 3 == 0 }.map { it.toInt().toChar() }.joinToString("")
        return letters.chunked(picture.widthPx).joinToString("/")
    }

    @ParameterizedTest
    @CsvSource(
        "0, abc/def", "1, abc/def", "2, cba/fed", "3, fed/cba", "4, def/abc", "5, ad/be/cf", "6, da/eb/fc", "7, fc/eb/da", "8, cf/be/ad",
        "9, abc/def",
    )
    fun `a picture is turned as EXIF says`(orientation: Int, rows: String) {
        val turned = picture("abc", "def").turned(orientation)
        assertEquals(rows, rowsOf(turned))
        // A pixel's channels stay together.
        assertEquals(turned.rgb[0] + 1, turned.rgb[1].toInt())
    }

    @Test
    fun `blocks are averaged, and what is left over is dropped`() {
        val reduced = picture("aac", "aac", "zzz").reduce(2)
        assertEquals(SizeWh(1, 1), reduced.size)
        assertArrayEquals("abc".toByteArray(), reduced.rgb)
    }

    @Test
    fun `pixels must be there, and not too many`() {
        for ((width, height, bytes) in listOf(Triple(0, 1, 0), Triple(-1, -1, 3), Triple(2, 2, 11), Triple(2, 2, 13), Triple(40_000, 40_000, 0))) {
            assertThrows(PhotoException::class.java) { Picture(width, height, ByteArray(bytes)) }
        }
        assertThrows(PhotoException::class.java) { Photo(picture("ab"), SizeWh(4, 4), 2) }
    }
}
