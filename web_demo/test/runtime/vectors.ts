/** The conformance vectors, which all ports share: where they lie, and how they are judged. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/** What every vector has; the rest is its area's. */
export interface Vector {
  readonly name: string;
  readonly why: string;
  readonly tolerance: Readonly<Record<string, number>>;
}

/** How far this port is from what a vector expects, by measure. */
export type Measured = Readonly<Record<string, number>>;

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
 * @param skip - Why they can't run; false where they can.
 * @param how - What a test's name ends in, where vectors run in several ways.
 */
export function testVectors<T extends Vector>(
  area: string,
  measure: (vector: T) => Measured | Promise<Measured>,
  isHere: (vector: T) => boolean = () => true,
  skip: string | false = false,
  how = "",
): void {
  const vectors = vectorsOf<T>(area).filter(isHere);
  test(`${area} has vectors${how}`, () => assert.ok(vectors.length > 0, `tests/conformance/${area}.json must have vectors`));
  for (const vector of vectors) {
    test(`${area}/${vector.name}${how}`, { skip }, async () => {
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
