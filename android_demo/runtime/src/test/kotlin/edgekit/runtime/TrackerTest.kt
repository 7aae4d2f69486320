package edgekit.runtime

import edgekit.runtime.regions.overlap
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource

/** Identities from frame to frame, and a steady answer for each. */
class TrackerTest {
    private val contract = Contract(name = "who", labels = listOf("anna", "ben"), sidePx = 8, precision = "float32", modelSha256 = "0".repeat(64))
    private val tracker = Tracker(contract)

    /** Faces of 100 px at a place, each with Anna's probability. */
    private fun frame(vararg faces: Triple<Int, Int, Double>) = RegionsVerdict(
        "face",
        SizeWh(640, 480),
        faces.map { (left, top, anna) ->
            val region = Region(Box(left, top, left + 100, top + 100), 0.9, 2 * left + 100, 2 * top + 100, 100)
            val (label, score) = if (anna > 0.5) "anna" to anna else "ben" to 1 - anna
            val probabilities = mapOf("anna" to anna, "ben" to 1 - anna)
            RegionVerdict(region, Verdict(label, score, probabilities, emptyList(), Milliseconds(0.0, 0.0, 0.0, 0.0), SizeWh(100, 100)))
        },
        0.0,
        0.0,
    )

    private fun numbers(timeS: Double, vararg faces: Triple<Int, Int, Double>) = tracker.add(frame(*faces), timeS).map { it.number }

    @Test
    fun `who moves keeps a number, and who comes gets the next`() {
        assertEquals(listOf(1, 2), numbers(0.0, Triple(0, 0, 0.9), Triple(300, 0, 0.1)))
        // The detector tells them in another order.
        assertEquals(listOf(2, 1), numbers(0.1, Triple(320, 10, 0.1), Triple(20, 0, 0.9)))
        assertEquals(listOf(3, 1, 2), numbers(0.2, Triple(0, 300, 0.9), Triple(20, 0, 0.9), Triple(330, 10, 0.1)))
    }

    @Test
    fun `a frame of no numbers is refused and changes nothing`() {
        val several = Contract(
            name = "who", labels = contract.labels, sidePx = 8, precision = "float32", modelSha256 = "0".repeat(64),
            schema = 3, multiLabel = listOf(0.5, 0.5),
        )
        for (one in listOf(contract, several)) {
            val (smoother, untouched) = Smoother(one) to Smoother(one)
            for (each in listOf(smoother, untouched)) each.add(doubleArrayOf(0.8, 0.2), 0.0)
            for (wrong in listOf(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY)) {
                assertThrows(VideoException::class.java) { smoother.add(doubleArrayOf(wrong, 0.5), 0.1) }
            }
            assertEquals(untouched.add(doubleArrayOf(0.4, 0.6), 0.2), smoother.add(doubleArrayOf(0.4, 0.6), 0.2))
        }
    }

    @Test
    fun `the larger overlap is matched first`() {
        numbers(0.0, Triple(0, 0, 0.5), Triple(60, 0, 0.5))
        // The first box overlaps both; it is nearer to the second, which leaves the first to the other.
        assertEquals(listOf(2, 1), numbers(0.1, Triple(45, 0, 0.5), Triple(10, 0, 0.5)))
    }

    @ParameterizedTest
    @CsvSource("53, 1", "55, 2")
    fun `what overlaps too little is another`(moved: Int, number: Int) {
        numbers(0.0, Triple(0, 0, 0.5))
        assertEquals(listOf(number), numbers(0.1, Triple(moved, 0, 0.5)))
    }

    @Test
    fun `who is hidden for a moment comes back`() {
        assertEquals(listOf(1), numbers(0.0, Triple(0, 0, 0.9)))
        assertEquals(emptyList<Int>(), numbers(0.5))
        assertEquals(listOf(1), numbers(1.0, Triple(0, 0, 0.9)))
        assertEquals(listOf(2), numbers(2.01, Triple(0, 0, 0.9)))
    }

    @Test
    fun `each has an answer of its own that one frame does not change`() {
        for (step in 0 until 10) tracker.add(frame(Triple(0, 0, 0.9), Triple(300, 0, 0.1)), step / 10.0)
        val (anna, ben) = tracker.add(frame(Triple(0, 0, 0.2), Triple(300, 0, 0.1)), 1.0)
        assertEquals(listOf("ben", "anna", "ben"), listOf(anna.seen.verdict.label, anna.steady.label, ben.steady.label))
        assertEquals(0.9, ben.steady.probabilities.getValue("ben"), 1e-9)
    }

    @Test
    fun `times go forwards, smoothing is in range, and boxes without an area overlap nothing`() {
        tracker.add(frame(), 1.0)
        for (timeS in listOf(0.9, Double.NaN)) assertThrows(VideoException::class.java) { tracker.add(frame(), timeS) }
        assertThrows(VideoException::class.java) { Tracker(contract, -1.0) }
        assertEquals(listOf(0.0, 0.0, 1.0), listOf(Box(5, 5, 5, 5) to Box(5, 5, 5, 5), Box(0, 0, 2, 2) to Box(9, 9, 11, 11), Box(0, 0, 2, 2) to Box(0, 0, 2, 2)).map { (a, b) -> overlap(edgesOf(a), edgesOf(b)) })
    }
}
