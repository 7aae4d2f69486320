/** What vectors name, as the runtime has it; no files, so that a browser's page can use it, too. */

import { Contract, type CropPlan, type RegionPlan, planOf, regionsOf } from "../../src/runtime/contract.ts";
import type { Box } from "../../src/runtime/crops.ts";
import { Frame, type Layout, type Plane, type Rotation } from "../../src/runtime/frames.ts";
import { readJson } from "../../src/runtime/json.ts";

/** Left, top, right, bottom. */
export type BoxEdges = [number, number, number, number];

/** A frame as vectors name it. */
export interface FrameSpec {
  readonly file: string;
  readonly size_wh: [number, number];
  readonly rotation: Rotation;
  readonly layout?: Layout;
  readonly stride?: number | null;
  readonly planes?: Readonly<Record<"y" | "u" | "v", PlaneSpec>>;
}

interface PlaneSpec {
  readonly start: number;
  readonly length: number;
  readonly row_stride: number;
  readonly pixel_stride: number;
  readonly offset: number;
}

/** A plan that was read by `JSON.parse`; its whole numbers have no point, so nothing was lost. */
export function planFrom(value: unknown): CropPlan {
  return planOf(readJson(JSON.stringify(value)), "plan");
}

/** A plan of regions that was read by `JSON.parse`. */
export function regionsFrom(value: unknown): RegionPlan {
  return regionsOf(readJson(JSON.stringify(value)), "regions");
}

/** A contract that was read by `JSON.parse`. */
export function contractFrom(value: unknown): Contract {
  return Contract.fromJson(JSON.stringify(value));
}

export function boxFrom([left, top, right, bottom]: BoxEdges): Box {
  return { left, top, right, bottom };
}

export function edgesOf(boxes: readonly Box[]): number[] {
  return boxes.flatMap((box) => [box.left, box.top, box.right, box.bottom]);
}

/** A frame of the bytes of its file. */
export function frameOf(spec: FrameSpec, data: Uint8Array): Frame {
  if (spec.layout !== undefined) {
    return Frame.fromBuffer(data, spec.size_wh, spec.layout, spec.stride ?? null, spec.rotation);
  }
  const planeOf = (plane: PlaneSpec): Plane => ({
    data: data.subarray(plane.start, plane.start + plane.length),
    rowStride: plane.row_stride,
    pixelStride: plane.pixel_stride,
    offset: plane.offset,
  });
  const { y, u, v } = spec.planes!;
  return Frame.fromPlanes(spec.size_wh, planeOf(y), planeOf(u), planeOf(v), spec.rotation);
}
