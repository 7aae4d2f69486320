package edgekit.capture.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class GeometryTest {
    private val wide = SizePx(1440, 1080)

    private fun map(matrix: FloatArray, x: Double, y: Double): Pair<Double, Double> =
        (matrix[0] * x + matrix[1] * y + matrix[2]) to (matrix[3] * x + matrix[4] * y + matrix[5])

    @Test
    fun `a photo is turned by sensor and display`() {
        // sensor, display, front: degrees
        val table = listOf(
            listOf(90, 0, 0) to 90, listOf(90, 90, 0) to 0, listOf(90, 180, 0) to 270, listOf(90, 270, 0) to 180,
            listOf(270, 0, 1) to 270, listOf(270, 90, 1) to 0, listOf(270, 180, 1) to 90, listOf(270, 270, 1) to 180,
            listOf(0, 0, 0) to 0, listOf(0, 90, 0) to 270,
        )
        for ((given, degrees) in table) {
            assertEquals("$given", degrees, uprightDegrees(given[0], given[1], given[2] == 1))
        }
    }

    @Test
    fun `a preview of the view's own shape fills it without being moved`() {
        assertMatrix(floatArrayOf(1f, 0f, 0f, 0f, 1f, 0f, 0f, 0f, 1f), previewMatrix(SizePx(1080, 1440), wide, 90, 0))
        assertMatrix(floatArrayOf(1f, 0f, 0f, 0f, 1f, 0f, 0f, 0f, 1f), previewMatrix(SizePx(1440, 1080), wide, 0, 0))
    }

    private fun assertMatrix(expected: FloatArray, found: FloatArray) =
        expected.indices.forEach { assertEquals("place $it of ${found.toList()}", expected[it], found[it], 1e-3f) }

    @Test
    fun `a preview covers any view, keeps its shape and its middle`() {
        for (view in listOf(SizePx(1080, 2400), SizePx(2400, 1080), SizePx(720, 1280), SizePx(1000, 1000))) {
            for (buffer in listOf(wide, SizePx(1920, 1080), SizePx(640, 480))) {
                for (sensor in listOf(0, 90, 180, 270)) for (display in listOf(0, 90, 180, 270)) {
                    val what = "$view $buffer sensor $sensor display $display"
                    val matrix = previewMatrix(view, buffer, sensor, display)
                    val middle = map(matrix, view.width / 2.0, view.height / 2.0)
                    assertEquals(what, view.width / 2.0, middle.first, 0.01)
                    assertEquals(what, view.height / 2.0, middle.second, 0.01)
                    covers(what, view, matrix)
                    keepsShape(what, view, buffer, sensor, matrix)
                }
            }
        }
    }

    private fun covers(what: String, view: SizePx, matrix: FloatArray) {
        val corners = listOf(0 to 0, view.width to 0, 0 to view.height, view.width to view.height)
            .map { (x, y) -> map(matrix, x.toDouble(), y.toDouble()) }
        assertTrue(what, corners.minOf { it.first } <= 0.01 && corners.maxOf { it.first } >= view.width - 0.01)
        assertTrue(what, corners.minOf { it.second } <= 0.01 && corners.maxOf { it.second } >= view.height - 0.01)
    }

    // The view holds the upright picture stretched: a step along each of its sides must become pixels of one size.
    private fun keepsShape(what: String, view: SizePx, buffer: SizePx, sensor: Int, matrix: FloatArray) {
        val upright = if (sensor % 180 == 0) buffer else SizePx(buffer.height, buffer.width)
        val across = Math.hypot(matrix[0].toDouble(), matrix[3].toDouble()) * view.width / upright.width
        val down = Math.hypot(matrix[1].toDouble(), matrix[4].toDouble()) * view.height / upright.height
        assertEquals(what, across, down, 1e-4)
    }

    @Test
    fun `a preview is turned against the display`() {
        // What is at the top of the upright picture is at the left where the device was turned to the left.
        val expected = mapOf(0 to (0.0 to -1.0), 90 to (-1.0 to 0.0), 180 to (0.0 to 1.0), 270 to (1.0 to 0.0))
        for ((display, way) in expected) {
            val matrix = previewMatrix(SizePx(1000, 1000), SizePx(1000, 1000), 90, display)
            val top = map(matrix, 500.0, 0.0)
            assertEquals("display $display", way.first, (top.first - 500) / 500, 1e-3)
            assertEquals("display $display", way.second, (top.second - 500) / 500, 1e-3)
        }
    }

    @Test
    fun `a touch in the middle is the sensor's middle, whatever is turned`() {
        for (upright in listOf(0, 90, 180, 270)) for (front in listOf(true, false)) {
            assertEquals(SensorPoint(0.5, 0.5), sensorPoint(540f, 1200f, SizePx(1080, 2400), wide, upright, front))
        }
    }

    @Test
    fun `a touch near a corner is found on the sensor`() {
        val view = SizePx(1080, 1440)
        val lying = SizePx(1440, 1080)
        // upright degrees, front: the sensor's point of a touch at 10 % from the left and 20 % from the top
        val table = listOf(
            Triple(90, false, SensorPoint(0.2, 0.9)),
            Triple(270, true, SensorPoint(0.8, 0.9)),
            Triple(270, false, SensorPoint(0.8, 0.1)),
        )
        for ((degrees, front, point) in table) near(point, sensorPoint(108f, 288f, view, wide, degrees, front))
        near(SensorPoint(0.1, 0.2), sensorPoint(144f, 216f, lying, wide, 0, false))
        near(SensorPoint(0.9, 0.8), sensorPoint(144f, 216f, lying, wide, 180, false))
    }

    private fun near(expected: SensorPoint, found: SensorPoint) {
        assertEquals("$expected, $found", expected.x, found.x, 1e-6)
        assertEquals("$expected, $found", expected.y, found.y, 1e-6)
    }

    @Test
    fun `streams show one scene, and frames are just large enough for the model`() {
        val offered = listOf(SizePx(4000, 3000), SizePx(1920, 1080), SizePx(1440, 1080), SizePx(1280, 960), SizePx(1280, 720), SizePx(640, 480))
        val chosen = chooseSizes(StreamOffers(offered, offered, offered), SizePx(1920, 1080), 720, 80_000_000)
        assertEquals(StreamSizes(SizePx(1440, 1080), SizePx(1280, 960), SizePx(4000, 3000)), chosen)
    }

    @Test
    fun `a display below 1080p bounds the streams, and a session that was refused is tried with small ones`() {
        val offered = listOf(SizePx(4000, 3000), SizePx(1440, 1080), SizePx(960, 720), SizePx(640, 480), SizePx(320, 240))
        val offers = StreamOffers(offered, offered, offered)
        val chosen = chooseSizes(offers, SizePx(720, 1280), 720, 80_000_000)!!
        assertEquals(StreamSizes(SizePx(960, 720), SizePx(960, 720), SizePx(4000, 3000)), chosen)
        assertEquals(StreamSizes(SizePx(640, 480), SizePx(640, 480), SizePx(4000, 3000)), chooseSmallerSizes(offers, chosen, 80_000_000))
    }

    @Test
    fun `odd offers are met`() {
        val small = listOf(SizePx(640, 480), SizePx(320, 240))
        assertEquals(
            "a camera below the working size gives its largest",
            StreamSizes(SizePx(640, 480), SizePx(640, 480), SizePx(640, 480)),
            chooseSizes(StreamOffers(small, small, small), SizePx(1920, 1080), 720, 80_000_000),
        )
        val huge = listOf(SizePx(16320, 12240), SizePx(8160, 6120))
        assertEquals(
            "a photo that the runtime refuses is not asked for",
            SizePx(8160, 6120),
            chooseSizes(StreamOffers(small, small, huge), SizePx(1920, 1080), 720, 80_000_000)!!.photo,
        )
        assertNull(chooseSizes(StreamOffers(small, emptyList(), small), SizePx(1920, 1080), 720, 80_000_000))
        assertNull(chooseSizes(StreamOffers(small, small, huge), SizePx(1920, 1080), 720, 1_000_000))
        val cinema = listOf(SizePx(1920, 1080), SizePx(1280, 720))
        assertEquals(
            "other proportions are better than none",
            StreamSizes(SizePx(1920, 1080), SizePx(1280, 720), SizePx(4000, 3000)),
            chooseSizes(StreamOffers(cinema, cinema, listOf(SizePx(4000, 3000))), SizePx(1920, 1080), null, 80_000_000),
        )
    }
}
