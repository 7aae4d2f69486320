/** Pictures in memory, and photos at their working size. */

import { type Box, type SizeWh, shrink } from "./crops.ts";
import { PhotoError } from "./errors.ts";
import type { Frame } from "./frames.ts";

/** Bytes of pixels, as browsers and decoders hand them out. */
export type Bytes = Uint8Array | Uint8ClampedArray;

/**
 * Pixels from the top, row by row, without gaps. They are not copied: they must stay as they are until the verdict.
 */
export class Picture {
  private constructor(
    readonly widthPx: number,
    readonly heightPx: number,
    /** uint8; of a pixel the first three bytes are R, G, B. */
    readonly pixels: Bytes,
    /** 3, or 4 where each pixel has a byte that is not looked at. */
    readonly bytesPerPixel: 3 | 4,
  ) {
    throw new Error("skeleton");
  }

  /**
   * A picture of uint8 (height, width, 3) RGB.
   *
   * @throws PhotoError - No pixels, more than the limit, or not as many bytes as pixels.
   */
  static fromRgb(widthPx: number, heightPx: number, rgb: Bytes): Picture {
    return new Picture(widthPx, heightPx, rgb, 3);
  }

  /**
   * A picture of uint8 (height, width, 4) RGBA, such as `ImageData.data`.
   *
   * @param isOpaque - Whether the caller knows that no pixel is transparent (a JPEG, a camera); otherwise it is checked.
   * @throws PhotoError - As `fromRgb`, or a pixel that is not opaque.
   */
  static fromRgba(widthPx: number, heightPx: number, rgba: Bytes, isOpaque = false): Picture {
    void isOpaque;
    return new Picture(widthPx, heightPx, rgba, 4);
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

/** A picture or a camera's frame as a photo that crops can be cut from: reduced to its working size. */
export function asPhoto(source: Picture | Frame, workingPx: number | null): Photo {
  void [source, workingPx, shrink, PhotoError];
  throw new Error("skeleton");
}

/**
 * Cut a box and bring it to the model's size, by the integer arithmetic that all ports share.
 *
 * @returns uint8 (sidePx, sidePx, 3), RGB.
 */
export function toTensor(photo: Photo, box: Box, sidePx: number): Uint8Array {
  void [photo, box, sidePx];
  throw new Error("skeleton");
}
