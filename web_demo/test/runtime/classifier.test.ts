/** In which order crops are scored, when that ends, and what happens when it fails. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Classifier } from "../../src/runtime/classifier.ts";
import { Contract, CropPlan, Decision, RegionPlan, Unknown } from "../../src/runtime/contract.ts";
import { ContractError, ModelError, PhotoError } from "../../src/runtime/errors.ts";
import type { Input, Interpreter, Output } from "../../src/runtime/interpreter.ts";
import type { Model } from "../../src/runtime/model.ts";
import { Picture } from "../../src/runtime/picture.ts";
import { Detector } from "../../src/runtime/regions/detector.ts";

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
  readonly outputs: number = 2;
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
  const other = Object.assign(new Scores([], () => [1, 0]), { outputs: 3 });
  assert.throws(() => new Classifier(contractOf(null), [other]), /outputs and heads 8, 2, 1, the model has 8, 3, 1/);
  const many = Object.assign(new Scores([], () => [1, 0]), { heads: 3 });
  assert.throws(() => new Classifier(contractOf(null), [many]), /outputs and heads 8, 2, 1, the model has 8, 2, 3/);
  assert.throws(() => new Classifier(contractOf(null), []), /one model or more/);
});

test("a closed classifier frees its models and says so", async () => {
  const model = new Scores([], () => [1, 0]);
  const classifier = new Classifier(contractOf(null), [model]);
  classifier.close();
  assert.ok(model.isClosed);
  await assert.rejects(classifier.classify(PHOTO), /this classifier is closed/);
});

const REGIONS = new RegionPlan({ detector: "blazeface-short", detectorSha256: "0".repeat(64), margin: 0, leastPx: 8 });
const ANCHORS = 896;

/** A detector that finds boxes of 40 px of its 128 around these anchors, the first the surest; or fails. */
class Finds implements Interpreter {
  readonly engine = "test";
  isClosed = false;

  constructor(
    private readonly anchors: readonly number[],
    private readonly shapes: readonly (readonly number[])[] = [
      [1, ANCHORS, 1],
      [1, ANCHORS, 16],
    ],
  ) {}

  async run(input: Input, shape: readonly number[]): Promise<readonly Output[]> {
    assert.deepEqual([input.length, shape], [128 * 128 * 3, [1, 128, 128, 3]]);
    assert.ok(input instanceof Float32Array && input.every((one) => one >= -1 && one <= 1));
    return this.shapes.map((one) => {
      const values = new Float32Array(one.reduce((product, length) => product * length, 1)).fill(-100);
      this.anchors.forEach((anchor, at) => {
        if (one.at(-1) === 1) values[anchor] = 5 - at;
        else values.set([0, 0, 40, 40, ...new Array<number>(12).fill(0)], anchor * 16);
      });
      return { shape: one, values };
    });
  }

  close(): void {
    this.isClosed = true;
  }
}

function ofRegions(
  anchors: readonly number[],
  model: Model = new Scores([], () => [0.9, 0.1]),
): { classifier: Classifier; finds: Finds } {
  const finds = new Finds(anchors);
  const contract = new Contract({ ...contractOf(null), regions: REGIONS });
  return { classifier: new Classifier(contract, [model], new Detector(REGIONS, finds)), finds };
}

const SQUARE = Picture.fromRgb(64, 64, new Uint8Array(64 * 64 * 3));

test("each region of a photo has an answer, the surest detection first", async () => {
  // Of the first grid, 16 cells a row, two anchors a cell: the middles of three quarters of the photo.
  const found = await ofRegions([2 * (16 * 12 + 12), 2 * (16 * 4 + 4)]).classifier.classifyRegions(SQUARE, { crops: 2 });
  assert.deepEqual(
    found.regions.map(({ region, verdict }) => [region.box.left, region.sidePx, verdict.label, verdict.crops.length]),
    [
      [40, 20, "genuine", 2],
      [8, 20, "genuine", 2],
    ],
  );
  assert.deepEqual([found.said, found.thing, found.sizeWh], ["genuine, genuine", "face", [64, 64]]);
  assert.ok(found.totalMs >= found.decodeMs + found.detectMs);
  const plain = JSON.parse(found.toJson());
  assert.deepEqual(Object.keys(plain), ["thing", "size_wh", "regions", "decode_ms", "detect_ms"]);
  assert.deepEqual(Object.keys(plain.regions[0].region), ["box", "score", "middle_xy", "side_px", "cos", "sin"]);
});

test("no region is an answer", async () => {
  const found = await ofRegions([]).classifier.classifyRegions(SQUARE);
  assert.deepEqual([found.said, found.regions], ["no face", []]);
});

test("classify gives the one region's answer, and never guesses which", async () => {
  const anchor = 2 * (16 * 4 + 4);
  assert.deepEqual((await ofRegions([anchor]).classifier.classify(SQUARE)).sizeWh, [20, 20]);
  await assert.rejects(ofRegions([]).classifier.classify(SQUARE), /PhotoError: a photo must have one face, got none/);
  await assert.rejects(
    ofRegions([anchor, 2 * (16 * 12 + 12)]).classifier.classify(SQUARE),
    /PhotoError: a photo must have one face, got 2: use classifyRegions, which answers for each/,
  );
});

test("photos that are looked at at the same time don't share their pixels, later ones take their place", async () => {
  const inputs: Input[] = [];
  const levels: number[] = [];
  class Late extends Finds {
    override async run(input: Input, shape: readonly number[]): Promise<readonly Output[]> {
      inputs.push(input);
      await new Promise((resolve) => setTimeout(resolve, 5));
      levels.push(input[input.length / 2]!);
      return super.run(input, shape);
    }
  }
  const detector = new Detector(REGIONS, new Late([]));
  const find = (level: number) => {
    const picture = Picture.fromRgb(64, 64, new Uint8Array(64 * 64 * 3).fill(level));
    return detector.find({ picture, sizeWh: [64, 64], shrink: 1 });
  };
  await Promise.all([find(0), find(255)]);
  await find(255);
  assert.deepEqual(levels, [-1, 1, 1]);
  assert.ok(inputs[0] !== inputs[1] && inputs.slice(0, 2).includes(inputs[2]!));
});

test("what can't be had of regions is said", async () => {
  const { classifier, finds } = ofRegions([]);
  await assert.rejects(classifier.classifyRegions(SQUARE, { crops: 0 }), /ContractError: crops must be/);
  await assert.rejects(classifier.classifyRegions(Picture.fromRgb(7, 9, new Uint8Array(189))), /at least 8x8 px, got 7x9/);
  classifier.close();
  assert.ok(finds.isClosed);
  await assert.rejects(classifier.classifyRegions(SQUARE), /this classifier is closed/);
  const whole = new Classifier(contractOf(null), [new Scores([], () => [1, 0])]);
  await assert.rejects(whole.classifyRegions(SQUARE), /ContractError: classifyRegions needs a model of regions/);
  const broken = new Detector(REGIONS, new Finds([], [[1, ANCHORS, 1]]));
  await assert.rejects(broken.find({ picture: SQUARE, sizeWh: [64, 64], shrink: 1 }), /ModelError: .*other shapes/);
});

test("a contract of regions needs its detector, and no other has one", () => {
  const models = [new Scores([], () => [1, 0])];
  const { contract } = ofRegions([]).classifier;
  assert.throws(() => new Classifier(contract, models), /needs its detector for this contract, got none/);
  const detector = new Detector(REGIONS, new Finds([]));
  assert.throws(() => new Classifier(contractOf(null), models, detector), /needs no detector for this contract, got one/);
});

test("a model of several labels answers with all that a photo has", async () => {
  const contract = new Contract({ ...contractOf(null), bonaFide: null, decision: new Decision(), multiLabel: [0.5, 0.25] });
  const answered = async (row: readonly number[]) =>
    new Classifier(contract, [new Scores([], () => row)]).classify(PHOTO, { crops: 2 });
  const both = await answered([0.75, 0.5]);
  assert.deepEqual([both.label, both.score.toFixed(6), both.labels], ["genuine|recapture", "0.750000", ["genuine", "recapture"]]);
  const none = await answered([0.25, 0.125]);
  assert.deepEqual([none.label, none.labels, none.toPlain().labels], ["none", [], []]);
});

test("a model with an output for what is unknown answers with it", async () => {
  const unknown = new Unknown({ rule: "distance", threshold: 0.5 });
  const contract = new Contract({ ...contractOf(null), bonaFide: null, decision: new Decision(), unknown });
  const model = Object.assign(new Scores([], () => [0.25, 0.125, 0.625]), { outputs: 3 });
  const verdict = await new Classifier(contract, [model]).classify(PHOTO, { crops: 1 });
  assert.deepEqual([verdict.label, verdict.score.toFixed(6), verdict.labels], ["unknown", "0.625000", null]);
  assert.deepEqual(
    [...verdict.probabilities].map(([label, one]) => [label, one.toFixed(6)]),
    [
      ["genuine", "0.666667"],
      ["recapture", "0.333333"],
    ],
  );
  assert.equal(verdict.toPlain().unknown, verdict.unknown);
  assert.throws(() => new Classifier(contract, [new Scores([], () => [1, 0])]), /outputs and heads 8, 3, 1, the model has 8, 2, 1/);
});
