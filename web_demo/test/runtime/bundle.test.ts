/** Model files: those of the repository are accepted, forged and damaged ones refused before an engine sees them. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { Bundle } from "../../src/runtime/bundle.ts";
import { ContractError } from "../../src/runtime/errors.ts";
import { checkModel } from "../../src/runtime/verify/model.ts";
import { ROOT, type Vector, raw, testVectors } from "./vectors.ts";

interface ForgedVector extends Vector {
  readonly model: string;
}

testVectors<ForgedVector>("forged", async (vector) => {
  try {
    await Bundle.read(raw(vector.model));
  } catch (failure) {
    assert.ok(failure instanceof ContractError, `must be refused as a contract is, got ${String(failure)}`);
    return { accepted: 0 };
  }
  return { accepted: 1 };
});

function modelsIn(folder: string): readonly string[] {
  const found = readdirSync(path.join(ROOT, folder)).filter((name) => name.endsWith(".tflite"));
  return found.map((name) => path.join(folder, name));
}

function read(model: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(path.join(ROOT, model)));
}

// Regions are of a schema that pages do not read.
const REGIONS = "tests/models/marks.tflite";

test("regions are of a newer schema", async () => {
  await assert.rejects(Bundle.read(read(REGIONS)), /schema 3/);
});

for (const model of [...modelsIn("models"), ...modelsIn("tests/models")].filter((one) => one !== REGIONS)) {
  test(`${model} is accepted`, async () => {
    const content = read(model);
    // Some models of the tests are flatbuffers alone.
    if (content.includes(0x50) && Buffer.from(content).includes("edgekit.json")) {
      const bundle = await Bundle.read(content);
      assert.match(bundle.fileSha256, /^[0-9a-f]{64}$/);
    } else {
      checkModel(content);
    }
  });
}
