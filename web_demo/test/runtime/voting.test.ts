/** Scores that no vector can say: rows that are too short or too long. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Contract, CropPlan, Decision, Unknown } from "../../src/runtime/contract.ts";
import { voteAll } from "../../src/runtime/voting.ts";

const ENERGY = new Contract({
  name: "goods",
  labels: ["apple", "pear"],
  bonaFide: null,
  sidePx: 8,
  plan: new CropPlan(),
  decision: new Decision(),
  precision: "int8",
  modelSha256: "0".repeat(64),
  unknown: new Unknown({ rule: "energy", threshold: 0.5 }),
});
const SEVERAL = new Contract({ ...ENERGY, unknown: null, multiLabel: [0.5, 0.5] });

for (const [what, contract, row] of [
  ["a row that lacks one", ENERGY, [0.5, 0.5]],
  ["a row with one too many", ENERGY, [0.4, 0.3, 0.2, 0.1]],
  ["one label of two", SEVERAL, [0.5]],
] as const) {
  test(`${what} is refused`, () => {
    const whole = new Float32Array(contract.outputs).fill(1 / contract.outputs);
    assert.throws(() => voteAll([whole, row], contract), /ModelError: a crop must have the model's . scores, got/);
  });
}

test("labels are voted on among themselves, and no row is changed", () => {
  const row = Float32Array.of(0.25, 0.25, 0.5);
  const { probabilities, unknown } = voteAll([row], ENERGY);
  assert.deepEqual([[...probabilities], unknown], [[0.5, 0.5], 0.5]);
  assert.deepEqual([...row], [0.25, 0.25, 0.5]);
});
