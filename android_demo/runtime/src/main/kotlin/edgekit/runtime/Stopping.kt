@file:JvmName("Stopping")

package edgekit.runtime

/**
 * Whether the crops scored so far are enough, by the contract's bounds for stopping early.
 *
 * @param scores fewer crops than the plan has, one or more
 */
public fun mayStop(scores: List<FloatArray>, contract: Contract): Boolean = TODO("$scores $contract")
