/** The conformance vectors, which all ports share: where they lie, and how they are judged. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Contract, type CropPlan, planOf } from "../../src/runtime/contract.ts";
import { Frame, type Layout, type Plane, type Rotation } from "../../src/runtime/frames.ts";
import type { Box, SizeWh } from "../../src/runtime/crops.ts";
import { type Json, readJson } from "../../src/runtime/json.ts";

/** What every vector has; the rest is its area's. */
export interface Vector {
  readonly name: string;
  readonly why: string;
  readonly tolerance: Readonly<Record<string, number>>;
}

/** How far this port is from what a vector expects, by measure. */
export type Measured = Readonly<Record<string, number>>;

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

/** The root of the repository, wherever the built tests lie. */
export const ROOT = rootAbove(path.dirname(fileURLToPath(import.meta.url)));
export const VECTORS = path.join(ROOT, "tests", "conformance");

function rootAbove(folder: string): string {
  if (existsSync(path.join(folder, "tests", "conformance", "boxes.json"))) return folder;
  const above = path.dirname(folder);
  assert.notEqual(above, folder, "tests/conformance must lie in a folder above the tests");
  return rootAbove(above);
}

/** All vectors of an area; none where there is no such area. */
export function vectorsOf<T extends Vector>(area: string): readonly T[] {
  const file = path.join(VECTORS, `${area}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { vectors: T[] }).vectors : [];
}

/**
 * A named test for each vector of an area, whose message is the vector's why.
 *
 * @param isHere - Which vectors this file runs; the others need a browser, and run there.
 */
export function testVectors<T extends Vector>(
  area: string,
  measure: (vector: T) => Measured | Promise<Measured>,
  isHere: (vector: T) => boolean = () => true,
): void {
  const vectors = vectorsOf<T>(area).filter(isHere);
  test(`${area} has vectors`, () => assert.ok(vectors.length > 0, `tests/conformance/${area}.json must have vectors`));
  for (const vector of vectors) {
    test(`${area}/${vector.name}`, async () => {
      let measured: Measured;
      try {
        measured = await measure(vector);
      } catch (failure) {
        throw new assert.AssertionError({ message: `${vector.why}: ${String(failure)}` });
      }
      judge(vector, measured);
    });
  }
}

/** Hold a vector's tolerances. */
export function judge(vector: Vector, measured: Measured): void {
  for (const [name, value] of Object.entries(measured)) {
    const most = vector.tolerance[name] ?? Number.POSITIVE_INFINITY;
    // "Not at most" rather than "more than": NaN fails.
    assert.ok(value <= most, `${vector.why}: differs by ${name} ${value}; allowed: ${most}`);
  }
}

/** The bytes of a raw file of the vectors. */
export function raw(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(path.join(VECTORS, "data", name)));
}

/** What parsed JSON becomes when it is read as contracts are. */
export function strictly(value: unknown): Json {
  return readJson(JSON.stringify(value));
}

export function planFrom(value: unknown): CropPlan {
  return planOf(strictly(value), "plan");
}

/**
 * A contract of a vector, as it stands in the file.
 *
 * `JSON.parse` and back turns 1.0 into 1, which a contract reads as the same number where a number is asked for.
 */
export function contractFrom(value: unknown): Contract {
  return Contract.fromJson(JSON.stringify(value));
}

export function boxFrom([left, top, right, bottom]: BoxEdges): Box {
  return { left, top, right, bottom };
}

export function edgesOf(boxes: readonly Box[]): number[] {
  return boxes.flatMap((box) => [box.left, box.top, box.right, box.bottom]);
}

export function frameFrom(spec: FrameSpec): Frame {
  const data = raw(spec.file);
  const size: SizeWh = spec.size_wh;
  if (spec.layout !== undefined) return Frame.fromBuffer(data, size, spec.layout, spec.stride ?? null, spec.rotation);
  const { y, u, v } = spec.planes ?? assert.fail("a frame has a layout or planes");
  const planeOf = (plane: PlaneSpec): Plane => ({
    data: data.subarray(plane.start, plane.start + plane.length),
    rowStride: plane.row_stride,
    pixelStride: plane.pixel_stride,
    offset: plane.offset,
  });
  return Frame.fromPlanes(size, planeOf(y), planeOf(u), planeOf(v), spec.rotation);
}

/** The largest difference of two lists; infinite where one is longer. */
export function furthest(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let index = 0; index < found.length; index += 1) {
    const apart = Math.abs(found[index]! - expected[index]!);
    if (!(apart <= most)) most = apart;
  }
  return most;
}

/** Lists one after another. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => {
    made.set(part, at);
    return at + part.length;
  }, 0);
  return made;
}
