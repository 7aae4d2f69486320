/** How large a photo may be: what is beyond is refused before it takes memory or time. */

import type { SizeWh } from "./crops.ts";
import { PhotoError } from "./errors.ts";

/** Of the picture as it is decoded; a browser decodes every photo at its full size. */
export const MAX_PIXELS = 80_000_000;
/** Of a photo's file. */
export const MAX_FILE_BYTES = 200_000_000;
/** Scans of a JPEG. Encoders write about ten. */
export const MAX_SCANS = 100;
/** Pixels times scans of a JPEG: ten scans of 200 megapixels. */
export const MAX_SCANNED_PIXELS = 2_000_000_000;
/** Chunks of a PNG or a WebP, blocks before a GIF's picture. The largest photos have some ten thousand. */
export const MAX_BLOCKS = 100_000;
/** Segments of a JPEG. All metadata that fit into the largest file take some three thousand full ones. */
export const MAX_SEGMENTS = 10_000;
/** Less shows nothing; a verdict on it would be a guess. */
export const MIN_SIDE_PX = 8;

/**
 * Hold the limit on pixels.
 *
 * @param name - What it is, for messages.
 * @param sizeWh - Width and height in pixels.
 * @param remedy - What to do about it.
 * @throws PhotoError - None, or more than MAX_PIXELS.
 */
export function checkSize(name: string, [width, height]: SizeWh, remedy = ""): void {
  if (!(width >= 1 && height >= 1 && width * height <= MAX_PIXELS)) {
    throw new PhotoError(`${name}: a photo must have 1 to ${MAX_PIXELS} pixels, got ${width}x${height}${remedy}`);
  }
}
