/** The vectors that need a decoder of files or a model, in Chromium: photos, tensors of photos, refusals, scores, verdicts. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { Picture } from "../../src/runtime/picture.ts";
import { reduceArea } from "../../src/runtime/resize.ts";
import type { FoundPicture, PortVerdict, SourceSpec } from "./inpage.ts";
import { type Session, openSession, withoutChromium } from "./chromium.ts";
import type { BoxEdges } from "./specs.ts";
import { ROOT, type Measured, type Vector, furthest, joined, raw, testVectors, vectorsOf } from "./vectors.ts";

const DATA = "/repository/tests/conformance/data/";
const WASM = ["wasm/", "wasm/litert_wasm_compat_internal.js"];
// A browser has no decoder that reduces. Means of blocks of the whole picture differ from what libjpeg makes of fewer
// coefficients: on these vectors, noise at its worst, by 2 to 11 levels at most, 0.3 to 2.1 in the mean.
const [MOST_LEVELS, MEAN_LEVELS] = [16, 3];
const skip = withoutChromium();

const scratch = mkdtempSync(path.join(tmpdir(), "edgekit-runtime-"));

let session: Session;

before(async () => {
  if (skip === false) session = await openSession({ scratch });
});
after(async () => {
  if (skip === false) await session.close();
  rmSync(scratch, { recursive: true, force: true });
});

function bytes(base64: string): Uint8Array {
  return Buffer.from(base64, "base64");
}

interface PhotosVector extends Vector {
  readonly photo: string;
  readonly ports: "read" | "refuse";
  readonly working_px: number | null;
  readonly size_wh: [number, number];
  readonly shrink: number;
  readonly picture_wh: [number, number];
  readonly picture: string;
}

/** Whether a vector's pixels are those of a JPEG's decoder that reduces, which browsers have not. */
function isReducedJpeg(photo: string, shrink: number): boolean {
  return photo.endsWith(".jpg") && shrink > 1;
}

testVectors<PhotosVector>(
  "photos",
  async (vector) => {
    const found = await session.call("photo", DATA + vector.photo, vector.working_px);
    if (vector.ports === "refuse") return { refused: refusedAs(found, "PhotoError") };
    if (typeof found === "string") throw new Error(found);
    return { pixels: sizesApart(found, vector), levels: furthest(bytes(found.rgb), raw(vector.picture)) };
  },
  (vector) => !isReducedJpeg(vector.photo, vector.shrink),
  skip,
);

for (const vector of vectorsOf<PhotosVector>("photos").filter((one) => isReducedJpeg(one.photo, one.shrink))) {
  test(`photos/${vector.name} reduced by means of blocks`, { skip }, async () => {
    const found = await session.call("photo", DATA + vector.photo, vector.working_px);
    if (typeof found === "string") throw new Error(found);
    assert.equal(sizesApart(found, vector), 0, vector.why);
    const [rgb, expected] = [bytes(found.rgb), raw(vector.picture)];
    const mean = expected.reduce((sum, level, at) => sum + Math.abs(level - rgb[at]!), 0) / expected.length;
    assert.ok(
      furthest(rgb, expected) <= MOST_LEVELS && mean <= MEAN_LEVELS,
      `${vector.why}: differs by ${mean} in the mean`,
    );
  });
}

test("a photo that is reduced strip by strip is the means of its whole picture", { skip }, async () => {
  const [whole, found] = [await pixelsOf("working-16.jpg"), await session.call("photo", `${DATA}working-16.jpg`, 64)];
  if (typeof found === "string") throw new Error(found);
  const [width, height] = whole.wh;
  const [wide, high] = found.pictureWh;
  const picture = Picture.fromRgb(width, height, whole.rgb);
  assert.equal(furthest(reduceArea(picture.areaAt(0, 0), wide, high, found.shrink, found.shrink), bytes(found.rgb)), 0);
});

function sizesApart(found: FoundPicture, { size_wh, shrink, picture_wh }: PhotosVector): number {
  return furthest([...found.sizeWh, found.shrink, ...found.pictureWh], [...size_wh, shrink, ...picture_wh]);
}

/** 0 where something was refused by that kind of error. */
function refusedAs(found: unknown, kind: string): number {
  return typeof found === "string" && found.startsWith(kind) ? 0 : Number.POSITIVE_INFINITY;
}

interface TensorsVector extends Vector {
  readonly source: SourceSpec;
  readonly plan: unknown;
  readonly side_px: number;
  readonly boxes: BoxEdges[];
  readonly tensors: string;
}

testVectors<TensorsVector>(
  "tensors",
  async (vector) => {
    const source = { photo: DATA + vector.source.photo! };
    const found = await session.call("tensors", source, vector.plan, vector.side_px, vector.boxes);
    return {
      pixels: furthest(found.boxes, vector.boxes.flat()),
      levels: furthest(joined(found.rgb.map(bytes)), raw(vector.tensors)),
    };
  },
  (vector) => vector.source.photo !== undefined && !vector.name.startsWith("file-jpeg-working"),
  skip,
);

interface RefusalsVector extends Vector {
  readonly photo: string;
  readonly what: string | null;
}

testVectors<RefusalsVector>(
  "refusals",
  async (vector) => {
    const found = await session.call("photo", DATA + vector.photo, null);
    if (typeof found !== "string") return { answers: 1 };
    assert.match(found, /^PhotoError: /);
    return { answers: Number(!found.includes(vector.what ?? "")) };
  },
  () => true,
  skip,
);

interface ExifVector extends Vector {
  readonly photo: string;
  readonly orientation: number;
}

// What the vectors' pictures are made of, as it is stored.
const UNTURNED = { jpg: "turn-bare.jpg", png: "turn-png-text.png", webp: "turn-png-text.png" };

testVectors<ExifVector>(
  "exif",
  async (vector) => {
    const stored = UNTURNED[vector.photo.split(".").at(-1) as "jpg"];
    const [bare, found] = [await pixelsOf(stored), await pixelsOf(vector.photo)];
    return { answers: Number(!isTurned(bare, found, vector.orientation)) };
  },
  () => true,
  skip,
  " by the browser",
);

interface Pixels {
  readonly wh: readonly [number, number];
  readonly rgb: Uint8Array;
}

async function pixelsOf(photo: string): Promise<Pixels> {
  const found = await session.call("photo", DATA + photo, null);
  if (typeof found === "string") throw new Error(found);
  return { wh: found.pictureWh, rgb: bytes(found.rgb) };
}

/** Whether a picture is another one, turned; pixel by pixel, by the meaning of the orientations. */
function isTurned(stored: Pixels, found: Pixels, orientation: number): boolean {
  const [width, height] = stored.wh;
  if (furthest(found.wh, orientation >= 5 ? [height, width] : [width, height]) > 0) return false;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [right, low] = [width - 1 - x, height - 1 - y];
      const places = [
        [x, y],
        [right, y],
        [right, low],
        [x, low],
        [y, x],
        [low, x],
        [low, right],
        [y, right],
      ];
      const [column, row] = places[orientation - 1] as [number, number];
      for (let band = 0; band < 3; band += 1) {
        if (stored.rgb[(y * width + x) * 3 + band] !== found.rgb[(row * found.wh[0] + column) * 3 + band]) return false;
      }
    }
  }
  return true;
}

interface Step {
  readonly of: "outputs" | "logits";
  readonly size: number;
}

/** The largest difference of scores in steps of the model's output: of any two log-probabilities, where logits have them. */
function stepsBetween(found: readonly number[][], expected: readonly number[][], step: Step): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  const rows = found.map((row, at) => {
    if (step.of === "outputs") return furthest(row, expected[at]!);
    const apart = row.map((one, column) => Math.log(one) - Math.log(expected[at]![column]!));
    return Math.max(...apart) - Math.min(...apart);
  });
  return Math.max(...rows) / step.size;
}

interface ScoresVector extends Vector {
  readonly model: string;
  readonly inputs: string;
  readonly scores: string;
  readonly step: Step;
}

async function scoresApart(vector: ScoresVector, wasm: string): Promise<Measured> {
  const isBundle = readFileSync(path.join(ROOT, vector.model)).includes("edgekit.json");
  // Each variant is loaded in a page of its own: a page has one engine.
  await session.page.reload();
  const found = await session.call("scores", `/repository/${vector.model}`, isBundle, DATA + vector.inputs, wasm);
  const values = new Float32Array(raw(vector.scores).buffer);
  const classes = values.length / found.scores.length;
  const expected = found.scores.map((_, row) => [...values.subarray(row * classes, (row + 1) * classes)]);
  const steps = stepsBetween(found.scores, expected, vector.step);
  return { steps, absolute: furthest(found.scores.flat(), [...values]) };
}

for (const wasm of WASM) {
  testVectors<ScoresVector>(
    "scores",
    (vector) => scoresApart(vector, wasm),
    () => true,
    skip,
    ` by ${wasm}`,
  );
}

interface VerdictsVector extends Vector {
  readonly model: string;
  readonly source: SourceSpec;
  readonly crops: number | null;
  readonly stop_early: boolean;
  readonly step: Step;
  readonly verdict: (Pick<PortVerdict, "label" | "score" | "probabilities" | "crops"> & object) | null;
}

function served({ photo, array, size_wh, frame }: SourceSpec): SourceSpec {
  return {
    ...(photo === undefined ? {} : { photo: DATA + photo }),
    ...(array === undefined ? {} : { array: DATA + array }),
    ...(size_wh === undefined ? {} : { size_wh }),
    ...(frame === undefined ? {} : { frame: { ...frame, file: DATA + frame.file } }),
  };
}

async function verdictApart(vector: VerdictsVector, workers: number): Promise<Measured> {
  const model = vector.model.includes("/") ? `/repository/${vector.model}` : DATA + vector.model;
  const setup = { model, wasm: "wasm/", workers };
  const found = await session.call("verdict", setup, served(vector.source), vector.crops, vector.stop_early);
  const expected = vector.verdict;
  if (expected === null || typeof found === "string") {
    if (expected !== null) throw new Error(String(found));
    return { answers: Number(typeof found !== "string") };
  }
  const pixels = furthest(
    found.crops.flatMap((one) => one.box),
    expected.crops.flatMap((one) => one.box),
  );
  const labels = Object.keys(expected.probabilities);
  const names = [found.label, ...Object.keys(found.probabilities)].join() !== [expected.label, ...labels].join();
  if (pixels > 0) return { answers: Number(names), pixels };
  const contract = temperatureOf(vector);
  const vote = stepsBetween([Object.values(found.probabilities)], [Object.values(expected.probabilities)], vector.step);
  return {
    answers: Number(names),
    pixels,
    steps: stepsBetween(
      found.crops.map((one) => one.probabilities),
      expected.crops.map((one) => one.probabilities),
      vector.step,
    ),
    vote_steps: vote * (vector.step.of === "logits" ? contract : 1),
  };
}

/** The temperature of a vector's model, read out of its archive without any runtime. */
function temperatureOf(vector: VerdictsVector): number {
  const folder = vector.model.includes("/") ? ROOT : path.join(ROOT, "tests", "conformance", "data");
  const text = readFileSync(path.join(folder, vector.model)).toString("latin1");
  return Number(/"temperature": ([0-9.]+)/.exec(text)?.[1] ?? "1");
}

for (const workers of [0, 2]) {
  testVectors<VerdictsVector>(
    "verdicts",
    (vector) => verdictApart(vector, workers),
    () => true,
    skip,
    workers === 0 ? " in the page" : ` by ${workers} workers`,
  );
}

const MARKS = "/repository/tests/models/marks.tflite";

type Mark = readonly [column: number, row: number, colour: readonly number[]];

/** Black with marks that the tests' detector finds: squares of 64 px in cells of 64 px, by column, row and colour. */
function markedPhoto(...marks: Mark[]): string {
  const rgb = Buffer.alloc(512 * 512 * 3);
  for (const [column, row, colour] of marks) {
    for (let at = 0; at < 64 * 64; at += 1) {
      const pixel = (64 * row + Math.floor(at / 64)) * 512 + 64 * column + (at % 64);
      rgb.set(colour, 3 * pixel);
    }
  }
  const name = `${marks.length}.rgb`;
  writeFileSync(path.join(scratch, name), rgb);
  return `/scratch/${name}`;
}

const [RED, BLUE] = [
  [255, 0, 0],
  [0, 0, 255],
] as const;

for (const workers of [0, 2]) {
  const how = workers === 0 ? "in the page" : `by ${workers} workers and one more`;
  test(`regions are found and answered for ${how}`, { skip }, async () => {
    const setup = { model: MARKS, wasm: "wasm/", workers };
    const sourceOf = (...marks: Mark[]): SourceSpec => ({
      array: markedPhoto(...marks),
      size_wh: [512, 512],
    });
    const found = await session.call("regions", setup, sourceOf([2, 1, RED], [5, 6, BLUE]));
    if (typeof found === "string") throw new Error(found);
    assert.deepEqual(
      found.regions.map(({ region, verdict }) => [region.box, verdict.label, verdict.crops.length]),
      [
        [[120, 56, 200, 136], "genuine", 3],
        [[312, 376, 392, 456], "recapture", 3],
      ],
    );
    const none = await session.call("regions", setup, sourceOf());
    assert.deepEqual(typeof none === "string" ? none : none.regions, []);
    assert.match(
      String(await session.call("verdict", setup, sourceOf(), null, true)),
      /^PhotoError: a photo must have one face, got none/,
    );
  });
}

test("the browser complains about nothing", { skip }, () => assert.deepEqual(session.complaints, []));

const MODEL = "/repository/models/demo-int8.tflite";
const FAILURES: readonly (readonly [name: string, wasm: string, worker: string | null, said: RegExp])[] = [
  [
    "a page that can't fetch the engine",
    "nowhere/",
    null,
    /^ModelError: .* one of its files can't be fetched; reload the page/,
  ],
  ["a page that fetches it after all", "wasm/", null, /^litert.js-[0-9.]+ wasm relaxed-simd$/],
  ["a worker that can't fetch the engine", "nowhere/", "worker.js", /^ModelError: .* failed to load/],
  [
    "a worker whose script is not there",
    "wasm/",
    "nowhere.js",
    /^ModelError: .*its script can't be loaded; reload the page/,
  ],
  ["a worker that is loaded after all", "wasm/", "worker.js", /^litert.js-[0-9.]+ wasm relaxed-simd$/],
];

for (const [at, [name, wasm, worker, said]] of FAILURES.entries()) {
  test(name, { skip }, async () => {
    // A page has one engine: the first case is the first to ask for it.
    if (at === 0) await session.page.reload();
    assert.match(await session.call("load", MODEL, wasm, worker), said);
  });
}

for (const worker of [null, "worker.js"]) {
  test(`a model in ${worker ?? "the page"} refuses crops of another size, goes on, and ends`, { skip }, async () => {
    const [short, next, closed] = await session.call("misuse", MODEL, "wasm/", worker);
    assert.match(short!, /^ModelError: a crop must have 27648 bytes, got 27647/);
    assert.equal(next, "goes on");
    assert.match(closed!, /^ModelError: this model is closed; load it again/);
  });
}
