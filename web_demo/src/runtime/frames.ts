/**
 * Camera frames in YUV 4:2:0 (a browser's `VideoFrame.copyTo`, Android's planes); only what crops need becomes RGB.
 *
 * BT.601 at full range, as in JPEG, by the integers of Pillow. With `t(c, i) = trunc(c * 64 * (i - 128) + 0.5)` and `>>`
 * rounding down:
 *
 * ```
 * R = clip(Y + (t(1.402, V) >> 6))
 * G = clip(Y + ((t(-0.34414, U) + t(-0.71414, V)) >> 6))
 * B = clip(Y + (t(1.772, U) >> 6))
 * ```
 *
 * A chroma sample serves its 2x2 pixels; nothing is interpolated.
 */

import type { Box, SizeWh } from "./crops.ts";
import { PhotoError } from "./errors.ts";
import { checkSize } from "./limits.ts";
import { type Bytes, Picture } from "./picture.ts";

/** One plane of a frame. */
export interface Plane {
  readonly data: Bytes;
  /** Bytes from one row to the next. */
  readonly rowStride: number;
  /** Bytes from one sample to the next: 1, which it is when left out, or 2 where U and V alternate. */
  readonly pixelStride?: number;
  /** Bytes before the first sample; 0 when left out. */
  readonly offset?: number;
}

const LAYOUTS = ["nv21", "nv12", "i420"] as const;
const ROTATIONS = [0, 90, 180, 270] as const;

/** Order of the chroma samples in one buffer: V and U alternating, U and V alternating, U and then V. */
export type Layout = (typeof LAYOUTS)[number];

/** Clockwise degrees that make a picture upright. */
export type Rotation = (typeof ROTATIONS)[number];

const RED = chromaTable(1.402);
const GREEN_U = chromaTable(-0.34414);
const GREEN_V = chromaTable(-0.71414);
const BLUE = chromaTable(1.772);

/** One frame; its planes are views of the camera's buffers, which must stay as they are until the verdict. */
export class Frame {
  private readonly planes: { readonly y: Samples; readonly u: Samples; readonly v: Samples };

  private constructor(
    private readonly sensorWh: SizeWh,
    planes: { readonly y: Plane; readonly u: Plane; readonly v: Plane },
    /** Clockwise degrees that make the picture upright. */
    readonly rotation: Rotation,
  ) {
    if (!ROTATIONS.includes(rotation)) {
      throw new PhotoError(`a frame's rotation must be 0, 90, 180 or 270, got ${String(rotation)}`);
    }
    checkSize("frame", sensorWh);
    const half: SizeWh = [Math.ceil(sensorWh[0] / 2), Math.ceil(sensorWh[1] / 2)];
    this.planes = {
      y: samplesOf("Y", planes.y, sensorWh),
      u: samplesOf("U", planes.u, half),
      v: samplesOf("V", planes.v, half),
    };
  }

  /**
   * A frame in three planes.
   *
   * @param sizeWh - Width and height in pixels as the sensor sees them.
   * @param y - A sample for each pixel.
   * @param u - A sample for each 2x2 pixels, the last ones of odd sides included.
   * @param v - The same.
   * @throws PhotoError - Strides below the samples they hold, too few bytes, no pixels, another rotation.
   */
  static fromPlanes(sizeWh: SizeWh, y: Plane, u: Plane, v: Plane, rotation: Rotation = 0): Frame {
    return new Frame(sizeWh, { y, u, v }, rotation);
  }

  /**
   * A frame whose planes follow each other in one buffer.
   *
   * @param sizeWh - Width and height in pixels as the sensor sees them.
   * @param stride - Bytes of a row of Y; null: the width. Rows of U and V have as many, half as many in `i420`.
   * @throws PhotoError - As `fromPlanes`, or an unknown layout.
   */
  static fromBuffer(data: Bytes, sizeWh: SizeWh, layout: Layout, stride: number | null = null, rotation: Rotation = 0): Frame {
    if (!LAYOUTS.includes(layout)) {
      throw new PhotoError(`a frame's layout must be one of ${LAYOUTS.join(", ")}, got ${String(layout)}`);
    }
    const [width, height] = sizeWh;
    const row = stride ?? width;
    const start = row * height;
    const y = { data, rowStride: row };
    if (layout === "i420") {
      const half = Math.ceil(row / 2);
      const u = { data, rowStride: half, offset: start };
      return new Frame(sizeWh, { y, u, v: { ...u, offset: start + half * Math.ceil(height / 2) } }, rotation);
    }
    // With an odd width the last pair still has two bytes.
    const first = { data, rowStride: row + (row % 2), pixelStride: 2, offset: start };
    const second = { ...first, offset: start + 1 };
    const [u, v] = layout === "nv21" ? [second, first] : [first, second];
    return new Frame(sizeWh, { y, u, v }, rotation);
  }

  /** Width and height of the upright picture in pixels. */
  get sizeWh(): SizeWh {
    const [width, height] = this.sensorWh;
    return this.rotation % 180 === 90 ? [height, width] : [width, height];
  }

  /** The pixels of a box in the upright picture, RGB. */
  cut(box: Box): Picture {
    const [width, height] = [box.right - box.left, box.bottom - box.top];
    const { y, u, v } = this.planes;
    const made = new Uint8Array(width * height * 3);
    const [start, right, down] = this.walk(box);
    let to = 0;
    for (let line = 0; line < height; line += 1) {
      let [column, row] = [start[0] + line * down[0], start[1] + line * down[1]];
      for (let count = 0; count < width; count += 1, column += right[0], row += right[1], to += 3) {
        const luma = y.data[y.start + row * y.rowStride + column * y.pixelStride]!;
        const blueness = u.data[u.start + (row >> 1) * u.rowStride + (column >> 1) * u.pixelStride]!;
        const redness = v.data[v.start + (row >> 1) * v.rowStride + (column >> 1) * v.pixelStride]!;
        made[to] = clip(luma + (RED[redness]! >> 6));
        made[to + 1] = clip(luma + ((GREEN_U[blueness]! + GREEN_V[redness]!) >> 6));
        made[to + 2] = clip(luma + (BLUE[blueness]! >> 6));
      }
    }
    return Picture.fromRgb(width, height, made);
  }

  /** Where a box's first pixel lies on the sensor, and the steps there of one to the right and one down. */
  private walk(box: Box): readonly [Place, Place, Place] {
    const [width, height] = this.sensorWh;
    const { left, top } = box;
    if (this.rotation === 90) return [[top, height - 1 - left], [0, -1], [1, 0]];
    if (this.rotation === 180) return [[width - 1 - left, height - 1 - top], [-1, 0], [0, -1]];
    if (this.rotation === 270) return [[width - 1 - top, left], [0, 1], [-1, 0]];
    return [[left, top], [1, 0], [0, 1]];
  }
}

type Place = readonly [column: number, row: number];

/** A checked plane. */
interface Samples {
  readonly data: Uint8Array;
  readonly start: number;
  readonly rowStride: number;
  readonly pixelStride: number;
}

function samplesOf(name: string, plane: Plane, [width, height]: SizeWh): Samples {
  const { data, rowStride, pixelStride = 1, offset = 0 } = plane;
  const isWhole = [rowStride, pixelStride, offset].every(Number.isInteger);
  if (!isWhole || pixelStride < 1 || rowStride < (width - 1) * pixelStride + 1 || offset < 0) {
    throw new PhotoError(
      `rows of the ${name} plane must hold ${width} samples, got a row stride of ${rowStride}, a pixel stride of ` +
        `${pixelStride} and an offset of ${offset} bytes`,
    );
  }
  const needed = offset + (height - 1) * rowStride + (width - 1) * pixelStride + 1;
  if (needed > data.length) {
    throw new PhotoError(`the ${name} plane of a frame must have ${needed} bytes, got ${data.length}`);
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { data: bytes, start: offset, rowStride, pixelStride };
}

function chromaTable(factor: number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, level) => Math.trunc(factor * 64 * (level - 128) + 0.5));
}

function clip(level: number): number {
  return level < 0 ? 0 : level > 255 ? 255 : level;
}
