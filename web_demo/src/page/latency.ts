/** Percentiles of the last verdicts' milliseconds. */

import { totalMs, type Milliseconds } from "../runtime/verdict.ts";
import type { Latency, Quantiles } from "./state.ts";

const KEPT = 200;

/** Percentiles as numpy's default has them: between two values, by their distance. Values must not be empty. */
export function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const low = sorted[Math.floor(place)]!;
    const high = sorted[Math.ceil(place)]!;
    return low + (high - low) * (place - Math.floor(place));
  };
  return { p50: at(0.5), p95: at(0.95) };
}

export class LatencyLog {
  readonly #last: Milliseconds[] = [];

  add(ms: Milliseconds): Latency {
    this.#last.push(ms);
    if (this.#last.length > KEPT) this.#last.shift();
    const stage = (name: keyof Milliseconds): Quantiles => quantiles(this.#last.map((one) => one[name]));
    return {
      verdicts: this.#last.length,
      total: quantiles(this.#last.map(totalMs)),
      stages: { decode: stage("decode"), crop: stage("crop"), invoke: stage("invoke"), vote: stage("vote") },
    };
  }

  clear(): void {
    this.#last.length = 0;
  }
}
