/**
 * Fewer crops where the answer is plain: a vote that the crops still to come would hardly turn is final.
 *
 * After each crop the vote so far is compared with every point at which the answer would change. Once it is farther
 * away, in log-odds, than the contract's bound for that many crops, the rest is not scored.
 */

import type { Contract } from "./contract.ts";
import { attackScore, vote } from "./voting.ts";

// Beyond this, doubles have no digits left for the other side.
const LEAST = 1e-300;

/** Log-odds of the attack scores at which the answer changes; none where the most probable label wins. */
export function cuts(contract: Contract): number[] {
  const { abstain, threshold } = contract.decision;
  const points = [...(abstain ?? []), ...(threshold === null ? [] : [threshold])];
  return points.map((point) => logRatio(point, 1 - point));
}

/**
 * How far a vote is from another answer, in log-odds.
 *
 * @param voted - (classes,) probabilities.
 * @param contract - Labels and decision.
 * @returns The distance to the nearest cut or, where the most probable label wins, to the second label.
 */
export function margin(voted: Float64Array, contract: Contract): number {
  const points = cuts(contract);
  if (contract.bonaFide === null || points.length === 0) {
    const [first = 0, second = 0] = voted.slice().sort().reverse();
    return Math.log(Math.max(first, LEAST) / Math.max(second, LEAST));
  }
  const genuine = voted[contract.labels.indexOf(contract.bonaFide)] ?? Number.NaN;
  const odds = logRatio(attackScore(voted, contract), genuine);
  return Math.min(...points.map((point) => Math.abs(odds - point)));
}

/**
 * Whether the crops scored so far are enough.
 *
 * @param scores - For each crop its (classes,) probabilities; fewer crops than the plan has.
 * @param contract - With bounds for stopping early, or without: then never.
 */
export function mayStop(scores: readonly ArrayLike<number>[], contract: Contract): boolean {
  const bound = contract.decision.earlyStop?.[scores.length - 1];
  return bound !== undefined && margin(vote(scores, contract.decision), contract) > bound;
}

/** Logarithm of the ratio of two probabilities, finite even where one of them is 0. */
function logRatio(one: number, other: number): number {
  return Math.log(Math.max(one, LEAST)) - Math.log(Math.max(other, LEAST));
}
