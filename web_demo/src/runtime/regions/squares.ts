/** From what was found to a square of the photo, and the square as a photo of its own. Integers from the square on. */

import type { RegionPlan } from "../contract.ts";
import { type Box, type SizeWh, shrink } from "../crops.ts";
import { MIN_SIDE_PX, checkSize } from "../limits.ts";
import { type Photo, Picture, areaOf } from "../picture.ts";
import { copyArea, reduceArea } from "../resize.ts";
import type { Detection } from "./decode.ts";

/** Cosine and sine are whole parts of it. */
export const ONE = 65536;

/** One thing that a detector found in a photo, and the square that is classified. */
export interface Region {
  /** What was found, cut at the photo's edges, in the photo's own pixels. */
  readonly box: Box;
  /** How sure the detector is, 0 to 1. */
  readonly score: number;
  /** Twice the square's middle, in the photo's own pixels. */
  readonly middleXy: readonly [x: number, y: number];
  /** The square's side, in the photo's own pixels. It may leave the photo, whose edges are then repeated. */
  readonly sidePx: number;
  /** Cosine of the angle by which the square is turned clockwise, times ONE. */
  readonly cos: number;
  /** Its sine, times ONE. */
  readonly sin: number;
}

/**
 * The square around what was found.
 *
 * @param found - In the photo's own pixels; the first two points are the eyes.
 * @param sizeWh - Width and height of the photo.
 * @param plan - Margin, alignment and the least side.
 * @returns Null for what is smaller than the plan allows, or whose square is smaller than a photo may be, or that has its
 *   middle outside the photo.
 */
export function regionOf(found: Detection, [width, height]: SizeWh, plan: RegionPlan): Region | null {
  const [left, top, right, bottom] = found.box as [number, number, number, number];
  const longer = Math.max(right - left, bottom - top);
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const sidePx = nearest(longer * (1 + 2 * plan.margin));
  const isSmall = longer < plan.leastPx || sidePx < MIN_SIDE_PX;
  if (isSmall || !(x >= 0 && x < width && y >= 0 && y < height)) return null;
  const box = {
    left: Math.max(0, Math.floor(left)),
    top: Math.max(0, Math.floor(top)),
    right: Math.min(width, Math.ceil(right)),
    bottom: Math.min(height, Math.ceil(bottom)),
  };
  const turn = plan.align === "eyes" ? turnOf(found.points) : { cos: ONE, sin: 0 };
  return { box, score: found.score, middleXy: [nearest(2 * x), nearest(2 * y)], sidePx, ...turn };
}

/** The turn that makes the eyes level; none where they are on one spot. */
function turnOf(points: readonly number[]): Pick<Region, "cos" | "sin"> {
  const [leftX, leftY, rightX, rightY] = points as [number, number, number, number];
  const [across, down] = [rightX - leftX, rightY - leftY];
  const apart = Math.hypot(across, down);
  return apart > 0
    ? { cos: nearest((ONE * across) / apart), sin: nearest((ONE * down) / apart) }
    : { cos: ONE, sin: 0 };
}

function nearest(value: number): number {
  return Math.floor(value + 0.5);
}

/**
 * The square of a region as a photo, as crops are cut from it.
 *
 * As a photo is, the square is halved as often as its side stays at least `workingPx`, by means of blocks that begin at
 * the photo's corner; its side is cut to a multiple of that. An upright square is copied pixel by pixel from there; a
 * turned one is sampled between four pixels, in steps of 1/256, by integers. Beyond the photo's edges their pixels are
 * repeated.
 *
 * @param photo - The whole photo at its own size, as `asPhoto` gives it without a working size.
 * @param region - Of that photo.
 * @param workingPx - Working size of the contract's crop plan, in pixels.
 * @throws PhotoError - The square has more pixels than a photo may have.
 */
export function regionPhoto(photo: Photo, region: Region, workingPx: number | null): Photo {
  let factor = shrink([region.sidePx, region.sidePx], workingPx);
  // Of a photo that is one narrow strip a block must be left.
  while (Math.min(...photo.sizeWh) < factor) factor /= 2;
  const side = Math.max(1, Math.floor(region.sidePx / factor));
  checkSize("a region", [side, side], "; use a crop plan with a working size");
  const isUpright = region.cos === ONE && region.sin === 0;
  const pixels = (isUpright ? upright : turned)(photo, region, side, factor);
  return { picture: Picture.fromRgb(side, side, pixels), sizeWh: [side * factor, side * factor], shrink: factor };
}

type Cut = (photo: Photo, region: Region, side: number, factor: number) => Uint8Array;

/** uint8 (side, side, 3), RGB. */
const upright: Cut = (photo, region, side, factor) => {
  const [left, top] = region.middleXy.map((middle) =>
    Math.floor(Math.floor((middle - side * factor) / 2) / factor),
  ) as [number, number];
  const blocks = blocksOf(photo, { left, top, right: left + side, bottom: top + side }, factor);
  const columns = Int32Array.from({ length: side }, (_, at) => 3 * inside(left + at - blocks.left, blocks.width));
  const found = new Uint8Array(side * side * 3);
  for (let row = 0, to = 0; row < side; row += 1) {
    const start = inside(top + row - blocks.top, blocks.height) * blocks.width * 3;
    for (let column = 0; column < side; column += 1) {
      const at = start + columns[column]!;
      found[to++] = blocks.rgb[at]!;
      found[to++] = blocks.rgb[at + 1]!;
      found[to++] = blocks.rgb[at + 2]!;
    }
  }
  return found;
};

/** uint8 (side, side, 3), RGB. Places are in 65536ths of a block: whole numbers, beyond 32 bits. */
const turned: Cut = (photo, region, side, factor) => {
  const { cos, sin } = region;
  const [middleX, middleY] = region.middleXy.map((middle) => Math.floor((middle * ONE) / (2 * factor))) as [
    number,
    number,
  ];
  const reach = Math.floor((side * (Math.abs(cos) + Math.abs(sin))) / (2 * ONE)) + 2;
  const [aroundX, aroundY] = [Math.floor(middleX / ONE), Math.floor(middleY / ONE)];
  const wanted = { left: aroundX - reach, top: aroundY - reach, right: aroundX + reach, bottom: aroundY + reach };
  const blocks = blocksOf(photo, wanted, factor);
  const found = new Uint8Array(side * side * 3);
  for (let row = 0, to = 0; row < side; row += 1) {
    const down = 2 * row + 1 - side;
    for (let column = 0; column < side; column += 1, to += 3) {
      const across = 2 * column + 1 - side;
      // Twice the distance from the middle, so halves come out whole; a pixel's own middle is at one half.
      const x = middleX + Math.floor((across * cos - down * sin) / 2) - ONE / 2 - blocks.left * ONE;
      const y = middleY + Math.floor((across * sin + down * cos) / 2) - ONE / 2 - blocks.top * ONE;
      between(blocks, x, y, found, to);
    }
  }
  return found;
};

/** The pixel at a place in 65536ths, by the four around it; beyond the edges these are repeated. */
function between({ rgb, width, height }: Blocks, x: number, y: number, found: Uint8Array, to: number): void {
  const [column, row] = [Math.floor(x / ONE), Math.floor(y / ONE)];
  const [right, below] = [Math.floor((x - column * ONE) / 256), Math.floor((y - row * ONE) / 256)];
  const [near, far] = [3 * inside(column, width), 3 * inside(column + 1, width)];
  const [upper, lower] = [3 * width * inside(row, height), 3 * width * inside(row + 1, height)];
  for (let band = 0; band < 3; band += 1) {
    const above = rgb[upper + near + band]! * (256 - right) + rgb[upper + far + band]! * right;
    const beneath = rgb[lower + near + band]! * (256 - right) + rgb[lower + far + band]! * right;
    found[to + band] = (above * (256 - below) + beneath * below + (1 << 15)) >> 16;
  }
}

function inside(place: number, length: number): number {
  return Math.min(Math.max(place, 0), length - 1);
}

/** Means of a photo's blocks, and the first one's place among all. */
interface Blocks {
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

/** Means of a photo's blocks of `factor` pixels, as far as the wanted ones are inside; at least one, at the edge. */
function blocksOf(photo: Photo, wanted: Box, factor: number): Blocks {
  const [wide, high] = photo.sizeWh.map((length) => Math.floor(length / factor)) as [number, number];
  const [left, top] = [inside(wanted.left, wide), inside(wanted.top, high)];
  const right = Math.max(Math.min(wanted.right, wide), left + 1);
  const bottom = Math.max(Math.min(wanted.bottom, high), top + 1);
  const [width, height] = [right - left, bottom - top];
  const box = { left: left * factor, top: top * factor, right: right * factor, bottom: bottom * factor };
  const area = areaOf(photo.picture, box);
  const rgb = factor === 1 ? copyArea(area, width, height) : reduceArea(area, width, height, factor, factor);
  return { rgb, width, height, left, top };
}
