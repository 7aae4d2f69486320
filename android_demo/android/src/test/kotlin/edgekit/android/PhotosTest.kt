package edgekit.android

import edgekit.runtime.PhotoException
import edgekit.runtime.Picture
import kotlin.math.abs
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assert.fail
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner

/** The `photos` vectors, by Android's own decoders. */
@RunWith(ParameterizedRobolectricTestRunner::class)
class PhotosTest(private val name: String) {
    @Test
    fun holds() {
        val vector = Vectors.named("photos", name)
        val why = vector.getString("why")
        val working = if (vector.isNull("working_px")) null else vector.getInt("working_px")
        val photo = try {
            Photos.read(Vectors.data(vector.getString("photo")), working, name)
        } catch (refusal: PhotoException) {
            if (vector.getString("ports") != "refuse") throw AssertionError("$why: ${refusal.message}", refusal)
            return
        }
        if (vector.getString("ports") != "read") fail("$why: it was read")
        val picture = photo.pixels as Picture
        assertEquals(why, vector.getJSONArray("size_wh").ints(), listOf(photo.size.widthPx, photo.size.heightPx))
        assertEquals(why, vector.getInt("shrink"), photo.shrink)
        assertEquals(why, vector.getJSONArray("picture_wh").ints(), listOf(picture.widthPx, picture.heightPx))
        val expected = Vectors.data(vector.getString("picture"))
        val levels = expected.indices.maxOf { abs((expected[it].toInt() and 255) - (picture.rgb[it].toInt() and 255)) }
        assertTrue("$why: differs by $levels levels", levels <= vector.getJSONObject("tolerance").getInt("levels"))
    }

    companion object {
        @JvmStatic
        @ParameterizedRobolectricTestRunner.Parameters(name = "{0}")
        fun vectors(): List<Array<Any>> = Vectors.names("photos").map { arrayOf(it) }
    }
}
