@file:JvmName("Voting")

package edgekit.runtime

/** A label and the probability behind it; for "retake" the attack score. */
public data class Answer(val label: String, val score: Double)

/**
 * Joins the crops of one photo.
 *
 * @param scores a row of probabilities for each crop, one row or more
 * @return the probability of each label; they sum to 1
 * @throws ModelException scores that are not finite
 */
public fun vote(scores: List<FloatArray>, decision: Decision): DoubleArray = TODO("$scores $decision")

/**
 * The answer for voted probabilities. The order of the rules: floor ("unknown"), abstain band ("retake"), threshold on
 * the attack score, most probable label. Among several attack labels the most probable one is named.
 */
public fun decide(probabilities: DoubleArray, contract: Contract): Answer = TODO("$probabilities $contract")

/** Probability of any attack; the contract must have a bona fide label. */
public fun attackScore(probabilities: DoubleArray, contract: Contract): Double = TODO("$probabilities $contract")
