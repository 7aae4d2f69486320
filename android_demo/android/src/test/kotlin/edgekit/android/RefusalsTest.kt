package edgekit.android

import edgekit.runtime.PhotoException
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner

/** The `refusals` vectors: files that are no photos, or not whole. */
@RunWith(ParameterizedRobolectricTestRunner::class)
class RefusalsTest(private val name: String) {
    @Test
    fun isRefused() {
        val vector = Vectors.named("refusals", name)
        val told = assertThrows(vector.getString("why"), PhotoException::class.java) {
            Photos.read(Vectors.data(vector.getString("photo")), null, name)
        }
        if (!vector.isNull("what")) {
            assertTrue("${vector.getString("why")}: ${told.message}", vector.getString("what") in told.message!!)
        }
    }

    companion object {
        @JvmStatic
        @ParameterizedRobolectricTestRunner.Parameters(name = "{0}")
        fun vectors(): List<Array<Any>> = Vectors.names("refusals").map { arrayOf(it) }
    }
}
