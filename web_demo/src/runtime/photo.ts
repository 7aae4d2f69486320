/**
 * Untrusted photo files to upright RGB, by the browser's decoder and edgekit's rules.
 *
 * - What a file is decides, never its name; sizes and work are bounded by its headers, before anything is decoded.
 * - EXIF orientation is applied by own code; all other metadata, colour profiles included, is ignored.
 * - A photo one of whose pixels is not opaque is refused, and so are ink, TIFF, HEIC and AVIF.
 * - Of an animation the first frame counts.
 * - Where a crop plan has a working size, larger photos are reduced by means of blocks. Python's runtime has a JPEG's own
 *   decoder do that, which browsers don't offer: those pixels differ by some levels.
 */

import { shrink } from "./crops.ts";
import { PhotoError } from "./errors.ts";
import { orientationOf, turnUpright } from "./exif.ts";
import { hideExif, outlineOf } from "./headers.ts";
import { type Kind, pictureFormat, whatInstead } from "./kinds.ts";
import { MAX_FILE_BYTES, checkSize } from "./limits.ts";
import { type Photo, Picture, reduced } from "./picture.ts";

// A canvas of this many pixels tells whether the browser changes what is read from one.
const PROBE_SIDE_PX = 16;
let isCanvasExact: boolean | null = null;

/**
 * Decode a photo and bring it to its working size. Runs in a page or in a worker.
 *
 * @param source - The content of a JPEG, PNG, WebP, BMP or GIF file.
 * @param workingPx - Working size of the contract's crop plan, in pixels; null keeps the size that the photo has.
 * @throws PhotoError - Unreadable, not a picture, damaged, transparent, or beyond the limits.
 */
export async function readPhoto(source: Blob | Uint8Array<ArrayBuffer>, workingPx: number | null): Promise<Photo> {
  const bytes = source instanceof Blob ? source.size : source.length;
  if (bytes > MAX_FILE_BYTES) throw new PhotoError(`a photo must have at most ${MAX_FILE_BYTES} bytes, got ${bytes}`);
  const content = source instanceof Blob ? await contentOf(source) : source;
  const kind = pictureFormat(content);
  if (kind === null) {
    const { what, remedy } = whatInstead(content);
    throw new PhotoError(`not a whole JPEG, PNG, WebP, BMP or GIF picture: it is ${what}; ${remedy}`);
  }
  const outline = outlineOf(kind, content);
  if (outline.fault !== "") throw new PhotoError(`not a whole ${kind} picture: ${outline.fault}`);
  const stored = await decode(hideExif(kind, content, outline), kind);
  const factor = shrink(stored.sizeWh, workingPx);
  const orientation = orientationOf(outline.exif);
  // What is left of a block at the right or bottom would shift a photo that is turned.
  const picture = turnUpright(factor === 1 ? stored : reduced(stored, factor), orientation);
  const [width, height] = stored.sizeWh;
  return { picture, sizeWh: orientation >= 5 ? [height, width] : [width, height], shrink: factor };
}

async function contentOf(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (failure) {
    throw new PhotoError(`a photo must be readable, got a file that fails: ${String(failure)}; choose it again`);
  }
}

/** The stored pixels, before any turn. */
async function decode(content: Uint8Array<ArrayBuffer>, kind: Kind): Promise<Picture> {
  checkCanvas();
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([content], { type: `image/${kind.toLowerCase()}` }), {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch (failure) {
    throw new PhotoError(
      `not a whole ${kind} picture: it is cut short or damaged (${String(failure)}); copy it again, or save it anew`,
    );
  }
  try {
    checkSize(`a ${kind}`, [bitmap.width, bitmap.height], "; save it smaller");
    const rgba = pixelsOf(bitmap);
    return Picture.fromRgba(bitmap.width, bitmap.height, rgba, kind === "JPEG");
  } finally {
    bitmap.close();
  }
}

function pixelsOf(bitmap: ImageBitmap): Uint8ClampedArray {
  const { width, height } = bitmap;
  const context = contextOf(width, height);
  context.drawImage(bitmap, 0, 0);
  return read(context, width, height);
}

function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (context === null) throw new PhotoError(`a photo of ${width}x${height} px takes more memory than the browser has`);
  return context;
}

function read(context: OffscreenCanvasRenderingContext2D, width: number, height: number): Uint8ClampedArray {
  try {
    return context.getImageData(0, 0, width, height).data;
  } catch (failure) {
    throw new PhotoError(`a photo of ${width}x${height} px takes more memory than the browser has: ${String(failure)}`);
  }
}

/** Some browsers change pixels that are read from a canvas, so that pages can't tell devices apart by them. */
function checkCanvas(): void {
  isCanvasExact ??= isProbeKept();
  if (!isCanvasExact) {
    throw new PhotoError(
      "this browser changes the pixels that a page reads (a protection against fingerprinting), so no verdict would be " +
        "worth anything; allow this page to read canvases",
    );
  }
}

function isProbeKept(): boolean {
  const given = new ImageData(PROBE_SIDE_PX, PROBE_SIDE_PX);
  for (let at = 0; at < given.data.length; at += 1) given.data[at] = at % 4 === 3 ? 255 : (at * 37) % 256;
  const context = contextOf(PROBE_SIDE_PX, PROBE_SIDE_PX);
  context.putImageData(given, 0, 0);
  const found = read(context, PROBE_SIDE_PX, PROBE_SIDE_PX);
  return found.every((level, at) => level === given.data[at]);
}
