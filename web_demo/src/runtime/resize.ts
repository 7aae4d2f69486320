/**
 * Means of blocks and the antialiased triangle filter, in the integers of Pillow, which every port repeats to the bit.
 *
 * All functions are pure: pixels are uint8 rows from the top, three bytes of a pixel count, and results are RGB without
 * gaps.
 */

import type { SizeWh } from "./crops.ts";

/** A part of a picture: where its first byte lies, and how far rows and pixels are apart. */
export interface Area {
  readonly pixels: Uint8Array;
  /** Index of the byte of its first pixel. */
  readonly start: number;
  /** Bytes from one row to the next. */
  readonly rowBytes: number;
  /** Bytes from one pixel to the next. */
  readonly bytesPerPixel: 3 | 4;
}

/** The weights of one direction: output `i` sums `counts[i]` pixels from `first[i]` on. */
interface Weights {
  readonly first: Int32Array;
  readonly counts: Int32Array;
  /** For each output `taps` numbers, of which those beyond its count are 0; they sum to about 2^22. */
  readonly numbers: Int32Array;
  readonly taps: number;
}

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);
// A photo's crops have few sizes, so that weights are worked out once; a stream of photos of all sizes may not grow it.
const MAX_KEPT = 256;
const kept = new Map<number, Weights>();

/** The pixels of an area of `width` x `height`, copied. */
export function copyArea(area: Area, width: number, height: number): Uint8Array<ArrayBuffer> {
  const { pixels, start, rowBytes, bytesPerPixel } = area;
  const made = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y += 1) {
    let at = start + y * rowBytes;
    if (bytesPerPixel === 3) {
      made.set(pixels.subarray(at, at + width * 3), to);
      to += width * 3;
      continue;
    }
    for (const end = to + width * 3; to < end; to += 3, at += 4) {
      made[to] = pixels[at]!;
      made[to + 1] = pixels[at + 1]!;
      made[to + 2] = pixels[at + 2]!;
    }
  }
  return made;
}

/**
 * Means of blocks.
 *
 * @param area - Holds `width * factorX` by `height * factorY` pixels.
 * @param width - Width of the result.
 * @param height - Its height.
 * @returns uint8 (height, width, 3).
 */
export function reduceArea(
  area: Area,
  width: number,
  height: number,
  factorX: number,
  factorY: number,
): Uint8Array<ArrayBuffer> {
  const { pixels, start, rowBytes, bytesPerPixel: step } = area;
  const values = width * 3;
  const made = new Uint8Array(values * height);
  const sums = new Int32Array(values);
  const block = factorX * factorY;
  const half = block >> 1;
  const multiplier = Math.floor(Math.fround(2 ** 32 / Math.fround(256 * block)));
  for (let y = 0, to = 0; y < height; y += 1) {
    sums.fill(0);
    for (let row = 0; row < factorY; row += 1) {
      addRow(sums, pixels, start + (y * factorY + row) * rowBytes, step, factorX);
    }
    // The product has 32 bits: a block's mean, and 24 bits behind it.
    for (let value = 0; value < values; value += 1) made[to++] = Math.imul(sums[value]! + half, multiplier) >>> 24;
  }
  return made;
}

/** Add the pixels of a row to the sums of their blocks; `| 0` tells the compiler that 32 bits are enough. */
function addRow(sums: Int32Array, pixels: Uint8Array, start: number, step: number, factorX: number): void {
  let at = start | 0;
  for (let value = 0; value < sums.length; value += 3) {
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let count = 0; count < factorX; count += 1) {
      red = (red + pixels[at]!) | 0;
      green = (green + pixels[at + 1]!) | 0;
      blue = (blue + pixels[at + 2]!) | 0;
      at = (at + step) | 0;
    }
    sums[value] = (sums[value]! + red) | 0;
    sums[value + 1] = (sums[value + 1]! + green) | 0;
    sums[value + 2] = (sums[value + 2]! + blue) | 0;
  }
}

/**
 * Resize by the triangle filter, the width before the height; each pass ends in 8 bits.
 *
 * @param rgb - uint8 (height, width, 3).
 * @param to - Width and height of the result.
 * @returns uint8, of that size; the same array where nothing is to do.
 */
export function resizeTo(
  rgb: Uint8Array<ArrayBuffer>,
  width: number,
  height: number,
  [wideTo, highTo]: SizeWh,
): Uint8Array<ArrayBuffer> {
  const wide = width === wideTo ? rgb : resizeWidth(rgb, width, height, wideTo);
  return height === highTo ? wide : resizeHeight(wide, wideTo, height, highTo);
}

function resizeWidth(rgb: Uint8Array<ArrayBuffer>, width: number, height: number, to: number): Uint8Array<ArrayBuffer> {
  const { first, counts, numbers, taps } = weightsOf(width, to);
  const made = new Uint8Array(to * height * 3);
  for (let y = 0, out = 0; y < height; y += 1) {
    const row = y * width * 3;
    for (let x = 0; x < to; x += 1, out += 3) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let at = row + first[x]! * 3;
      const begin = x * taps;
      for (let tap = begin; tap < begin + counts[x]!; tap += 1, at += 3) {
        const weight = numbers[tap]!;
        red += weight * rgb[at]!;
        green += weight * rgb[at + 1]!;
        blue += weight * rgb[at + 2]!;
      }
      made[out] = clip(red);
      made[out + 1] = clip(green);
      made[out + 2] = clip(blue);
    }
  }
  return made;
}

function resizeHeight(
  rgb: Uint8Array<ArrayBuffer>,
  width: number,
  height: number,
  to: number,
): Uint8Array<ArrayBuffer> {
  const { first, counts, numbers, taps } = weightsOf(height, to);
  const values = width * 3;
  const made = new Uint8Array(values * to);
  const sums = new Int32Array(values);
  for (let y = 0, out = 0; y < to; y += 1) {
    sums.fill(HALF);
    // Row by row, as they lie in memory.
    for (let tap = 0, at = first[y]! * values; tap < counts[y]!; tap += 1) {
      const weight = numbers[y * taps + tap]!;
      for (let value = 0; value < values; value += 1) sums[value]! += weight * rgb[at++]!;
    }
    for (let value = 0; value < values; value += 1) made[out++] = clip(sums[value]!);
  }
  return made;
}

/** A sum of weighted pixels as a level. */
function clip(sum: number): number {
  const level = sum >> PRECISION_BITS;
  return level < 0 ? 0 : level > 255 ? 255 : level;
}

function weightsOf(from: number, to: number): Weights {
  const key = from * 65536 + to;
  const known = kept.get(key);
  if (known !== undefined) return known;
  if (kept.size >= MAX_KEPT) kept.clear();
  const made = makeWeights(from, to);
  kept.set(key, made);
  return made;
}

function makeWeights(from: number, to: number): Weights {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  const taps = Math.ceil(reach) * 2 + 1;
  const [first, counts, numbers] = [new Int32Array(to), new Int32Array(to), new Int32Array(to * taps)];
  for (let i = 0; i < to; i += 1) {
    const centre = (i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    // In the order of Pillow's own operations: doubles differ in their last digits otherwise.
    const raw = Array.from({ length: end - begin }, (_, tap) => {
      const distance = Math.abs((tap + begin - centre + 0.5) * (1 / reach));
      return distance < 1 ? 1 - distance : 0;
    });
    const sum = raw.reduce((total, weight) => total + weight, 0);
    raw.forEach((weight, tap) => {
      numbers[i * taps + tap] = Math.trunc(0.5 + (weight / sum) * 2 ** PRECISION_BITS);
    });
    first[i] = begin;
    counts[i] = end - begin;
  }
  return { first, counts, numbers, taps };
}
