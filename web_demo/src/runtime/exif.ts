/** Which way up a photo is, by its own EXIF block: browsers differ in what they apply, and when. */

import { bigEndian, littleEndian, standsAt } from "./bytes.ts";
import { Picture } from "./picture.ts";

/** EXIF's orientation, 1 to 8: which turn brings what is stored upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const PREFIX = "Exif\0\0";
const TAG = 0x0112;
const ENTRY_BYTES = 12;
// Bytes of a value by its type: 16 and 32 bits, signed bytes, and the signed ones of 16 and 32.
const WIDTHS: ReadonlyMap<number, number> = new Map([[3, 2], [4, 4], [6, 1], [8, 2], [9, 4]]);

/**
 * The orientation that an EXIF block asks for.
 *
 * Of its first directory, the first value of the tag counts, where its type is an integer other than a plain byte. What
 * is damaged says nothing; the pixels are whole, so they count as they are.
 *
 * @param block - The block as the file has it, prefix included; empty without.
 */
export function orientationOf(block: Uint8Array): Orientation {
  let start = 0;
  // Some writers repeat the prefix that a JPEG's segment has of its own.
  for (let times = 0; times < 2 && standsAt(block, start, PREFIX); times += 1) start += PREFIX.length;
  const tiff = block.subarray(start);
  const read = readerOf(tiff);
  if (read === null) return 1;
  const directory = read(tiff, 4, 4);
  if (directory < 8 || directory + 2 > tiff.length) return 1;
  const entries = read(tiff, directory, 2);
  let found = 1;
  for (let number = 0; number < entries; number += 1) {
    const at = directory + 2 + number * ENTRY_BYTES;
    if (at + ENTRY_BYTES > tiff.length) break;
    if (read(tiff, at, 2) === TAG) found = firstValue(tiff, at, read);
  }
  return isOrientation(found) ? found : 1;
}

type Read = (content: Uint8Array, at: number, bytes: number) => number;

/** The block's first two bytes say the order of all others; then 42 comes, in either order. */
function readerOf(tiff: Uint8Array): Read | null {
  const is42 = standsAt(tiff, 2, "*\0") || standsAt(tiff, 2, "\0*");
  if (tiff.length < 8 || !is42) return null;
  if (standsAt(tiff, 0, "II")) return littleEndian;
  return standsAt(tiff, 0, "MM") ? bigEndian : null;
}

/** The first value of an entry; 0 where it is none of the types that count, or lies beyond the block. */
function firstValue(tiff: Uint8Array, at: number, read: Read): number {
  const width = WIDTHS.get(read(tiff, at + 2, 2)) ?? 0;
  const bytes = width * read(tiff, at + 4, 4);
  const place = bytes > 4 ? read(tiff, at + 8, 4) : at + 8;
  // Signs need no care: what is negative is none of 1 to 8 either way.
  return bytes > 0 && place + bytes <= tiff.length ? read(tiff, place, width) : 0;
}

function isOrientation(value: number): value is Orientation {
  return value >= 1 && value <= 8;
}

/**
 * Bring a picture upright.
 *
 * @param picture - As it is stored.
 * @returns The picture itself where nothing is to do, else RGB without gaps.
 */
export function turnUpright(picture: Picture, orientation: Orientation): Picture {
  if (orientation === 1) return picture;
  const { widthPx: width, heightPx: height, pixels, bytesPerPixel: step } = picture;
  const isSideways = orientation >= 5;
  const [wide, high] = isSideways ? [height, width] : [width, height];
  const made = new Uint8Array(wide * high * 3);
  // Where the upright picture's first pixel is stored, and the steps there of one to the right and one down.
  const isFromRight = [2, 3, 7, 8].includes(orientation);
  const isFromBottom = [3, 4, 6, 7].includes(orientation);
  const [along, down] = [step * (isFromRight ? -1 : 1), width * step * (isFromBottom ? -1 : 1)];
  const start = (isFromBottom ? (height - 1) * width * step : 0) + (isFromRight ? (width - 1) * step : 0);
  const [right, below] = isSideways ? [down, along] : [along, down];
  for (let y = 0, to = 0; y < high; y += 1) {
    for (let x = 0, at = start + y * below; x < wide; x += 1, at += right, to += 3) {
      made[to] = pixels[at]!;
      made[to + 1] = pixels[at + 1]!;
      made[to + 2] = pixels[at + 2]!;
    }
  }
  return Picture.fromRgb(wide, high, made);
}
