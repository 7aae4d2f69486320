/** What a classifier answers, in memory and as JSON. */

import type { Thing } from "./contract.ts";
import { type Box, type Edges, type SizeWh, edgesOf } from "./crops.ts";
import type { Region } from "./regions/squares.ts";
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
  /**
   * One of the contract's labels, or `retake` or `unknown` where the contract allows them; where a photo may have several,
   * those that it has with `|` between, or `none`.
   */
  readonly label: string;
  /**
   * The probability behind the label, 0 to 1; for `retake` the attack score, for `unknown` by a rule of its own the unknown
   * score, for several labels the largest probability.
   */
  readonly score: number;
  /** Voted probability of each label, in the contract's order. */
  readonly probabilities: ReadonlyMap<string, number>;
  /** The labels that the photo has, where it may have several; null where it has exactly one. */
  readonly labels: readonly string[] | null;
  /** How sure it is that the photo shows none of the labels' things; null where the contract has no rule for it. */
  readonly unknown: number | null;
  /**
   * Box and scores of each crop that was scored, in the plan's order; an early end leaves out the rest. With regions,
   * boxes are in pixels of the region's square, upright.
   */
  readonly crops: readonly CropScore[];
  /** With regions, finding one is part of decoding. */
  readonly ms: Milliseconds;
  /** Width and height of the whole, upright photo in pixels; with regions, of the region's square. */
  readonly sizeWh: SizeWh;

  constructor(parts: {
    answer: Answer;
    probabilities: ReadonlyMap<string, number>;
    labels?: readonly string[] | null;
    unknown?: number | null;
    crops: readonly CropScore[];
    ms: Milliseconds;
    sizeWh: SizeWh;
  }) {
    ({ label: this.label, score: this.score } = parts.answer);
    ({ labels: this.labels = null, unknown: this.unknown = null } = parts);
    ({ probabilities: this.probabilities, crops: this.crops, ms: this.ms, sizeWh: this.sizeWh } = parts);
  }

  /** Milliseconds from decoding to the vote. */
  get totalMs(): number {
    return totalMs(this.ms);
  }

  /** What JSON has of it: the keys of Python's `Verdict.to_dict`, null left out; boxes are left, top, right, bottom. */
  toPlain(): PlainVerdict {
    return {
      label: this.label,
      score: this.score,
      probabilities: Object.fromEntries(this.probabilities),
      ...(this.labels === null ? {} : { labels: [...this.labels] }),
      ...(this.unknown === null ? {} : { unknown: this.unknown }),
      crops: this.crops.map(({ box, probabilities }) => ({ box: edgesOf(box), probabilities: [...probabilities] })),
      ms: { decode_ms: this.ms.decode, crop_ms: this.ms.crop, invoke_ms: this.ms.invoke, vote_ms: this.ms.vote },
    };
  }

  /** The verdict as one line of JSON, as `toPlain` has it. */
  toJson(): string {
    return JSON.stringify(this.toPlain());
  }
}

/** The answer for one region of a photo: what was found, and the answer for its square, as for a photo. */
export interface RegionVerdict {
  readonly region: Region;
  readonly verdict: Verdict;
}

/** The answers for all regions of one photo; that there is none is an answer, too. */
export class RegionsVerdict {
  /** What was looked for. */
  readonly thing: Thing;
  /** Width and height of the whole, upright photo in pixels. */
  readonly sizeWh: SizeWh;
  /** The answer for each, the surest detection first. */
  readonly regions: readonly RegionVerdict[];
  /** Milliseconds of decoding the photo at its own size. */
  readonly decodeMs: number;
  /** Milliseconds of finding the regions. */
  readonly detectMs: number;

  constructor(parts: {
    thing: Thing;
    sizeWh: SizeWh;
    regions: readonly RegionVerdict[];
    decodeMs: number;
    detectMs: number;
  }) {
    ({ thing: this.thing, sizeWh: this.sizeWh, regions: this.regions } = parts);
    ({ decodeMs: this.decodeMs, detectMs: this.detectMs } = parts);
  }

  /** The labels, the surest detection first, or that there is none: `no face`. */
  get said(): string {
    return this.regions.map(({ verdict }) => verdict.label).join(", ") || `no ${this.thing}`;
  }

  /** Milliseconds of each stage, over all regions; finding them is part of decoding. */
  get ms(): Milliseconds {
    const sum = (stage: keyof Milliseconds): number =>
      this.regions.reduce((total, { verdict }) => total + verdict.ms[stage], 0);
    const decode = this.decodeMs + this.detectMs + sum("decode");
    return { decode, crop: sum("crop"), invoke: sum("invoke"), vote: sum("vote") };
  }

  /** Milliseconds from decoding to the last vote. */
  get totalMs(): number {
    return totalMs(this.ms);
  }

  /** What JSON has of it: the keys of Python's `RegionsVerdict.to_dict`. */
  toPlain(): PlainRegionsVerdict {
    return {
      thing: this.thing,
      size_wh: [this.sizeWh[0], this.sizeWh[1]],
      regions: this.regions.map(({ region: { box, score, middleXy, sidePx, cos, sin }, verdict }) => ({
        region: { box: edgesOf(box), score, middle_xy: [middleXy[0], middleXy[1]], side_px: sidePx, cos, sin },
        verdict: verdict.toPlain(),
      })),
      decode_ms: this.decodeMs,
      detect_ms: this.detectMs,
    };
  }

  /** The answers as one line of JSON, as `toPlain` has them. */
  toJson(): string {
    return JSON.stringify(this.toPlain());
  }
}

/** A verdict as JSON has it. */
export interface PlainVerdict {
  readonly label: string;
  readonly score: number;
  readonly probabilities: Record<string, number>;
  readonly labels?: string[];
  readonly unknown?: number;
  readonly crops: { readonly box: Edges; readonly probabilities: number[] }[];
  readonly ms: {
    readonly decode_ms: number;
    readonly crop_ms: number;
    readonly invoke_ms: number;
    readonly vote_ms: number;
  };
}

/** The answers for all regions of a photo as JSON has them. */
export interface PlainRegionsVerdict {
  readonly thing: string;
  readonly size_wh: [number, number];
  readonly regions: {
    readonly region: {
      readonly box: Edges;
      readonly score: number;
      readonly middle_xy: [number, number];
      readonly side_px: number;
      readonly cos: number;
      readonly sin: number;
    };
    readonly verdict: PlainVerdict;
  }[];
  readonly decode_ms: number;
  readonly detect_ms: number;
}
