/** What a classifier answers, in memory and as JSON. */

import type { Box, SizeWh } from "./crops.ts";
import type { Answer } from "./voting.ts";

/** One crop: its box in source pixels and its probabilities, in the order of the labels. */
export interface CropScore {
  readonly box: Box;
  readonly probabilities: readonly number[];
}

/** One verdict's time by stage, in milliseconds; their sum is the time that passed. */
export interface Milliseconds {
  readonly decode: number;
  readonly crop: number;
  readonly invoke: number;
  readonly vote: number;
}

/** From decoding to the vote. */
export function totalMs({ decode, crop, invoke, vote }: Milliseconds): number {
  return decode + crop + invoke + vote;
}

/** The answer for one photo. */
export class Verdict implements Answer {
  /** One of the contract's labels, or `retake` or `unknown` where the contract allows them. */
  readonly label: string;
  /** The probability behind the label, 0 to 1; for `retake` the attack score. */
  readonly score: number;
  /** Voted probability of each label, in the contract's order. */
  readonly probabilities: ReadonlyMap<string, number>;
  /** Box and scores of each crop that was scored, in the plan's order; an early end leaves out the rest. */
  readonly crops: readonly CropScore[];
  readonly ms: Milliseconds;
  /** Width and height of the whole, upright photo in pixels. */
  readonly sizeWh: SizeWh;

  constructor(parts: {
    answer: Answer;
    probabilities: ReadonlyMap<string, number>;
    crops: readonly CropScore[];
    ms: Milliseconds;
    sizeWh: SizeWh;
  }) {
    ({ label: this.label, score: this.score } = parts.answer);
    ({ probabilities: this.probabilities, crops: this.crops, ms: this.ms, sizeWh: this.sizeWh } = parts);
  }

  /** Milliseconds from decoding to the vote. */
  get totalMs(): number {
    return totalMs(this.ms);
  }

  /** What JSON has of it: the keys of Python's `Verdict.to_dict`; boxes are left, top, right, bottom. */
  toPlain(): PlainVerdict {
    return {
      label: this.label,
      score: this.score,
      probabilities: Object.fromEntries(this.probabilities),
      crops: this.crops.map(({ box, probabilities }) => ({
        box: [box.left, box.top, box.right, box.bottom],
        probabilities: [...probabilities],
      })),
      ms: { decode_ms: this.ms.decode, crop_ms: this.ms.crop, invoke_ms: this.ms.invoke, vote_ms: this.ms.vote },
    };
  }

  /** The verdict as one line of JSON, as `toPlain` has it. */
  toJson(): string {
    return JSON.stringify(this.toPlain());
  }
}

/** A verdict as JSON has it. */
export interface PlainVerdict {
  readonly label: string;
  readonly score: number;
  readonly probabilities: Record<string, number>;
  readonly crops: { readonly box: [number, number, number, number]; readonly probabilities: number[] }[];
  readonly ms: {
    readonly decode_ms: number;
    readonly crop_ms: number;
    readonly invoke_ms: number;
    readonly vote_ms: number;
  };
}
