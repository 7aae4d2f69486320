/** Pictures in memory, photos at their working size, and the model's input cut from them. */

import { type Box, type SizeWh, reduction, shrink } from "./crops.ts";
import { PhotoError } from "./errors.ts";
import type { Frame } from "./frames.ts";
import { checkSize } from "./limits.ts";
import { type Area, copyArea, reduceArea, resizeTo } from "./resize.ts";

/** Bytes of pixels, as browsers and decoders hand them out. */
export type Bytes = Uint8Array | Uint8ClampedArray;

// Rows of a frame that are turned to RGB at once: all of a large one would be held three times.
const STRIP_ROWS = 64;

/** Pixels from the top, row by row, without gaps. They are not copied: they must stay as they are until the verdict. */
export class Picture {
  private constructor(
    readonly widthPx: number,
    readonly heightPx: number,
    /** uint8; of a pixel the first three bytes are R, G, B. */
    readonly pixels: Uint8Array,
    /** 3, or 4 where each pixel has a byte that is not looked at. */
    readonly bytesPerPixel: 3 | 4,
  ) {
    checkSize("picture", [widthPx, heightPx]);
    const needed = widthPx * heightPx * bytesPerPixel;
    if (!(Number.isInteger(widthPx) && Number.isInteger(heightPx) && pixels.length === needed)) {
      throw new PhotoError(`a picture of ${widthPx}x${heightPx} px must have ${needed} bytes, got ${pixels.length}`);
    }
  }

  /**
   * A picture of uint8 (height, width, 3) RGB.
   *
   * @throws PhotoError - No pixels, more than the limit, or not as many bytes as pixels need.
   */
  static fromRgb(widthPx: number, heightPx: number, rgb: Bytes): Picture {
    return new Picture(widthPx, heightPx, plain(rgb), 3);
  }

  /**
   * A picture of uint8 (height, width, 4) RGBA, such as `ImageData.data`.
   *
   * @param isOpaque - Whether the caller knows that no pixel is transparent (a JPEG, a camera); otherwise it is checked.
   * @throws PhotoError - As `fromRgb`, or a pixel that is not opaque.
   */
  static fromRgba(widthPx: number, heightPx: number, rgba: Bytes, isOpaque = false): Picture {
    const picture = new Picture(widthPx, heightPx, plain(rgba), 4);
    if (!isOpaque && !picture.isOpaque()) {
      throw new PhotoError("a photo must be opaque, got transparent pixels; export it as JPEG");
    }
    return picture;
  }

  /** Width and height in pixels. */
  get sizeWh(): SizeWh {
    return [this.widthPx, this.heightPx];
  }

  /** Whether no pixel is transparent: a look at all of them, where each has a fourth byte. */
  isOpaque(): boolean {
    const { pixels, bytesPerPixel } = this;
    if (bytesPerPixel === 3) return true;
    for (let at = 3; at < pixels.length; at += 4) if (pixels[at] !== 255) return false;
    return true;
  }

  /** The pixels from a place on, as resizing takes them. */
  areaAt(left: number, top: number): Area {
    const { pixels, bytesPerPixel } = this;
    const rowBytes = this.widthPx * bytesPerPixel;
    return { pixels, start: top * rowBytes + left * bytesPerPixel, rowBytes, bytesPerPixel };
  }
}

/** An upright photo at its working size, as crops are cut from it. */
export interface Photo {
  readonly picture: Picture | Frame;
  /** Width and height of the whole photo in pixels. */
  readonly sizeWh: SizeWh;
  /** The picture has 1/shrink of that width and height, rounded down. */
  readonly shrink: number;
}

/**
 * A picture or a camera's frame as a photo that crops can be cut from: reduced, by means of blocks, to its working size.
 *
 * @param source - Is not copied where nothing is reduced.
 * @param workingPx - Working size of the contract's crop plan, in pixels; null keeps the size that the picture has.
 */
export function asPhoto(source: Picture | Frame, workingPx: number | null): Photo {
  const { sizeWh } = source;
  const factor = shrink(sizeWh, workingPx);
  return { picture: factor === 1 ? source : reduced(source, factor), sizeWh, shrink: factor };
}

/** Means of whole blocks of a picture; what is left of a block at the right or the bottom is dropped. */
function reduced(source: Picture | Frame, factor: number): Picture {
  const [width, height] = [Math.floor(source.sizeWh[0] / factor), Math.floor(source.sizeWh[1] / factor)];
  if (source instanceof Picture) return Picture.fromRgb(width, height, meansOf(source, width, height, factor));
  const made = new Uint8Array(width * height * 3);
  const rows = Math.max(1, Math.floor(STRIP_ROWS / factor));
  for (let top = 0; top < height; top += rows) {
    const bottom = Math.min(top + rows, height);
    const strip = source.cut({ left: 0, top: top * factor, right: width * factor, bottom: bottom * factor });
    made.set(meansOf(strip, width, bottom - top, factor), top * width * 3);
  }
  return Picture.fromRgb(width, height, made);
}

/**
 * Means of a picture's blocks, from its first pixel on.
 *
 * @returns uint8 (height, width, 3), RGB.
 */
export function meansOf(picture: Picture, width: number, height: number, factor: number): Uint8Array<ArrayBuffer> {
  const area = picture.areaAt(0, 0);
  return factor === 1 ? copyArea(area, width, height) : reduceArea(area, width, height, factor, factor);
}

/**
 * Cut a box and bring it to the model's size, by the integer arithmetic that all ports share.
 *
 * First means of blocks by whole factors (the box is a multiple of them), then the triangle filter. A box of exactly
 * `sidePx` working pixels is copied untouched, so moiré survives.
 *
 * @param photo - As `asPhoto` gives it, for the working size of the plan.
 * @param box - Inside the photo, as `cropBoxes` gives it.
 * @param sidePx - Side of the result.
 * @returns uint8 (sidePx, sidePx, 3), RGB.
 */
export function toTensor(photo: Photo, box: Box, sidePx: number): Uint8Array<ArrayBuffer> {
  return toRectangle(photo, box, [sidePx, sidePx]);
}

/**
 * Cut a box and bring it to any size, as `toTensor` does.
 *
 * @param photo - As `asPhoto` gives it.
 * @param box - Inside the photo; its sides are multiples of their box reductions.
 * @param sizeWh - Width and height of the result in pixels.
 * @returns uint8 (height, width, 3), RGB.
 */
export function toRectangle(photo: Photo, box: Box, sizeWh: SizeWh): Uint8Array<ArrayBuffer> {
  const inWorking = (edge: number): number => Math.floor(edge / photo.shrink);
  const working = {
    left: inWorking(box.left),
    top: inWorking(box.top),
    right: inWorking(box.right),
    bottom: inWorking(box.bottom),
  };
  const [width, height] = [working.right - working.left, working.bottom - working.top];
  const area = areaOf(photo.picture, working);
  const [factorX, factorY] = [reduction(width, sizeWh[0]), reduction(height, sizeWh[1])];
  if (factorX === 1 && factorY === 1) return resizeTo(copyArea(area, width, height), width, height, sizeWh);
  const [wide, high] = [width / factorX, height / factorY];
  return resizeTo(reduceArea(area, wide, high, factorX, factorY), wide, high, sizeWh);
}

/** The pixels of a box, as resizing takes them; of a frame they are made for it. */
export function areaOf(picture: Picture | Frame, box: Box): Area {
  return picture instanceof Picture ? picture.areaAt(box.left, box.top) : picture.cut(box).areaAt(0, 0);
}

/** The same bytes as an Uint8Array: one kind of array keeps the loops over pixels fast. */
function plain(bytes: Bytes): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
