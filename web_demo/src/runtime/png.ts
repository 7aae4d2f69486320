/** Whether the data of a PNG are a whole picture: decoders take data that end in good order for whole. */

import { bigEndian, standsAt } from "./bytes.ts";
import type { Picture } from "./picture.ts";

// Samples of a pixel by a PNG's colour type, and the passes of an interlaced one: x and y of the first pixel, and steps.
const SAMPLES: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);
const WHOLE = [[0, 0, 1, 1]] as const;
const ADAM7 = [
  ...([
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
  ] as const),
  ...([
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const),
];

/**
 * Whether a row at the end is as it was before anything was decoded: all zeros.
 *
 * Two rows are looked at: the last one of an odd number is no part of an interlaced picture's last pass.
 */
export function endsBlank({ pixels, widthPx, heightPx, bytesPerPixel }: Picture): boolean {
  const rowBytes = widthPx * bytesPerPixel;
  const isBlank = (row: number): boolean =>
    pixels.subarray(row * rowBytes, (row + 1) * rowBytes).every((level, at) => level === 0 || at % bytesPerPixel === 3);
  return isBlank(heightPx - 1) || isBlank(Math.max(0, heightPx - 2));
}

/** Whether the data of a PNG's picture unpack to all of its rows. */
export async function pngIsWhole(content: Uint8Array<ArrayBuffer>): Promise<boolean> {
  let missing = bytesOfRows(content);
  const reader = new Blob(dataOf(content)).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  try {
    while (missing > 0) {
      const { done, value } = await reader.read();
      if (done) break;
      missing -= value.length;
    }
  } catch {
    // They break off, or are damaged: what came before counts.
  }
  await reader.cancel().catch(() => undefined);
  return missing <= 0;
}

/** Bytes that the rows of the picture unpack to; a byte before each says how it is filtered. */
function bytesOfRows(content: Uint8Array): number {
  const [width, height, bits] = [bigEndian(content, 16, 4), bigEndian(content, 20, 4), bigEndian(content, 24, 1)];
  const pixelBits = bits * (SAMPLES.get(content[25] ?? 0) ?? 0);
  let bytes = 0;
  for (const [left, top, stepX, stepY] of content[28] === 0 ? WHOLE : ADAM7) {
    const [columns, rows] = [
      Math.ceil(Math.max(0, width - left) / stepX),
      Math.ceil(Math.max(0, height - top) / stepY),
    ];
    bytes += columns > 0 ? rows * (1 + Math.ceil((columns * pixelBits) / 8)) : 0;
  }
  return bytes;
}

function dataOf(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 8; at + 12 <= content.length; at += 12 + bigEndian(content, at, 4)) {
    if (standsAt(content, at + 4, "IDAT")) parts.push(content.subarray(at + 8, at + 8 + bigEndian(content, at, 4)));
  }
  return parts;
}
