/**
 * A detector's outputs to boxes, points and scores, and of overlapping boxes one. Pure functions.
 *
 * After MediaPipe (Apache-2.0): `calculators/tflite/tflite_tensors_to_detections_calculator.cc`, and the weighted
 * suppression of `calculators/util/non_max_suppression_calculator.cc` (BlazeFace, Bazarevsky et al. 2019, section 3.4).
 */

import type { AnchorGrid } from "./anchors.ts";
import { overlap } from "./overlap.ts";

/** Numbers of a row of boxes: centre, width and height, then x and y of six points. */
export const ROW = 16;
// Beyond it exp overflows, and nothing is more or less sure.
const LOGIT_LIMIT = 100;
// Boxes may leave the picture by its own side; what a broken detector says beyond that is cut.
const [LEAST, MOST] = [-1, 2];

/** One thing that was found, in parts of the detector's input's side, from the top left. */
export interface Detection {
  /** Left, top, right, bottom. */
  readonly box: readonly number[];
  /** x and y of the eye on the picture's left, of that on its right, the nose's tip, the mouth, and both ears: 12 numbers. */
  readonly points: readonly number[];
  /** 0 to 1. */
  readonly score: number;
}

/**
 * Read a detector's outputs.
 *
 * @param rows - (anchors, ROW): centre, width, height and points in pixels of the input, from the anchor's centre.
 * @param logits - (anchors,).
 * @param grid - The detector's anchors.
 * @param leastScore - What has a lower score is left out.
 * @returns What is left, in the outputs' order; rows that are not finite, or have no area, are left out, too.
 */
export function decodeRows(
  rows: ArrayLike<number>,
  logits: ArrayLike<number>,
  grid: AnchorGrid,
  leastScore: number,
): Detection[] {
  const { centres } = grid;
  const found: Detection[] = [];
  for (let anchor = 0; anchor < grid.count; anchor += 1) {
    const logit = Math.min(Math.max(logits[anchor]!, -LOGIT_LIMIT), LOGIT_LIMIT);
    const score = 1 / (1 + Math.exp(-logit));
    // "Not at least" rather than "less than": NaN is no score.
    if (!(score >= leastScore)) continue;
    const values = Array.from({ length: ROW }, (_, at) => rows[anchor * ROW + at]! / grid.sidePx);
    const [x, y] = [centres[2 * anchor]!, centres[2 * anchor + 1]!];
    const [across, down, width, height, ...points] = values as [number, number, number, number, ...number[]];
    if (!values.every(Number.isFinite) || !(width > 0 && height > 0)) continue;
    const middle = [across + x, down + y] as const;
    found.push({
      box: [middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2].map(clip),
      points: points.map((one, at) => clip(one + (at % 2 === 0 ? x : y))),
      score,
    });
  }
  return found;
}

function clip(part: number): number {
  return Math.min(Math.max(part, LEAST), MOST);
}

/**
 * Join what overlaps: the surest box takes all that overlap it by more than `iou`, weighted by their scores.
 *
 * @param found - As `decodeRows` gives it.
 * @param iou - Intersection over union above which two boxes are of one thing.
 * @param most - How many are joined at most.
 * @returns The joined ones, the surest first; each has the score of its surest. Of equal scores the first row comes first.
 */
export function suppress(found: readonly Detection[], iou: number, most: number): Detection[] {
  let left = [...found].sort((a, b) => b.score - a.score);
  const joined: Detection[] = [];
  while (joined.length < most) {
    const [surest] = left;
    if (surest === undefined) break;
    // A box whose own overlap is no more than the limit is still itself.
    const isSame = (one: Detection): boolean => one === surest || overlap(surest.box, one.box) > iou;
    const group = left.filter(isSame);
    const sum = group.reduce((total, one) => total + one.score, 0);
    const mean = (numbers: (one: Detection) => readonly number[]): number[] =>
      numbers(surest).map((_, at) => group.reduce((total, one) => total + (one.score / sum) * numbers(one)[at]!, 0));
    joined.push({ box: mean((one) => one.box), points: mean((one) => one.points), score: surest.score });
    left = left.filter((one) => !isSame(one));
  }
  return joined;
}
