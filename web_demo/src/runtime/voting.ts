/** Scores of several crops to one answer, as the contract's decision says. Pure functions. */

import { type Contract, type Decision, RETAKE, UNKNOWN } from "./contract.ts";
import { ModelError } from "./errors.ts";

/** The smallest normal float32: a probability of 0 only means that float32 ended there. */
export const TINY = 1.1754944e-38;

/** A label, and the probability that stands behind it. */
export interface Answer {
  readonly label: string;
  readonly score: number;
}

/**
 * Join the crops of one photo.
 *
 * @param scores - For each crop its (classes,) probabilities; at least one crop.
 * @param decision - Vote and temperature.
 * @returns (classes,) probabilities that sum to 1.
 * @throws ModelError - A score is not finite.
 */
export function vote(scores: readonly ArrayLike<number>[], decision: Decision): Float64Array {
  const crops = scores.map((row) => {
    const logs = Float64Array.from(row, (score) => Math.log(Math.max(score, TINY)) / decision.temperature);
    // Math.max keeps NaN; an infinite score has an infinite logarithm.
    if (!logs.every(Number.isFinite)) {
      throw new ModelError(`scores must be finite, got ${Array.from(row).slice(0, 3).join(", ")}; the model is broken`);
    }
    return logs;
  });
  if (decision.vote === "mean-log") return softmax(meanOf(crops));
  return meanOf(crops.map(softmax));
}

/** (classes,) logits, or log-probabilities up to a constant, to probabilities. */
export function softmax(logs: Float64Array): Float64Array {
  const highest = logs.reduce((most, one) => Math.max(most, one), Number.NEGATIVE_INFINITY);
  const powers = logs.map((one) => Math.exp(one - highest));
  const sum = powers.reduce((total, one) => total + one, 0);
  return powers.map((one) => one / sum);
}

/**
 * The label for voted probabilities, and the probability that stands behind it.
 *
 * The order of the rules: floor (`unknown`), abstain band (`retake`), threshold on the attack score, most probable
 * label. Among several attack labels the most probable one is named.
 *
 * @param probabilities - (classes,) as `vote` gives them.
 * @param contract - Labels and decision.
 */
export function decide(probabilities: Float64Array, contract: Contract): Answer {
  const { decision, labels, bonaFide } = contract;
  const best = mostProbable(probabilities, labels);
  if (decision.floor !== null && best.score < decision.floor) return { label: UNKNOWN, score: best.score };
  if (bonaFide === null) return best;
  const score = attackScore(probabilities, contract);
  if (decision.abstain !== null && decision.abstain[0] <= score && score < decision.abstain[1]) {
    return { label: RETAKE, score };
  }
  if (decision.threshold === null) return best;
  if (score < decision.threshold) {
    return { label: bonaFide, score: probabilities[labels.indexOf(bonaFide)] ?? Number.NaN };
  }
  const attacks = probabilities.map((one, index) => (labels[index] === bonaFide ? Number.NEGATIVE_INFINITY : one));
  return { label: mostProbable(attacks, labels).label, score };
}

/** Probability of any attack; the contract must have a bona fide label. */
export function attackScore(probabilities: Float64Array, contract: Contract): number {
  // A sum of the others, not 1 - p: it keeps its digits near zero.
  return probabilities.reduce((sum, one, index) => (contract.labels[index] === contract.bonaFide ? sum : sum + one), 0);
}

function mostProbable(probabilities: Float64Array, labels: readonly string[]): Answer {
  // Of equals the first counts, as in numpy.
  const index = probabilities.reduce((best, one, at) => (one > (probabilities[best] ?? Number.NaN) ? at : best), 0);
  return { label: labels[index] ?? "", score: probabilities[index] ?? Number.NaN };
}

function meanOf(rows: readonly Float64Array[]): Float64Array {
  const [first] = rows;
  if (first === undefined) throw new ModelError("a vote needs the scores of one crop or more, got none");
  return first.map((_, index) => rows.reduce((sum, row) => sum + (row[index] ?? Number.NaN), 0) / rows.length);
}
