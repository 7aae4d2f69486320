@file:JvmName("Voting")

package edgekit.runtime

import kotlin.math.exp
import kotlin.math.ln

/** A label and the probability behind it; for "retake" the attack score, for "unknown" by a rule of its own that score. */
public data class Answer(val label: String, val score: Double)

/**
 * What the crops of a photo say together.
 *
 * @property probabilities of each label; they sum to 1 but where a photo may have several
 * @property unknown 0 to 1; null where the contract has no rule for it
 */
public class Voted(public val probabilities: DoubleArray, public val unknown: Double?) {
    /** [probabilities]. */
    public operator fun component1(): DoubleArray = probabilities

    /** [unknown]. */
    public operator fun component2(): Double? = unknown
}

/**
 * Joins the crops of one photo as a contract says.
 *
 * @param scores a row of the model's outputs for each crop, one row or more
 * @throws ModelException scores that are not finite, or a row of another length
 */
@Throws(EdgekitException::class)
public fun voteAll(scores: List<FloatArray>, contract: Contract): Voted {
    scores.firstOrNull { it.size != contract.outputs }?.let {
        throw ModelException("a crop must have the model's ${contract.outputs} scores, got ${it.size}; the model is broken")
    }
    if (contract.multiLabel != null) return Voted(voteEach(scores, contract.decision), null)
    val logs = logsOf(scores, contract.decision)
    val labels = joined(logs, contract.decision, contract.labels.size)
    val unknown = contract.unknown ?: return Voted(labels, null)
    return Voted(labels, if (unknown.outputs > 0) joined(logs, contract.decision).last() else 1 - labels.max())
}

/** Joins crops whose labels do not exclude each other: means of log-odds, or of the probabilities. */
private fun voteEach(scores: List<FloatArray>, decision: Decision): DoubleArray {
    val odds = scores.map { crop -> DoubleArray(crop.size) { logOdds(crop[it].toDouble()) / decision.temperature } }
    return if (decision.vote == Vote.MEAN_LOG) sigmoids(meanOf(odds)) else meanOf(odds.map { sigmoids(it) })
}

/**
 * Log-odds of a probability, finite even for 0 and 1.
 *
 * @throws ModelException it is not finite
 */
internal fun logOdds(probability: Double): Double {
    if (!probability.isFinite()) throw ModelException("scores must be finite, got $probability; the model is broken")
    return ln(maxOf(probability, TINY)) - ln(maxOf(1 - probability, TINY))
}

// Divided by the temperature, odds may be far beyond what a power holds.
private const val MOST_ODDS = 700.0

/** Log-odds to probabilities. */
internal fun sigmoids(odds: DoubleArray): DoubleArray =
    DoubleArray(odds.size) { 1 / (1 + exp(-odds[it].coerceIn(-MOST_ODDS, MOST_ODDS))) }

private fun checkFinite(scores: List<FloatArray>) {
    val broken = scores.firstOrNull { crop -> crop.any { !it.isFinite() } } ?: return
    throw ModelException("scores must be finite, got ${broken.filter { !it.isFinite() }.take(3)}; the model is broken")
}

/**
 * Joins the crops of one photo, of whose labels exactly one is right.
 *
 * @param scores a row of probabilities for each crop, one row or more
 * @return the probability of each label; they sum to 1
 * @throws ModelException scores that are not finite
 */
@Throws(EdgekitException::class)
public fun vote(scores: List<FloatArray>, decision: Decision): DoubleArray = joined(logsOf(scores, decision), decision)

private fun logsOf(scores: List<FloatArray>, decision: Decision): List<DoubleArray> {
    checkFinite(scores)
    return scores.map { crop -> DoubleArray(crop.size) { ln(maxOf(crop[it].toDouble(), TINY)) / decision.temperature } }
}

/** The vote among the first [count] of each row. */
private fun joined(logs: List<DoubleArray>, decision: Decision, count: Int = logs[0].size): DoubleArray =
    if (decision.vote == Vote.MEAN_LOG) softmax(meanOf(logs, count)) else meanOf(logs.map { softmax(it, count) })

// The smallest normal float32: a probability of 0 only means that float32 ended there.
internal const val TINY = 1.1754944e-38

private fun meanOf(rows: List<DoubleArray>, count: Int = rows[0].size) =
    DoubleArray(count) { at -> rows.sumOf { it[at] } / rows.size }

/** Logits, or log-probabilities up to a constant, to probabilities; of the first [count]. */
internal fun softmax(logs: DoubleArray, count: Int = logs.size): DoubleArray {
    val most = (0 until count).maxOf { logs[it] }
    val powers = DoubleArray(count) { exp(logs[it] - most) }
    val sum = powers.sum()
    return DoubleArray(count) { powers[it] / sum }
}

/**
 * The answer for voted probabilities. The order of the rules: unknown (its own rule or the floor), abstain band
 * ("retake"), threshold on the attack score, most probable label. Among several attack labels the most probable one is
 * named. Where a photo may have several labels, all that it has stand in their order with `|` between, or "none"; behind
 * it stands the largest probability.
 *
 * @param unknown the unknown score, where the contract has a rule for it
 */
@JvmOverloads
public fun decide(probabilities: DoubleArray, contract: Contract, unknown: Double? = null): Answer {
    val decision = contract.decision
    val best = mostProbable(probabilities, probabilities.indices)
    labelsReached(probabilities, contract)?.let { reached ->
        return Answer(reached.joinToString(Contract.BETWEEN_LABELS).ifEmpty { Contract.NOTHING }, probabilities[best])
    }
    if (contract.unknown != null && unknown != null && unknown >= contract.unknown.threshold) {
        return Answer(Contract.UNKNOWN, unknown)
    }
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

/** The labels whose threshold is reached, in their order; null where a photo has exactly one. */
public fun labelsReached(probabilities: DoubleArray, contract: Contract): List<String>? =
    contract.multiLabel?.let { least -> contract.labels.filterIndexed { at, _ -> probabilities[at] >= least[at] } }

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
