/** Which region of a frame is which of the last: identities by overlap, and a steady answer for each. */

import type { Contract } from "../contract.ts";
import { edgesOf } from "../crops.ts";
import { VideoError } from "../errors.ts";
import { DEFAULT_TAU_S, type Smoothed, Smoother } from "../smoothing.ts";
import type { RegionVerdict, RegionsVerdict } from "../verdict.ts";
import { overlap } from "./overlap.ts";

// Between frames of a live camera a face moves by half of itself; what overlaps less is taken for another.
const LEAST_OVERLAP = 0.3;
// What is out of sight for longer gets a new number.
const KEPT_S = 1;

/** A region of a frame, and what was said of it so far. */
export interface Tracked {
  /** Its identity, from 1, in the order of appearance; the same from frame to frame. */
  readonly number: number;
  /** The region and its answer at this frame alone. */
  readonly seen: RegionVerdict;
  /** The answer, smoothed over time. */
  readonly steady: Smoothed;
}

/** What is known of an identity: its smoother, its last box, and when that was. */
interface Track {
  readonly smoother: Smoother;
  box: readonly number[];
  timeS: number;
}

/**
 * Keeps identities from frame to frame. Regions are matched greedily, the largest overlap first.
 *
 * A region that is out of sight for a second gets a new number when it comes back, and its answers begin anew. Nothing is
 * known of how things look: two people who change places while they cover each other change numbers.
 */
export class Tracker {
  private tracks = new Map<number, Track>();
  private last = 0;
  private timeS = Number.NEGATIVE_INFINITY;

  /**
   * @param contract - Labels and decision of the model.
   * @param tauS - As for `Smoother`.
   * @throws VideoError - A time constant out of range.
   */
  constructor(
    readonly contract: Contract,
    private readonly tauS: number = DEFAULT_TAU_S,
  ) {
    // Where it is refused, that is at once.
    new Smoother(contract, tauS);
  }

  /**
   * Add one frame.
   *
   * @param frame - The answers for the frame's regions.
   * @param timeS - When the frame was taken, in seconds from any start.
   * @returns The frame's regions in their own order, each with its identity.
   * @throws VideoError - A time before the last frame's, or none at all.
   */
  add(frame: RegionsVerdict, timeS: number): readonly Tracked[] {
    if (!(Number.isFinite(timeS) && timeS >= this.timeS)) {
      throw new VideoError(`the times of frames must not go backwards, got ${timeS} s after ${this.timeS} s`);
    }
    this.timeS = timeS;
    this.tracks = new Map([...this.tracks].filter(([, one]) => timeS - one.timeS <= KEPT_S));
    const boxes = frame.regions.map((one) => edgesOf(one.region.box));
    const numbers = this.matched(boxes);
    return frame.regions.map((seen, index) => {
      const number = numbers.get(index) ?? (this.last += 1);
      const box = boxes[index]!;
      const track = this.tracks.get(number) ?? { smoother: new Smoother(this.contract, this.tauS), box, timeS };
      this.tracks.set(number, track);
      [track.box, track.timeS] = [box, timeS];
      return { number, seen, steady: track.smoother.add(seen.verdict, timeS) };
    });
  }

  /** Numbers of those boxes that are known, by their place in the frame. */
  private matched(boxes: readonly (readonly number[])[]): ReadonlyMap<number, number> {
    const pairs = boxes.flatMap((box, index) =>
      [...this.tracks].map(([number, track]) => ({ index, number, shared: overlap(box, track.box) })),
    );
    pairs.sort((a, b) => b.shared - a.shared || a.number - b.number || a.index - b.index);
    const found = new Map<number, number>();
    const taken = new Set<number>();
    for (const { index, number, shared } of pairs) {
      if (shared < LEAST_OVERLAP || found.has(index) || taken.has(number)) continue;
      found.set(index, number);
      taken.add(number);
    }
    return found;
  }
}
