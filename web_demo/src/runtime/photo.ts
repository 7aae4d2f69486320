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

import { type SizeWh, shrink } from "./crops.ts";
import { PhotoError } from "./errors.ts";
import { orientationOf, turnUpright } from "./exif.ts";
import { hideExif, outlineOf } from "./headers.ts";
import { type Kind, pictureFormat, whatInstead } from "./kinds.ts";
import { MAX_FILE_BYTES, checkSize } from "./limits.ts";
import { type Photo, Picture, meansOf } from "./picture.ts";
import { endsBlank, pngIsWhole } from "./png.ts";

// Rows of a photo that are read at once: a multiple of every factor, which is 128 at most within the limits.
const STRIP_ROWS = 512;
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
  const orientation = orientationOf(outline.exif);
  const stored = await decode(hideExif(kind, content, outline), kind, workingPx);
  if (kind === "PNG" && stored.endsBlank && !(await pngIsWhole(content))) {
    throw new PhotoError("not a whole PNG picture: its data end before its last row; copy it again");
  }
  const [width, height] = stored.sizeWh;
  return {
    picture: turnUpright(stored.picture, orientation),
    sizeWh: orientation >= 5 ? [height, width] : [width, height],
    shrink: stored.shrink,
  };
}

/**
 * Pixels of a bitmap, such as a camera's frame, which is closed.
 *
 * @throws PhotoError - The browser draws none of this size, or changes what is read.
 */
export function pictureOf(bitmap: ImageBitmap): Picture {
  try {
    checkCanvas();
    const { width, height } = bitmap;
    const context = contextOf(width, height);
    context.drawImage(bitmap, 0, 0);
    return Picture.fromRgba(width, height, read(context, width, height), true);
  } finally {
    bitmap.close();
  }
}

/** A photo as it is stored, before any turn. */
interface Stored extends Photo {
  readonly picture: Picture;
  /** Whether its last rows are as they were before anything was decoded. */
  readonly endsBlank: boolean;
}

async function contentOf(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (failure) {
    throw new PhotoError(`a photo must be readable, got a file that fails: ${String(failure)}; choose it again`);
  }
}

async function decode(content: Uint8Array<ArrayBuffer>, kind: Kind, workingPx: number | null): Promise<Stored> {
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
    const sizeWh: SizeWh = [bitmap.width, bitmap.height];
    checkSize(`a ${kind}`, sizeWh, "; save it smaller");
    const factor = shrink(sizeWh, workingPx);
    // What is left of a block at the right or bottom would shift a photo that is turned.
    return { ...readStrips(bitmap, kind, factor), sizeWh, shrink: factor };
  } finally {
    bitmap.close();
  }
}

/** Pixels of a bitmap, reduced strip by strip: a canvas of all of it is beyond what phones allow, or takes their memory. */
function readStrips(bitmap: ImageBitmap, kind: Kind, factor: number): Pick<Stored, "picture" | "endsBlank"> {
  const { width, height } = bitmap;
  const [wide, high] = [Math.floor(width / factor), Math.floor(height / factor)];
  const context = contextOf(width, Math.min(STRIP_ROWS, height));
  // What a strip does not cover is cleared, so that nothing of the last one shines through.
  context.globalCompositeOperation = "copy";
  const rgb = new Uint8Array(wide * high * 3);
  let isBlank = false;
  for (let top = 0; top < height; top += STRIP_ROWS) {
    const count = Math.min(STRIP_ROWS, height - top);
    context.drawImage(bitmap, 0, -top);
    const strip = Picture.fromRgba(width, count, read(context, width, count), kind === "JPEG");
    // A JPEG has no alpha: such pixels were never drawn.
    if (kind === "JPEG" && !strip.isOpaque()) throw outOfMemory(width, height);
    rgb.set(meansOf(strip, wide, Math.floor(count / factor), factor), (top / factor) * wide * 3);
    isBlank ||= top + count >= height - 1 && endsBlank(strip);
  }
  return { picture: Picture.fromRgb(wide, high, rgb), endsBlank: isBlank };
}

/**
 * A canvas to draw on and to read from.
 *
 * @throws PhotoError - The browser has none of this size.
 */
export function contextOf(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (context === null) throw outOfMemory(width, height);
  return context;
}

function read(context: OffscreenCanvasRenderingContext2D, width: number, height: number): Uint8ClampedArray {
  try {
    return context.getImageData(0, 0, width, height).data;
  } catch {
    throw outOfMemory(width, height);
  }
}

function outOfMemory(width: number, height: number): PhotoError {
  return new PhotoError(
    `a photo must fit into the browser's memory, got one of ${width}x${height} px; save it smaller`,
  );
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
