@file:JvmName("Stopping")

package edgekit.runtime

import kotlin.math.abs
import kotlin.math.ln

// Beyond this, float64 has no digits left for the other side.
private const val LEAST = 1e-300

/**
 * Whether the crops scored so far are enough, by the contract's bounds for stopping early.
 *
 * @param scores fewer crops than the plan has, one or more
 */
public fun mayStop(scores: List<FloatArray>, contract: Contract): Boolean {
    val bounds = contract.decision.earlyStop ?: return false
    return marginOf(vote(scores, contract.decision), contract) > bounds[scores.size - 1]
}

/**
 * How far a vote is from another answer, in log-odds: the distance to the nearest cut or, where the most probable label
 * wins, to the second label.
 */
internal fun marginOf(voted: DoubleArray, contract: Contract): Double {
    val cuts = cutsOf(contract)
    if (contract.bonaFide == null || cuts.isEmpty()) {
        val ordered = voted.sortedDescending()
        return ln(maxOf(ordered[0], LEAST) / maxOf(ordered[1], LEAST))
    }
    val genuine = voted[contract.labels.indexOf(contract.bonaFide)]
    val odds = logRatio(attackScore(voted, contract), genuine)
    return cuts.minOf { abs(odds - it) }
}

/** Log-odds of the attack scores at which the answer changes; none where the most probable label wins. */
private fun cutsOf(contract: Contract): List<Double> {
    val band = contract.decision.abstain
    return listOfNotNull(band?.low, band?.high, contract.decision.threshold).map { logRatio(it, 1 - it) }
}

/** Logarithm of the ratio of two probabilities, finite even where one of them is 0. */
private fun logRatio(one: Double, other: Double): Double = ln(maxOf(one, LEAST)) - ln(maxOf(other, LEAST))
