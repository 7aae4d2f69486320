/** Model files: those of the repository are accepted, forged and damaged ones refused before an engine sees them. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { ZipWriter } from "../../src/page/zip.ts";
import { readArchive } from "../../src/runtime/archive.ts";
import { Bundle } from "../../src/runtime/bundle.ts";
import { ContractError } from "../../src/runtime/errors.ts";
import { sha256 } from "../../src/runtime/sha256.ts";
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

for (const model of [...modelsIn("models"), ...modelsIn("tests/models")]) {
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

const MARKS = "tests/models/marks.tflite";
const CREATED = new Date(Date.UTC(2026, 11, 1));

/** The model of regions again, with another detector in its archive, or another contract; null leaves a member out. */
async function marks(
  change: (contract: Record<string, unknown> & { regions: Record<string, unknown> }) => void,
  detector: Uint8Array<ArrayBuffer> | null = null,
): Promise<Uint8Array<ArrayBuffer>> {
  const content = read(MARKS);
  const { members, start } = await readArchive(content, ["edgekit.json", "labels.txt", "detector.tflite"]);
  const contract = JSON.parse(new TextDecoder().decode(members.get("edgekit.json")));
  change(contract);
  const zip = new ZipWriter();
  await zip.add("edgekit.json", JSON.stringify(contract), CREATED);
  await zip.add("labels.txt", new Blob([members.get("labels.txt")!]), CREATED);
  if (detector !== null) await zip.add("detector.tflite", new Blob([detector]), CREATED);
  const archive = new Uint8Array(await zip.finish().arrayBuffer());
  return new Uint8Array([...content.subarray(0, start), ...archive]);
}

async function detectorOf(model: string): Promise<Uint8Array<ArrayBuffer>> {
  return (await readArchive(read(model), ["detector.tflite"])).members.get("detector.tflite")!;
}

test("a detector inside the model's file is read with it", async () => {
  const bundle = await Bundle.read(read(MARKS));
  assert.deepEqual(bundle.detector, await detectorOf(MARKS));
  assert.equal((await Bundle.read(read("tests/models/red_blue.tflite"))).detector, null);
});

test("a detector beside the model's file is read where it is at hand", async () => {
  const detector = await detectorOf(MARKS);
  const content = await marks(({ regions }) => (regions["place"] = "beside"));
  assert.deepEqual((await Bundle.read(content, detector)).detector, detector);
  const name = `detector-${(await sha256(detector)).slice(0, 12)}.tflite`;
  await assert.rejects(Bundle.read(content), new RegExp(`ContractError: the model's face detector lies beside it, as ${name}`));
});

for (const [why, change, detector, said] of [
  ["that is not there", () => undefined, async () => null, /must have its face detector inside, as detector.tflite/],
  [
    "that is another file",
    () => undefined,
    async () => new Uint8Array([...(await detectorOf(MARKS)), 0]),
    /the detector must have the SHA-256 [0-9a-f]{64}, got/,
  ],
  [
    "of another kind than the contract's",
    ({ regions }) => (regions["detector"] = "blazeface-back"),
    () => detectorOf(MARKS),
    /promises the detector blazeface-back, the file is blazeface-short/,
  ],
  [
    "that is none",
    ({ regions }) => (regions["detector_sha256"] = createHash("sha256").update(read("tests/models/logits_int8.tflite")).digest("hex")),
    async () => read("tests/models/logits_int8.tflite"),
    /a detector must be one of MediaPipe's for faces \(blazeface-short: float32 \[1, 128, 128, 3\] to .*, got /,
  ],
  [
    "that no flatbuffer is",
    ({ regions }) => (regions["detector_sha256"] = createHash("sha256").update("none").digest("hex")),
    async () => new TextEncoder().encode("none"),
    /ContractError/,
  ],
  [
    "that nobody promised",
    (contract) => Object.assign(contract, { schema: 1, regions: undefined }),
    () => detectorOf(MARKS),
    /promises no detector.tflite inside, the archive has one/,
  ],
] as const satisfies readonly (readonly [
  string,
  Parameters<typeof marks>[0],
  () => Promise<Uint8Array<ArrayBuffer> | null>,
  RegExp,
])[]) {
  test(`a model with a detector ${why} is refused`, async () => {
    await assert.rejects(Bundle.read(await marks(change, await detector())), said);
  });
}
