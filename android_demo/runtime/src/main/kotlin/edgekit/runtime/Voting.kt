@file:JvmName("Voting")

package edgekit.runtime

import kotlin.math.exp
import kotlin.math.ln

/** A label and the probability behind it; for "retake" the attack score. */
public data class Answer(val label: String, val score: Double)

/**
 * Joins the crops of one photo.
 *
 * @param scores a row of probabilities for each crop, one row or more
 * @return the probability of each label; they sum to 1
 * @throws ModelException scores that are not finite
 */
@Throws(EdgekitException::class)
public fun vote(scores: List<FloatArray>, decision: Decision): DoubleArray {
    val broken = scores.flatMap { it.asList() }.filter { it.isNaN() || it.isInfinite() }
    if (broken.isNotEmpty()) {
        throw ModelException("scores must be finite, got ${broken.take(3)}; the model is broken")
    }
    val logs = scores.map { crop -> DoubleArray(crop.size) { ln(maxOf(crop[it].toDouble(), TINY)) / decision.temperature } }
    return if (decision.vote == Vote.MEAN_LOG) softmax(meanOf(logs)) else meanOf(logs.map { softmax(it) })
}

// The smallest normal float32: a probability of 0 only means that float32 ended there.
internal const val TINY = 1.1754944e-38

private fun meanOf(rows: List<DoubleArray>) = DoubleArray(rows[0].size) { at -> rows.sumOf { it[at] } / rows.size }

/** Logits, or log-probabilities up to a constant, to probabilities. */
internal fun softmax(logs: DoubleArray): DoubleArray {
    val most = logs.max()
    val powers = DoubleArray(logs.size) { exp(logs[it] - most) }
    val sum = powers.sum()
    return DoubleArray(logs.size) { powers[it] / sum }
}

/**
 * The answer for voted probabilities. The order of the rules: floor ("unknown"), abstain band ("retake"), threshold on
 * the attack score, most probable label. Among several attack labels the most probable one is named.
 */
public fun decide(probabilities: DoubleArray, contract: Contract): Answer {
    val decision = contract.decision
    val best = mostProbable(probabilities, probabilities.indices)
    if (decision.floor != null && probabilities[best] < decision.floor) {
        return Answer(Contract.UNKNOWN, probabilities[best])
    }
    val mostProbable = Answer(contract.labels[best], probabilities[best])
    if (contract.bonaFide == null) return mostProbable
    val genuine = contract.labels.indexOf(contract.bonaFide)
    val score = attackScore(probabilities, contract)
    val band = decision.abstain
    if (band != null && score >= band.low && score < band.high) return Answer(Contract.RETAKE, score)
    if (decision.threshold == null) return mostProbable
    if (score < decision.threshold) return Answer(contract.bonaFide, probabilities[genuine])
    return Answer(contract.labels[mostProbable(probabilities, probabilities.indices - genuine)], score)
}

private fun mostProbable(probabilities: DoubleArray, among: Iterable<Int>): Int {
    var best = -1
    for (at in among) if (best < 0 || probabilities[at] > probabilities[best]) best = at
    return best
}

/** Probability of any attack; the contract must have a bona fide label. */
public fun attackScore(probabilities: DoubleArray, contract: Contract): Double {
    val genuine = contract.labels.indexOf(requireNotNull(contract.bonaFide) { "there is no bona fide label" })
    // A sum of the others, not 1 - p: it keeps its digits near zero.
    return probabilities.indices.sumOf { if (it == genuine) 0.0 else probabilities[it] }
}
