/** In which order crops are scored, when that ends, and what happens when it fails. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Classifier } from "../../src/runtime/classifier.ts";
import { Contract, CropPlan, Decision } from "../../src/runtime/contract.ts";
import { ContractError, ModelError, PhotoError } from "../../src/runtime/errors.ts";
import type { Model } from "../../src/runtime/model.ts";
import { Picture } from "../../src/runtime/picture.ts";

const CROPS = 6;
const SIDE_PX = 8;
const PHOTO = Picture.fromRgb(32, 24, new Uint8Array(32 * 24 * 3));

/** A contract that stops after a crop whose vote is plain, or never. */
function contractOf(earlyStop: readonly number[] | null): Contract {
  return new Contract({
    name: "test",
    labels: ["genuine", "recapture"],
    bonaFide: "genuine",
    sidePx: SIDE_PX,
    plan: new CropPlan({ cycle: ["native"], crops: CROPS }),
    decision: new Decision({ threshold: 0.5, earlyStop }),
    precision: "int8",
    modelSha256: "0".repeat(64),
  });
}

/** A model that keeps which crops it was asked for; each takes its own time. */
class Scores implements Model {
  readonly sidePx = SIDE_PX;
  readonly classes = 2;
  readonly heads: number = 1;
  readonly engine = "test";
  readonly byHead = new Map<number, number>();
  isClosed = false;

  constructor(
    readonly asked: number[],
    private readonly scoreOf: (index: number) => readonly number[],
    private readonly msOf: (index: number) => number = () => 0,
  ) {}

  async score(rgb: Uint8Array, index: number, head: number): Promise<Float32Array> {
    assert.equal(rgb.length, SIDE_PX * SIDE_PX * 3);
    this.asked.push(index);
    this.byHead.set(index, head);
    await new Promise((resolve) => setTimeout(resolve, this.msOf(index)));
    return Float32Array.from(this.scoreOf(index));
  }

  close(): void {
    this.isClosed = true;
  }
}

const ALL = Array.from({ length: CROPS }, (_, index) => index);

test("one model scores the plan's crops in their order", async () => {
  const asked: number[] = [];
  const classifier = new Classifier(contractOf(null), [new Scores(asked, (index) => [0.1 * index, 1 - 0.1 * index])]);
  const verdict = await classifier.classify(PHOTO);
  assert.deepEqual(asked, ALL);
  assert.deepEqual(
    verdict.crops.map((one) => one.probabilities[0]!.toFixed(3)),
    ALL.map((index) => (0.1 * index).toFixed(3)),
  );
});

test("several models answer in the plan's order, whichever ends first", async () => {
  const asked: number[] = [];
  const models = [0, 1, 2].map(
    () =>
      new Scores(
        asked,
        (index) => [index / 10, 1 - index / 10],
        (index) => 12 - 2 * index,
      ),
  );
  const verdict = await new Classifier(contractOf(null), models).classify(PHOTO);
  assert.deepEqual([...asked].sort(), ALL);
  assert.deepEqual(
    verdict.crops.map((one) => Math.round(one.probabilities[0]! * 10)),
    ALL,
  );
});

for (const count of [1, 2]) {
  test(`a crop is scored by the head of its scale, with ${count} models`, async () => {
    const plan = new CropPlan({ lead: ["full"], cycle: ["1/4", "native"], crops: 4 });
    const contract = new Contract({ ...contractOf(null), plan, heads: ["full", "native", "1/2", "1/4"] });
    const models = Array.from({ length: count }, () => Object.assign(new Scores([], () => [0.5, 0.5]), { heads: 4 }));
    await new Classifier(contract, models).classify(PHOTO, { crops: 6 });
    const asked = models.flatMap((model) => [...model.byHead]).sort(([a], [b]) => a - b);
    assert.deepEqual(
      asked.map(([, head]) => head),
      [0, 3, 1, 3, 1, 3],
    );
  });
}

test("a plain answer ends the work", async () => {
  const asked: number[] = [];
  const model = new Scores(asked, (index) => (index === 0 ? [0.5, 0.5] : [0.999, 0.001]));
  const classifier = new Classifier(contractOf([1, 1, 1, 1, 1]), [model]);
  assert.equal((await classifier.classify(PHOTO)).crops.length, 2);
  assert.deepEqual(asked, [0, 1]);
});

for (const options of [{ stopEarly: false }, { crops: CROPS }]) {
  test(`all crops are scored where ${JSON.stringify(options)} is asked`, async () => {
    const model = new Scores([], () => [0.999, 0.001]);
    const verdict = await new Classifier(contractOf([1, 1, 1, 1, 1]), [model]).classify(PHOTO, options);
    assert.equal(verdict.crops.length, CROPS);
  });
}

test("a crop that fails before its turn fails the verdict when that comes, and nothing else", async () => {
  const unhandled: unknown[] = [];
  const listen = (failure: unknown): void => void unhandled.push(failure);
  process.on("unhandledRejection", listen);
  const scoreOf = (index: number): readonly number[] => {
    if (index > 0) throw new ModelError(`crop ${index} failed`);
    return [0.9, 0.1];
  };
  const models = [0, 1, 2].map(() => new Scores([], scoreOf, (index) => (index === 0 ? 30 : 0)));
  await assert.rejects(new Classifier(contractOf(null), models).classify(PHOTO), /crop 1 failed/);
  process.off("unhandledRejection", listen);
  assert.deepEqual(unhandled, []);
});

test("a crop that fails fails the verdict, and the next one is whole", async () => {
  let isBroken = true;
  const failing = (index: number): readonly number[] => {
    if (isBroken && index === 1) throw new ModelError("the engine failed");
    return [0.9, 0.1];
  };
  const classifier = new Classifier(
    contractOf(null),
    [0, 1].map(() => new Scores([], failing)),
  );
  await assert.rejects(classifier.classify(PHOTO), ModelError);
  isBroken = false;
  assert.equal((await classifier.classify(PHOTO)).label, "genuine");
});

test("milliseconds add up to no more than what passed", async () => {
  const classifier = new Classifier(
    contractOf(null),
    [0, 1].map(
      () =>
        new Scores(
          [],
          () => [0.9, 0.1],
          () => 5,
        ),
    ),
  );
  const began = performance.now();
  const verdict = await classifier.classify(PHOTO);
  assert.ok(verdict.totalMs <= performance.now() - began);
  assert.ok(verdict.ms.invoke > verdict.ms.crop);
});

test("a verdict as JSON has the keys of Python's", async () => {
  const verdict = await new Classifier(contractOf(null), [new Scores([], () => [0.5, 0.5])]).classify(PHOTO, {
    crops: 1,
  });
  const { ms, ...rest } = JSON.parse(verdict.toJson()) as Record<string, unknown>;
  assert.deepEqual(Object.keys(ms as object), ["decode_ms", "crop_ms", "invoke_ms", "vote_ms"]);
  assert.deepEqual(rest, {
    label: "recapture",
    score: 0.5,
    probabilities: { genuine: 0.5, recapture: 0.5 },
    crops: [{ box: [12, 8, 20, 16], probabilities: [0.5, 0.5] }],
  });
});

test("a photo of less than 8x8 is refused", async () => {
  const classifier = new Classifier(contractOf(null), [new Scores([], () => [1, 0])]);
  await assert.rejects(classifier.classify(Picture.fromRgb(7, 40, new Uint8Array(840))), PhotoError);
});

for (const crops of [0, 1001, 1.5, Number.NaN]) {
  test(`${crops} crops are refused`, async () => {
    const classifier = new Classifier(contractOf(null), [new Scores([], () => [1, 0])]);
    await assert.rejects(classifier.classify(PHOTO, { crops }), ContractError);
  });
}

test("a model of another size, or none, is refused", () => {
  const other = Object.assign(new Scores([], () => [1, 0]), { classes: 3 });
  assert.throws(() => new Classifier(contractOf(null), [other]), /classes and heads 8, 2, 1, the model has 8, 3, 1/);
  const many = Object.assign(new Scores([], () => [1, 0]), { heads: 3 });
  assert.throws(() => new Classifier(contractOf(null), [many]), /classes and heads 8, 2, 1, the model has 8, 2, 3/);
  assert.throws(() => new Classifier(contractOf(null), []), /one model or more/);
});

test("a closed classifier frees its models and says so", async () => {
  const model = new Scores([], () => [1, 0]);
  const classifier = new Classifier(contractOf(null), [model]);
  classifier.close();
  assert.ok(model.isClosed);
  await assert.rejects(classifier.classify(PHOTO), /this classifier is closed/);
});
