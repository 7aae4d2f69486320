/** Every conformance vector that needs neither a decoder of files nor a model. */

import { cropBoxes, type SizeWh } from "../../src/runtime/crops.ts";
import { Picture, asPhoto, toTensor } from "../../src/runtime/picture.ts";
import { copyArea } from "../../src/runtime/resize.ts";
import { mayStop } from "../../src/runtime/stopping.ts";
import { decide, vote } from "../../src/runtime/voting.ts";
import { type BoxEdges, type FrameSpec, boxFrom, contractFrom, edgesOf, frameOf, planFrom } from "./specs.ts";
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
    const given = source.frame ? frameOf(source.frame, raw(source.frame.file)) : Picture.fromRgb(...source.size_wh!, raw(source.array!));
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
  readonly scores: number[][];
  readonly verdict: { label: string; score: number; probabilities: number[]; crops: number };
}

testVectors<VotesVector>("votes", (vector) => {
  const contract = contractFrom(vector.contract);
  const scores = vector.scores.map((row) => Float32Array.from(row));
  const enough = scores.findIndex((_, index) => index + 1 < scores.length && mayStop(scores.slice(0, index + 1), contract));
  const used = enough < 0 ? scores.length : enough + 1;
  const voted = vote(scores.slice(0, used), contract.decision);
  const { label, score } = decide(voted, contract);
  const expected = vector.verdict;
  return {
    answers: Number(label !== expected.label || used !== expected.crops),
    probability: furthest([...voted, score], [...expected.probabilities, expected.score]),
  };
});
