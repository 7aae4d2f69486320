/** Verdicts on a video to one steady answer. Pure arithmetic: times are the caller's. */

import type { Contract } from "./contract.ts";
import { VideoError } from "./errors.ts";
import type { Verdict } from "./verdict.ts";
import { type Answer, TINY, decide, labelsReached, logOddsOf, sigmoid, softmax } from "./voting.ts";

/** Long enough that one blurred frame changes nothing, short enough that people see no delay. */
export const DEFAULT_TAU_S = 0.5;
const MAX_TAU_S = 3600;

/** Probabilities of a frame, by label or in the order of the labels. */
export type Probabilities = ReadonlyMap<string, number> | ArrayLike<number>;

/** The answer after one more frame: as in a `Verdict`, of the smoothed probabilities. */
export interface Smoothed extends Answer {
  readonly probabilities: ReadonlyMap<string, number>;
  readonly labels: readonly string[] | null;
  readonly unknown: number | null;
}

/**
 * Exponential smoothing of log-probabilities by real time; then the contract decides as it does for one photo.
 *
 * What no other probability is tied to is smoothed as log-odds: those of several labels, and an unknown score that is not
 * told by the probabilities themselves.
 *
 * A frame `dt` seconds after the last one counts with `1 - exp(-dt / tau)`, so that the same seconds of video weigh the
 * same however many frames were dropped.
 */
export class Smoother {
  private logs: Float64Array | null = null;
  private timeS = Number.NEGATIVE_INFINITY;

  /**
   * @param contract - Labels and decision.
   * @param tauS - Time constant in seconds, 0 to 3600; 0 takes each frame by itself.
   * @throws VideoError - A time constant out of range.
   */
  constructor(
    readonly contract: Contract,
    private readonly tauS: number = DEFAULT_TAU_S,
  ) {
    if (!(tauS >= 0 && tauS <= MAX_TAU_S)) {
      throw new VideoError(`smoothing must take 0 to ${MAX_TAU_S} seconds, got ${tauS}`);
    }
  }

  /**
   * Add one frame.
   *
   * @param frame - The frame's verdict, or its probabilities: by label, or in the order of the labels.
   * @param timeS - When the frame was taken, in seconds from any start.
   * @param unknown - The frame's unknown score, where the contract has a rule for it that is not of the probabilities and
   *   the frame is no verdict.
   * @throws VideoError - A time before the last frame's, or none at all; other labels than the contract's,
   *   or not as many probabilities, or one that is not finite; an unknown score that is lacking.
   */
  add(frame: Verdict | Probabilities, timeS: number, unknown: number | null = null): Smoothed {
    const isVerdict = "probabilities" in frame;
    const probabilities = this.inOrder(isVerdict ? frame.probabilities : frame);
    const told = isVerdict ? frame.unknown : unknown;
    if (![...probabilities, told ?? 0].every(Number.isFinite)) {
      throw new VideoError(`a frame's probabilities must be finite, got ${probabilities.join(", ")}, unknown ${told}; leave it out`);
    }
    if (!(Number.isFinite(timeS) && timeS >= this.timeS)) {
      throw new VideoError(`the times of frames must not go backwards, got ${timeS} s after ${this.timeS} s`);
    }
    const own = this.unknownOdds(told);
    const logs = Float64Array.from([...this.toLogs(probabilities), ...own]);
    const weight = this.weight(timeS - this.timeS);
    const before = this.logs;
    this.logs = before === null ? logs : before.map((old, index) => old + weight * ((logs[index] ?? Number.NaN) - old));
    this.timeS = timeS;
    return this.smoothed(this.logs.subarray(0, probabilities.length), this.logs.subarray(probabilities.length));
  }

  private toLogs(probabilities: Float64Array): Float64Array {
    if (this.contract.multiLabel !== null) return logOddsOf(probabilities);
    return probabilities.map((one) => Math.log(Math.max(one, TINY)));
  }

  /** The log-odds of a score that is an output's own, as a list of one; of none, an empty one. */
  private unknownOdds(score: number | null): Float64Array {
    const { unknown } = this.contract;
    if (unknown === null || unknown.outputs === 0) return new Float64Array(0);
    if (score === null) {
      throw new VideoError(`a frame of a model that tells unknown by ${unknown.rule} must have a score`);
    }
    return logOddsOf([score]);
  }

  private smoothed(logs: Float64Array, unknownOdds: Float64Array): Smoothed {
    const { contract } = this;
    const probabilities = contract.multiLabel === null ? softmax(logs) : sigmoid(logs);
    const [own] = sigmoid(unknownOdds);
    const unknown = contract.unknown === null ? null : (own ?? 1 - Math.max(...probabilities));
    return {
      ...decide(probabilities, contract, unknown),
      probabilities: new Map(contract.labels.map((label, index) => [label, probabilities[index] ?? Number.NaN])),
      labels: labelsReached(probabilities, contract),
      unknown,
    };
  }

  private inOrder(probabilities: Probabilities): Float64Array {
    const { labels } = this.contract;
    if (!(probabilities instanceof Map)) {
      const row = Float64Array.from(probabilities as ArrayLike<number>);
      if (row.length === labels.length) return row;
      throw new VideoError(`a frame must have ${labels.length} probabilities, got ${row.length}`);
    }
    const byLabel: ReadonlyMap<string, number> = probabilities;
    if (byLabel.size !== labels.length || !labels.every((label) => byLabel.has(label))) {
      throw new VideoError(`a frame must have the labels ${labels.join(", ")}, got ${[...byLabel.keys()].join(", ")}`);
    }
    return Float64Array.from(labels, (label) => byLabel.get(label) ?? Number.NaN);
  }

  private weight(stepS: number): number {
    // expm1 keeps the digits of short steps.
    return this.tauS > 0 ? -Math.expm1(-stepS / this.tauS) : 1;
  }
}
