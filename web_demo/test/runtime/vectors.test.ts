/** Every conformance vector that needs neither a decoder of files nor a model. */

import assert from "node:assert/strict";
import { cropBoxes, type SizeWh } from "../../src/runtime/crops.ts";
import { ModelError } from "../../src/runtime/errors.ts";
import { Picture, asPhoto, toTensor } from "../../src/runtime/picture.ts";
import { GRIDS } from "../../src/runtime/regions/anchors.ts";
import { ROW, decodeRows, suppress } from "../../src/runtime/regions/decode.ts";
import { Letterbox } from "../../src/runtime/regions/letterbox.ts";
import { type Region, regionOf, regionPhoto } from "../../src/runtime/regions/squares.ts";
import { copyArea } from "../../src/runtime/resize.ts";
import { sha256 } from "../../src/runtime/sha256.ts";
import { mayStop } from "../../src/runtime/stopping.ts";
import { decide, voteAll } from "../../src/runtime/voting.ts";
import {
  type BoxEdges,
  type FrameSpec,
  boxFrom,
  contractFrom,
  edgesOf,
  frameOf,
  planFrom,
  regionsFrom,
} from "./specs.ts";
import { type Vector, furthest, joined, raw, testVectors } from "./vectors.ts";

interface BoxesVector extends Vector {
  readonly plan: unknown;
  readonly size_wh: [number, number];
  readonly side_px: number;
  readonly count: number | null;
  readonly offset: [number, number] | null;
  readonly boxes: BoxEdges[];
}

testVectors<BoxesVector>("boxes", (vector) => {
  const offset: [SizeWh] | [] = vector.offset === null ? [] : [vector.offset];
  const found = cropBoxes(planFrom(vector.plan), vector.size_wh, vector.side_px, vector.count, ...offset);
  return { pixels: furthest(edgesOf(found), vector.boxes.flat()) };
});

interface TensorsVector extends Vector {
  readonly source: { photo?: string; array?: string; size_wh?: [number, number]; frame?: FrameSpec };
  readonly plan: unknown;
  readonly side_px: number;
  readonly boxes: BoxEdges[];
  readonly tensors: string;
}

testVectors<TensorsVector>(
  "tensors",
  (vector) => {
    const { source } = vector;
    const plan = planFrom(vector.plan);
    const given = source.frame
      ? frameOf(source.frame, raw(source.frame.file))
      : Picture.fromRgb(...source.size_wh!, raw(source.array!));
    const photo = asPhoto(given, plan.workingPx);
    const found = cropBoxes(plan, photo.sizeWh, vector.side_px);
    const cut = vector.boxes.map((box) => toTensor(photo, boxFrom(box), vector.side_px));
    return {
      pixels: furthest(edgesOf(found), vector.boxes.flat()),
      levels: furthest(joined(cut), raw(vector.tensors)),
    };
  },
  (vector) => vector.source.photo === undefined,
);

interface FramesVector extends Vector {
  readonly frame: FrameSpec;
  readonly boxes: BoxEdges[];
  readonly pixels: string;
  readonly size_wh: [number, number];
}

testVectors<FramesVector>("frames", (vector) => {
  const frame = frameOf(vector.frame, raw(vector.frame.file));
  const cut = vector.boxes.map((box) => pixelsOf(frame.cut(boxFrom(box))));
  return { pixels: furthest(frame.sizeWh, vector.size_wh), levels: furthest(joined(cut), raw(vector.pixels)) };
});

function pixelsOf(picture: Picture): Uint8Array {
  return copyArea(picture.areaAt(0, 0), picture.widthPx, picture.heightPx);
}

interface VotesVector extends Vector {
  readonly contract: unknown;
  /** What is no number is a text. */
  readonly scores: (number | string)[][];
  /** null: the scores must be refused. */
  readonly verdict: { label: string; score: number; probabilities: number[]; crops: number; unknown?: number } | null;
}

testVectors<VotesVector>("votes", (vector) => {
  const contract = contractFrom(vector.contract);
  const scores = vector.scores.map((row) => Float32Array.from(row, Number));
  const expected = vector.verdict;
  if (expected === null) {
    assert.throws(() => voteAll(scores, contract), ModelError);
    return { answers: 0, probability: 0 };
  }
  const enough = scores.findIndex(
    (_, index) => index + 1 < scores.length && mayStop(scores.slice(0, index + 1), contract),
  );
  const used = enough < 0 ? scores.length : enough + 1;
  const { probabilities, unknown } = voteAll(scores.slice(0, used), contract);
  const { label, score } = decide(probabilities, contract, unknown);
  return {
    answers: Number(label !== expected.label || used !== expected.crops),
    probability: furthest(
      [...probabilities, score, ...(unknown === null ? [] : [unknown])],
      [...expected.probabilities, expected.score, ...(expected.unknown === undefined ? [] : [expected.unknown])],
    ),
  };
});

interface RegionsVector extends Vector {
  readonly detector: keyof typeof GRIDS;
  readonly plan: unknown;
  readonly size_wh: [number, number];
  readonly rows: [anchor: number, logit: number, values: number[]][];
  readonly boxes: number[][];
  readonly points: number[][][];
  readonly scores: number[];
  readonly regions: { box: BoxEdges; score: number; middle_xy: number[]; side_px: number; cos: number; sin: number }[];
  readonly pixels: string | null;
  readonly array?: string;
  readonly times?: number;
  readonly working_px?: number | null;
  readonly shrink?: number;
  readonly letterbox_sha256?: string;
}

testVectors<RegionsVector>("regions", async (vector) => {
  const [plan, grid] = [regionsFrom(vector.plan), GRIDS[vector.detector]];
  const logits = new Float32Array(grid.count).fill(-100);
  const rows = new Float32Array(grid.count * ROW);
  for (const [anchor, logit, values] of vector.rows) {
    logits[anchor] = logit;
    rows.set(values, anchor * ROW);
  }
  const found = suppress(decodeRows(rows, logits, grid, plan.leastScore), plan.iou, plan.most);
  const frame = new Letterbox(vector.size_wh, grid.sidePx);
  const regions = found
    .map((one) => regionOf(frame.toPhoto(one), vector.size_wh, plan))
    .filter((one) => one !== null);
  const numbers = regions.flatMap((one) => [...edgesOf([one.box]), ...one.middleXy, one.sidePx]);
  const told = vector.regions.flatMap((one) => [...one.box, ...one.middle_xy, one.side_px]);
  const turns = regions.flatMap((one) => [one.cos, one.sin]);
  const measured = {
    parts: Math.max(
      furthest(
        found.flatMap((one) => one.box),
        vector.boxes.flat(),
      ),
      furthest(
        found.flatMap((one) => one.points),
        vector.points.flat(2),
      ),
      furthest(
        found.map((one) => one.score),
        vector.scores,
      ),
    ),
    pixels: furthest(numbers, told),
    turn: furthest(
      turns,
      vector.regions.flatMap((one) => [one.cos, one.sin]),
    ),
    answers: 0,
  };
  const [first] = regions;
  if (vector.pixels === null || first === undefined) return measured;
  return { ...measured, ...(await squareApart(vector, frame, first)) };
});

/** How far a region's pixels are from the vector's, and the detector's input. */
async function squareApart(vector: RegionsVector, frame: Letterbox, region: Region) {
  const photo = asPhoto(repeated(raw(vector.array!), vector.size_wh, vector.times!), null);
  const cut = regionPhoto(photo, region, vector.working_px ?? null);
  const digest = await sha256(new Uint8Array(frame.pixels(photo)));
  return {
    levels: furthest(pixelsOf(cut.picture as Picture), raw(vector.pixels!)),
    answers: Number(digest !== vector.letterbox_sha256 || cut.shrink !== vector.shrink),
  };
}

/** A picture each of whose pixels is given once, to be repeated in both directions. */
function repeated(small: Uint8Array, [width, height]: [number, number], times: number): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at += 1) {
    const [x, y] = [Math.floor((at % width) / times), Math.floor(Math.floor(at / width) / times)];
    const from = (y * Math.floor(width / times) + x) * 3;
    rgb.set(small.subarray(from, from + 3), at * 3);
  }
  return Picture.fromRgb(width, height, rgb);
}
