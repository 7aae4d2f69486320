/** What a model's outputs must be, whatever runs it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import type { Interpreter, Output } from "../../src/runtime/interpreter.ts";
import { InterpretedModel, type ScoreKind } from "../../src/runtime/model.ts";

const CROP = new Uint8Array(8 * 8 * 3);

/** A model that gives the same numbers for every crop. */
function modelOf(kind: ScoreKind, outputs: readonly Output[], heads = 1): InterpretedModel {
  const interpreter: Interpreter = { engine: "test", run: async () => outputs, close: () => undefined };
  return new InterpretedModel(interpreter, { sidePx: 8, outputs: 3, heads, kind });
}

function row(...values: readonly number[]): Output {
  return { shape: [1, values.length], values: Float32Array.from(values) };
}

for (const [kind, values, said] of [
  ["one-of", [0.5, 0.25, 0.25], null],
  ["one-of", [0.9, 0.9, 0.1], /probabilities that sum to 1, got .*does it lack its softmax\?/],
  ["one-of", [1.5, -0.5, 0], /does it lack its softmax/],
  ["any-of", [0.9, 0.9, 0], null],
  ["any-of", [0, 0, 1.01], /probabilities within 0 to 1, got .*does it lack its sigmoids\?/],
  ["any-of", [0, Number.NaN, 0], /does it lack its sigmoids/],
  ["numbers", [3, -4, 100], null],
] as const satisfies readonly (readonly [ScoreKind, readonly number[], RegExp | null])[]) {
  test(`scores that are ${kind}: ${values.join(", ")} ${said === null ? "are taken" : "are refused"}`, async () => {
    const scored = modelOf(kind, [row(...values)]).score(CROP, 0, 0);
    if (said !== null) await assert.rejects(scored, said);
    else assert.deepEqual(await scored, Float32Array.from(values));
  });
}

test("a head's scores are found in whatever order outputs come", async () => {
  const others: Output = { shape: [1, 2, 3], values: Float32Array.from([0, 1, 0, 0.25, 0.25, 0.5]) };
  const model = modelOf("one-of", [others, row(1, 0, 0)], 3);
  assert.deepEqual(
    await Promise.all([0, 1, 2].map(async (head) => [...(await model.score(CROP, 0, head))])),
    [
      [1, 0, 0],
      [0, 1, 0],
      [0.25, 0.25, 0.5],
    ],
  );
  await assert.rejects(model.score(CROP, 0, 3), /ModelError: a model must have 6 floats for head 3/);
});

test("outputs of other lengths are no scores", async () => {
  await assert.rejects(modelOf("one-of", [row(1, 0)]).score(CROP, 0, 0), /ModelError: a model must have 3 floats.*got 2/);
  await assert.rejects(modelOf("one-of", []).score(CROP, 0, 0), /got undefined/);
});
