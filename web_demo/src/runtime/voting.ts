/** Scores of several crops to one answer, as the contract's decision says. Pure functions. */

import { BETWEEN_LABELS, type Contract, type Decision, NOTHING, RETAKE, UNKNOWN } from "./contract.ts";
import { ModelError } from "./errors.ts";

/** The smallest normal float32: a probability of 0 only means that float32 ended there. */
export const TINY = 1.1754944e-38;
// Beyond it, a sigmoid is 0 or 1 up to what TINY leaves of it.
const MOST_ODDS = 700;

/** A label, and the probability that stands behind it. */
export interface Answer {
  readonly label: string;
  readonly score: number;
}

/** What the crops of a photo say together. */
export interface Voted {
  /** One of each label, that sum to 1 but for several labels a photo. */
  readonly probabilities: Float64Array;
  /** 0 to 1; null where the contract has no rule for unknown. */
  readonly unknown: number | null;
}

/**
 * Join the crops of one photo, as a contract says.
 *
 * @param scores - For each crop its (outputs,) probabilities, as the model gives them; at least one crop.
 * @param contract - Vote, temperature, and what the outputs are.
 * @throws ModelError - A score is not finite, or a row has another length.
 */
export function voteAll(scores: readonly ArrayLike<number>[], contract: Contract): Voted {
  const { decision, unknown, labels, multiLabel, outputs } = contract;
  const other = scores.find((row) => row.length !== outputs);
  if (other !== undefined) {
    throw new ModelError(`a crop must have the model's ${outputs} scores, got ${other.length}; the model is broken`);
  }
  if (multiLabel !== null) return { probabilities: voteEach(scores, decision), unknown: null };
  const logs = scores.map(logsOf);
  const probabilities = join(logs.map((row) => row.subarray(0, labels.length)), decision, softmax);
  if (unknown === null) return { probabilities, unknown: null };
  const score = unknown.outputs > 0 ? join(logs, decision, softmax).at(-1) : 1 - Math.max(...probabilities);
  return { probabilities, unknown: score ?? Number.NaN };
}

/**
 * Join the crops of one photo, where exactly one label is right.
 *
 * @param scores - For each crop its (classes,) probabilities; at least one crop.
 * @param decision - Vote and temperature.
 * @returns (classes,) probabilities that sum to 1.
 * @throws ModelError - A score is not finite.
 */
export function vote(scores: readonly ArrayLike<number>[], decision: Decision): Float64Array {
  return join(scores.map(logsOf), decision, softmax);
}

/** (classes,) probabilities of labels that do not exclude each other: means of log-odds, or of what they become. */
function voteEach(scores: readonly ArrayLike<number>[], decision: Decision): Float64Array {
  return join(scores.map(logOddsOf), decision, sigmoid);
}

function join(
  crops: readonly Float64Array[],
  { temperature, vote: how }: Decision,
  toProbabilities: (logs: Float64Array) => Float64Array,
): Float64Array {
  const logs = crops.map((row) => row.map((one) => one / temperature));
  return how === "mean-log" ? toProbabilities(meanOf(logs)) : meanOf(logs.map(toProbabilities));
}

function logsOf(row: ArrayLike<number>): Float64Array {
  return Float64Array.from(row, (score) => {
    if (!Number.isFinite(score)) throw new ModelError(`scores must be finite, got ${score}; the model is broken`);
    return Math.log(Math.max(score, TINY));
  });
}

/**
 * Probabilities to log-odds, finite even for 0 and 1.
 *
 * @throws ModelError - One is not finite.
 */
export function logOddsOf(probabilities: ArrayLike<number>): Float64Array {
  const [logs, others] = [logsOf(probabilities), logsOf(Float64Array.from(probabilities, (one) => 1 - one))];
  return logs.map((one, at) => one - others[at]!);
}

/** Log-odds to probabilities. */
export function sigmoid(odds: Float64Array): Float64Array {
  // Divided by the temperature, odds may be far beyond what a power holds.
  return odds.map((one) => 1 / (1 + Math.exp(-Math.min(Math.max(one, -MOST_ODDS), MOST_ODDS))));
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
 * The order of the rules: unknown (its own rule or the floor), abstain band (`retake`), threshold on the attack score, most
 * probable label. Among several attack labels the most probable one is named. Where a photo may have several labels, all
 * that it has stand in their order with `|` between, or `none`; behind it stands the largest probability.
 *
 * @param probabilities - (labels,) as `voteAll` gives them.
 * @param contract - Labels and decision.
 * @param unknown - The unknown score, where the contract has a rule for it.
 */
export function decide(probabilities: Float64Array, contract: Contract, unknown: number | null = null): Answer {
  const { decision, labels, bonaFide } = contract;
  const best = mostProbable(probabilities, labels);
  const reached = labelsReached(probabilities, contract);
  if (reached !== null) return { label: reached.join(BETWEEN_LABELS) || NOTHING, score: best.score };
  if (contract.unknown !== null && unknown !== null && unknown >= contract.unknown.threshold) {
    return { label: UNKNOWN, score: unknown };
  }
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

/** The labels whose threshold is reached, in their order; null where a photo has exactly one. */
export function labelsReached(
  probabilities: Float64Array,
  { labels, multiLabel }: Contract,
): readonly string[] | null {
  return multiLabel === null ? null : labels.filter((_, at) => probabilities[at]! >= multiLabel[at]!);
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
