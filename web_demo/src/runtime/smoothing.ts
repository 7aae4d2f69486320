/** Verdicts on a video to one steady answer. Pure arithmetic: times are the caller's. */

import type { Contract } from "./contract.ts";
import { VideoError } from "./errors.ts";
import type { Verdict } from "./verdict.ts";
import { type Answer, TINY, decide, softmax } from "./voting.ts";

/** Long enough that one blurred frame changes nothing, short enough that people see no delay. */
export const DEFAULT_TAU_S = 0.5;
const MAX_TAU_S = 3600;

/** Probabilities of a frame, by label or in the order of the labels. */
export type Probabilities = ReadonlyMap<string, number> | ArrayLike<number>;

/** The answer after one more frame: the label, the probability behind it, and that of every label. */
export interface Smoothed extends Answer {
  readonly probabilities: ReadonlyMap<string, number>;
}

/**
 * Exponential smoothing of log-probabilities by real time; then the contract decides as it does for one photo.
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
   * @throws VideoError - A time before the last frame's, or none at all; other labels than the contract's,
   *   or not as many probabilities.
   */
  add(frame: Verdict | Probabilities, timeS: number): Smoothed {
    const probabilities = this.inOrder("probabilities" in frame ? frame.probabilities : frame);
    if (!(Number.isFinite(timeS) && timeS >= this.timeS)) {
      throw new VideoError(`the times of frames must not go backwards, got ${timeS} s after ${this.timeS} s`);
    }
    const logs = probabilities.map((one) => Math.log(Math.max(one, TINY)));
    const weight = this.weight(timeS - this.timeS);
    const before = this.logs;
    this.logs = before === null ? logs : before.map((old, index) => old + weight * ((logs[index] ?? Number.NaN) - old));
    this.timeS = timeS;
    const smoothed = softmax(this.logs);
    return {
      ...decide(smoothed, this.contract),
      probabilities: new Map(this.contract.labels.map((label, index) => [label, smoothed[index] ?? Number.NaN])),
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
