/** Identities from frame to frame, and a steady answer for each. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Contract } from "../../src/runtime/contract.ts";
import { VideoError } from "../../src/runtime/errors.ts";
import { edgesOf } from "../../src/runtime/crops.ts";
import { overlap } from "../../src/runtime/regions/overlap.ts";
import { Tracker } from "../../src/runtime/regions/tracking.ts";
import { Smoother } from "../../src/runtime/smoothing.ts";
import { RegionsVerdict, Verdict } from "../../src/runtime/verdict.ts";

const CONTRACT = new Contract({
  name: "who",
  labels: ["anna", "ben"],
  sidePx: 8,
  precision: "float32",
  modelSha256: "0".repeat(64),
});
type Face = readonly [left: number, top: number, anna: number];

/** Faces of 100 px at a place, each with Anna's probability. */
function frame(...faces: readonly Face[]): RegionsVerdict {
  const regions = faces.map(([left, top, anna]) => ({
    region: {
      box: boxAt(left, top, 100),
      score: 0.9,
      middleXy: [2 * left + 100, 2 * top + 100] as const,
      sidePx: 100,
      cos: 65536,
      sin: 0,
    },
    verdict: new Verdict({
      answer: { label: anna > 0.5 ? "anna" : "ben", score: Math.max(anna, 1 - anna) },
      probabilities: new Map([
        ["anna", anna],
        ["ben", 1 - anna],
      ]),
      crops: [],
      ms: { decode: 0, crop: 0, invoke: 0, vote: 0 },
      sizeWh: [100, 100],
    }),
  }));
  return new RegionsVerdict({ thing: "face", sizeWh: [640, 480], regions, decodeMs: 0, detectMs: 0 });
}

function boxAt(left: number, top: number, side: number) {
  return { left, top, right: left + side, bottom: top + side };
}

function numbers(tracker: Tracker, timeS: number, ...faces: readonly Face[]): number[] {
  return tracker.add(frame(...faces), timeS).map((one) => one.number);
}

test("who moves keeps a number, and who comes gets the next", () => {
  const tracker = new Tracker(CONTRACT);
  assert.deepEqual(numbers(tracker, 0, [0, 0, 0.9], [300, 0, 0.1]), [1, 2]);
  // The detector tells them in another order.
  assert.deepEqual(numbers(tracker, 0.1, [320, 10, 0.1], [20, 0, 0.9]), [2, 1]);
  assert.deepEqual(numbers(tracker, 0.2, [0, 300, 0.9], [20, 0, 0.9], [330, 10, 0.1]), [3, 1, 2]);
});

test("the larger overlap is matched first", () => {
  const tracker = new Tracker(CONTRACT);
  numbers(tracker, 0, [0, 0, 0.5], [60, 0, 0.5]);
  // The first box overlaps both; it is nearer to the second, which leaves the first to the other.
  assert.deepEqual(numbers(tracker, 0.1, [45, 0, 0.5], [10, 0, 0.5]), [2, 1]);
});

for (const [moved, isSame] of [
  [53, true],
  [55, false],
] as const) {
  test(`who moves by ${moved} of 100 px is ${isSame ? "the same" : "another"}`, () => {
    const tracker = new Tracker(CONTRACT);
    numbers(tracker, 0, [0, 0, 0.5]);
    assert.deepEqual(numbers(tracker, 0.1, [moved, 0, 0.5]), [isSame ? 1 : 2]);
  });
}

test("who is hidden for a moment comes back", () => {
  const tracker = new Tracker(CONTRACT);
  assert.deepEqual(numbers(tracker, 0, [0, 0, 0.9]), [1]);
  assert.deepEqual(numbers(tracker, 0.5), []);
  assert.deepEqual(numbers(tracker, 1, [0, 0, 0.9]), [1]);
  assert.deepEqual(numbers(tracker, 2.01, [0, 0, 0.9]), [2]);
});

test("each has an answer of its own that one frame does not change", () => {
  const tracker = new Tracker(CONTRACT, 0.5);
  for (let step = 0; step < 10; step += 1) tracker.add(frame([0, 0, 0.9], [300, 0, 0.1]), step / 10);
  const [anna, ben] = tracker.add(frame([0, 0, 0.2], [300, 0, 0.1]), 1);
  assert.deepEqual([anna!.seen.verdict.label, anna!.steady.label, ben!.steady.label], ["ben", "anna", "ben"]);
  assert.ok(Math.abs(ben!.steady.probabilities.get("ben")! - 0.9) < 1e-12);
});

for (const timeS of [0.9, Number.NaN]) {
  test(`after one second, ${timeS} is no time`, () => {
    const tracker = new Tracker(CONTRACT);
    tracker.add(frame(), 1);
    assert.throws(() => tracker.add(frame(), timeS), VideoError);
  });
}

test("a frame of no numbers is refused, and changes nothing", () => {
  for (const contract of [CONTRACT, new Contract({ ...CONTRACT, multiLabel: [0.5, 0.5] })]) {
    const [smoother, untouched] = [new Smoother(contract), new Smoother(contract)];
    for (const one of [smoother, untouched]) one.add([0.8, 0.2], 0);
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      assert.throws(() => smoother.add([wrong, 0.5], 0.1), /VideoError: a frame's probabilities must be finite/);
    }
    assert.deepEqual(smoother.add([0.4, 0.6], 0.2), untouched.add([0.4, 0.6], 0.2));
  }
});

test("smoothing out of range is refused at once", () => {
  assert.throws(() => new Tracker(CONTRACT, -1), /VideoError: smoothing must take/);
});

test("boxes without an area overlap nothing", () => {
  const edgesAt = (...at: Parameters<typeof boxAt>) => edgesOf(boxAt(...at));
  assert.equal(overlap(edgesAt(5, 5, 0), edgesAt(5, 5, 0)), 0);
  assert.equal(overlap(edgesAt(0, 0, 2), edgesAt(9, 9, 2)), 0);
  assert.equal(overlap(edgesAt(0, 0, 2), edgesAt(0, 0, 2)), 1);
});
