/** Untrusted photo files to upright RGB, by the browser's decoder and edgekit's rules. */

import type { Photo } from "./picture.ts";

/**
 * Decode a photo and bring it to its working size. Runs in a page or in a worker.
 *
 * @param source - The content of a JPEG, PNG, WebP, BMP or GIF file (what else the browser decodes is refused by name).
 * @param workingPx - Working size of the contract's crop plan, in pixels; null keeps the size that the photo has.
 * @throws PhotoError - Unreadable, not a picture, damaged, transparent, or beyond the limits.
 */
export function readPhoto(source: Blob | Uint8Array<ArrayBuffer>, workingPx: number | null): Promise<Photo> {
  void [source, workingPx];
  throw new Error("skeleton");
}
