/**
 * Crop boxes in whole source pixels, from a photo's size alone. Integers only, so that every port agrees to the bit.
 */

import { type CropPlan, parseFraction } from "./contract.ts";
import { PhotoError } from "./errors.ts";

// R2 (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences"): the powers 1 and 2 of the inverse of
// the plastic number 1.3247179572447460, as 32-bit fractions.
const STEP_X = 3242174889;
const STEP_Y = 2447445414;
const ONE = 2 ** 32;

/** Width and height in pixels. */
export type SizeWh = readonly [width: number, height: number];

/** Half, as two 32-bit fractions: the first placed crop lies in the middle. */
export const MIDDLE: SizeWh = [2 ** 31, 2 ** 31];

/** A rectangle in source pixels; right and bottom are exclusive. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Left, top, right, bottom. */
export type Edges = [number, number, number, number];

/** A box as records have it. */
export function edgesOf({ left, top, right, bottom }: Box): Edges {
  return [left, top, right, bottom];
}

/** The box reduction before the last resize: the largest whole factor that keeps at least `sidePx`. */
export function reduction(lengthPx: number, sidePx: number): number {
  return Math.max(1, Math.floor(lengthPx / sidePx));
}

/** How many times smaller a photo is worked on: the largest power of two that leaves `workingPx` or more. */
export function shrink([width, height]: SizeWh, workingPx: number | null): number {
  let factor = 1;
  while (workingPx !== null && Math.floor(Math.min(width, height) / (2 * factor)) >= workingPx) factor *= 2;
  return factor;
}

/**
 * The boxes of a plan's first `count` crops.
 *
 * @param plan - Scales, in order.
 * @param sizeWh - Width and height of the upright photo in pixels, before it is brought to its working size.
 * @param sidePx - Side of the model's input.
 * @param count - Number of crops; null takes the plan's own. A smaller count gives a prefix of a larger one.
 * @param offset - Where the placement sequence starts, two 32-bit fractions.
 * @returns Boxes in the photo's own pixels; all edges are multiples of `shrink(sizeWh, plan.workingPx)`.
 * @throws PhotoError - The photo has no pixels.
 */
export function cropBoxes(
  plan: CropPlan,
  sizeWh: SizeWh,
  sidePx: number,
  count: number | null = null,
  offset: SizeWh = MIDDLE,
): Box[] {
  if (Math.min(...sizeWh) < 1) {
    throw new PhotoError(`a photo must be at least 1x1 px, got ${sizeWh[0]}x${sizeWh[1]}`);
  }
  const factor = shrink(sizeWh, plan.workingPx);
  const working: SizeWh = [Math.floor(sizeWh[0] / factor), Math.floor(sizeWh[1] / factor)];
  const boxes: Box[] = [];
  let placed = 0;
  for (let index = 0; index < (count ?? plan.crops); index += 1) {
    const scale = plan.scale(index);
    if (scale === "full") {
      boxes.push(centred(working, snapped(working[0], sidePx), snapped(working[1], sidePx)));
    } else if (scale === "centre") {
      const side = snapped(Math.min(...working), sidePx);
      boxes.push(centred(working, side, side));
    } else {
      const side = placedSide(scale, working, sidePx);
      const left = along(working[0] - side + 1, offset[0] + placed * STEP_X);
      const top = along(working[1] - side + 1, offset[1] + placed * STEP_Y);
      boxes.push({ left, top, right: left + side, bottom: top + side });
      placed += 1;
    }
  }
  return boxes.map((box) => ({
    left: factor * box.left,
    top: factor * box.top,
    right: factor * box.right,
    bottom: factor * box.bottom,
  }));
}

/** The place of a 32-bit fraction on a length: their product, without the last 32 bits. */
function along(length: number, fraction: number): number {
  const product = length * (fraction % ONE);
  // Doubles hold 53 bits: lengths beyond 2^21 need more.
  if (product <= Number.MAX_SAFE_INTEGER) return Math.floor(product / ONE);
  return Number((BigInt(length) * BigInt(fraction % ONE)) >> 32n);
}

/** The largest length up to `lengthPx` that its own reduction divides, so that no block is cut at the edge. */
function snapped(lengthPx: number, sidePx: number): number {
  return lengthPx - (lengthPx % reduction(lengthPx, sidePx));
}

function placedSide(scale: string, sizeWh: SizeWh, sidePx: number): number {
  const fraction = parseFraction(scale);
  const wanted = fraction === null ? sidePx : Math.floor((sizeWh[0] * fraction[0]) / fraction[1]);
  return snapped(Math.max(1, Math.min(wanted, ...sizeWh)), sidePx);
}

function centred(sizeWh: SizeWh, width: number, height: number): Box {
  const left = Math.floor((sizeWh[0] - width) / 2);
  const top = Math.floor((sizeWh[1] - height) / 2);
  return { left, top, right: left + width, bottom: top + height };
}
