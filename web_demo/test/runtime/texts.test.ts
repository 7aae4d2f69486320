/** The vectors of contracts, model files, smoothing and EXIF: what is read, and what is refused. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";

import { Bundle } from "../../src/runtime/bundle.ts";
import { Contract, type RegionPlan, type Unknown } from "../../src/runtime/contract.ts";
import { ContractError, PhotoError, VideoError } from "../../src/runtime/errors.ts";
import { orientationOf } from "../../src/runtime/exif.ts";
import { outlineOf } from "../../src/runtime/headers.ts";
import { pictureFormat } from "../../src/runtime/kinds.ts";
import { Smoother } from "../../src/runtime/smoothing.ts";
import { contractFrom } from "./specs.ts";
import { ROOT, VECTORS, type Vector, furthest, raw, testVectors } from "./vectors.ts";

/** A contract as JSON has it, provenance left out. */
function plainContract(contract: Contract): unknown {
  const { plan, decision, regions, unknown, multiLabel } = contract;
  return {
    schema: contract.schema,
    name: contract.name,
    labels: contract.labels,
    bona_fide: contract.bonaFide,
    side_px: contract.sidePx,
    plan: { lead: plan.lead, cycle: plan.cycle, crops: plan.crops, working_px: plan.workingPx },
    ...(contract.heads === null ? {} : { heads: contract.heads }),
    ...(regions === null ? {} : { regions: plainRegions(regions) }),
    ...(unknown === null ? {} : { unknown: plainUnknown(unknown) }),
    ...(multiLabel === null ? {} : { multi_label: multiLabel }),
    decision: {
      vote: decision.vote,
      temperature: decision.temperature,
      threshold: decision.threshold,
      abstain: decision.abstain,
      floor: decision.floor,
      early_stop: decision.earlyStop,
    },
    precision: contract.precision,
    model_sha256: contract.modelSha256,
    checked_on: contract.checkedOn,
  };
}

function plainRegions(regions: RegionPlan): unknown {
  return {
    detector: regions.detector,
    detector_sha256: regions.detectorSha256,
    place: regions.place,
    margin: regions.margin,
    align: regions.align,
    least_score: regions.leastScore,
    iou: regions.iou,
    most: regions.most,
    least_px: regions.leastPx,
  };
}

function plainUnknown({ rule, threshold, falseAccept, falseReject, auroc }: Unknown): unknown {
  return { rule, threshold, false_accept: falseAccept, false_reject: falseReject, auroc };
}

/** 0 where two values are the same, 1 otherwise, with what differs in the output. */
function difference(found: unknown, expected: unknown): number {
  try {
    assert.deepEqual(found, expected);
    return 0;
  } catch (failure) {
    process.stderr.write(`${String(failure)}\n`);
    return 1;
  }
}

/** What something gives, or null where it refuses by an error of that kind; any other error is a bug. */
async function given<T>(what: () => T | Promise<T>, kind: new () => Error): Promise<T | null> {
  try {
    return await what();
  } catch (failure) {
    if (failure instanceof kind) return null;
    throw failure;
  }
}

interface ContractsVector extends Vector {
  readonly json: string;
  readonly contract: unknown;
}

testVectors<ContractsVector>("contracts", async (vector) => {
  const contract = await given(() => Contract.fromJson(vector.json), ContractError);
  return { answers: difference(contract === null ? null : plainContract(contract), vector.contract) };
});

interface BundlesVector extends Vector {
  readonly model: string;
  readonly edits: [number, number, string][];
  readonly bundle: unknown;
}

testVectors<BundlesVector>("bundles", async (vector) => {
  const folder = vector.model.includes("/") ? ROOT : path.join(VECTORS, "data");
  let content: Uint8Array = readFileSync(path.join(folder, vector.model));
  for (const [start, end, hex] of vector.edits) {
    content = Buffer.concat([content.subarray(0, start), Buffer.from(hex, "hex"), content.subarray(end)]);
  }
  const bundle = await given(() => Bundle.read(new Uint8Array(content)), ContractError);
  const found = bundle && {
    file_sha256: bundle.fileSha256,
    flatbuffer_bytes: bundle.flatbuffer.length,
    contract: plainContract(bundle.contract),
  };
  return { answers: difference(found, vector.bundle) };
});

interface SmoothingVector extends Vector {
  readonly contract: unknown;
  readonly tau_s: number | string;
  readonly refused: boolean;
  readonly frames: {
    probabilities: number[] | Record<string, number>;
    time_s: number | string;
    unknown?: number;
    smoothed: { label: string; score: number; probabilities: number[]; unknown?: number } | null;
  }[];
}

testVectors<SmoothingVector>("smoothing", async (vector) => {
  const contract = contractFrom(vector.contract);
  const smoother = await given(() => new Smoother(contract, numberOf(vector.tau_s)), VideoError);
  if (smoother === null) return { answers: Number(!vector.refused), probability: 0 };
  let [wrong, most] = [Number(vector.refused), 0];
  for (const { probabilities, time_s: timeS, unknown = null, smoothed: expected } of vector.frames) {
    const frame = Array.isArray(probabilities) ? probabilities : new Map(Object.entries(probabilities));
    const found = await given(() => smoother.add(frame, numberOf(timeS), unknown), VideoError);
    const isAsExpected = found === null ? expected === null : found.label === expected?.label;
    wrong += Number(!isAsExpected);
    if (found === null || expected === null) continue;
    const [values, wanted] = [
      [...found.probabilities.values(), found.score, ...(found.unknown === null ? [] : [found.unknown])],
      [...expected.probabilities, expected.score, ...(expected.unknown === undefined ? [] : [expected.unknown])],
    ];
    most = Math.max(most, furthest(values, wanted));
  }
  return { answers: wrong, probability: most };
});

/** A number, or the name of one that JSON has not. */
function numberOf(value: number | string): number {
  assert.ok(typeof value === "number" || ["NaN", "Infinity", "-Infinity"].includes(value), `no number: ${value}`);
  return Number(value);
}

interface ExifVector extends Vector {
  readonly photo: string;
  readonly orientation: number;
}

testVectors<ExifVector>("exif", async (vector) => {
  const content = raw(vector.photo);
  const found = await given(() => orientationOf(outlineOf(pictureFormat(content)!, content).exif), PhotoError);
  return { answers: difference(found, vector.orientation) };
});
