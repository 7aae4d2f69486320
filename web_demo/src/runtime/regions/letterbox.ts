/** Where a photo lies in a detector's square input. */

import { type Box, type SizeWh, reduction } from "../crops.ts";
import { type Photo, toRectangle } from "../picture.ts";
import type { Detection } from "./decode.ts";

/** The photo in the middle, as large as it fits; what its box reductions don't divide is cut at its edges. */
export class Letterbox {
  /** The part of the photo that is shown, in its own pixels. */
  readonly box: Box;
  /** Where that lies in the input, in its pixels. */
  readonly inner: Box;

  /**
   * @param sizeWh - Width and height of the photo.
   * @param sidePx - Side of the input.
   */
  constructor(
    [width, height]: SizeWh,
    private readonly sidePx: number,
  ) {
    const longer = Math.max(width, height);
    const fitted = (length: number): number =>
      Math.max(1, Math.floor((2 * length * sidePx + longer) / (2 * longer)));
    const [wide, high] = [fitted(width), fitted(height)];
    const shown = [width - (width % reduction(width, wide)), height - (height % reduction(height, high))] as const;
    const [left, top] = [Math.floor((width - shown[0]) / 2), Math.floor((height - shown[1]) / 2)];
    const [x, y] = [Math.floor((sidePx - wide) / 2), Math.floor((sidePx - high) / 2)];
    this.box = { left, top, right: left + shown[0], bottom: top + shown[1] };
    this.inner = { left: x, top: y, right: x + wide, bottom: y + high };
  }

  /** The input, black around the photo: uint8 (sidePx, sidePx, 3), RGB. */
  pixels(photo: Photo): Uint8Array {
    const { left, top, right, bottom } = this.inner;
    const [width, height] = [right - left, bottom - top];
    const shown = toRectangle(photo, this.box, [width, height]);
    const found = new Uint8Array(this.sidePx * this.sidePx * 3);
    for (let row = 0; row < height; row += 1) {
      found.set(shown.subarray(row * width * 3, (row + 1) * width * 3), ((top + row) * this.sidePx + left) * 3);
    }
    return found;
  }

  /** What was found in parts of the input's side, in pixels of the photo. */
  toPhoto(found: Detection): Detection {
    const { box, inner } = this;
    const scaleX = (box.right - box.left) / (inner.right - inner.left);
    const scaleY = (box.bottom - box.top) / (inner.bottom - inner.top);
    const inPhoto = (part: number, at: number): number =>
      at % 2 === 0
        ? (part * this.sidePx - inner.left) * scaleX + box.left
        : (part * this.sidePx - inner.top) * scaleY + box.top;
    return { ...found, box: found.box.map(inPhoto), points: found.points.map(inPhoto) };
  }
}
