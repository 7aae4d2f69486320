/** Camera frames in YUV 4:2:0 (`VideoFrame.copyTo` of I420 and NV12, Android's planes). */

import type { Box, SizeWh } from "./crops.ts";
import type { Bytes, Picture } from "./picture.ts";

/** One plane of a frame. */
export interface Plane {
  readonly data: Bytes;
  /** Bytes from one row to the next. */
  readonly rowStride: number;
  /** Bytes from one sample to the next; 1 when left out. */
  readonly pixelStride?: number;
  /** Bytes before the first sample; 0 when left out. */
  readonly offset?: number;
}

/** Order of the chroma samples in one buffer. */
export type Layout = "nv21" | "nv12" | "i420";

/** Clockwise degrees that make a picture upright. */
export type Rotation = 0 | 90 | 180 | 270;

/** One frame; its planes are views of the camera's buffers, which must stay as they are until the verdict. */
export class Frame {
  /** @throws PhotoError - Strides below the samples they hold, too few bytes, no pixels, another rotation. */
  static fromPlanes(sizeWh: SizeWh, y: Plane, u: Plane, v: Plane, rotation: Rotation = 0): Frame {
    void [sizeWh, y, u, v, rotation];
    throw new Error("skeleton");
  }

  /** @throws PhotoError - As `fromPlanes`, or an unknown layout. */
  static fromBuffer(data: Bytes, sizeWh: SizeWh, layout: Layout, stride: number | null = null, rotation: Rotation = 0): Frame {
    void [data, sizeWh, layout, stride, rotation];
    throw new Error("skeleton");
  }

  /** Width and height of the upright picture in pixels. */
  get sizeWh(): SizeWh {
    throw new Error("skeleton");
  }

  /** The pixels of a box in the upright picture. */
  cut(box: Box): Picture {
    void box;
    throw new Error("skeleton");
  }
}
