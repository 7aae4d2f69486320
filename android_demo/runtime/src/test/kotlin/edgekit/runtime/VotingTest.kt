package edgekit.runtime

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

/** Scores that no vector can say: those of a broken model. */
class VotingTest {
    private val energy = Contract(
        name = "goods",
        labels = listOf("apple", "pear"),
        bonaFide = null,
        sidePx = 8,
        plan = CropPlan(),
        decision = Decision(),
        precision = "int8",
        modelSha256 = "0".repeat(64),
        schema = 3,
        unknown = Unknown(UnknownRule.ENERGY, 0.5),
    )
    private val several = energy.copy(unknown = null, multiLabel = listOf(0.5, 0.5))

    @TestFactory
    fun `scores that are none are refused`(): List<DynamicTest> = listOf(
        Triple("a row that lacks one", energy, floatArrayOf(0.5f, 0.5f)),
        Triple("a row with one too many", energy, floatArrayOf(0.4f, 0.3f, 0.2f, 0.1f)),
        Triple("one label of two", several, floatArrayOf(0.5f)),
    ).map { (name, contract, row) ->
        dynamicTest(name) {
            val whole = FloatArray(contract.outputs) { 1f / contract.outputs }
            val told = assertThrows(ModelException::class.java) { voteAll(listOf(whole, row), contract) }
            assertTrue("the model is broken" in told.message!!, told.message)
        }
    }

    @Test
    fun `labels are voted on among themselves`() {
        val (voted, unknown) = voteAll(listOf(floatArrayOf(0.3f, 0.1f, 0.6f)), energy)
        assertArrayEquals(doubleArrayOf(0.75, 0.25), voted, 1e-6)
        assertEquals(0.6, unknown!!, 1e-6)
    }
}
