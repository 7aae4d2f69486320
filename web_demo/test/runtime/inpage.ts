/** What tests and the ports' runner call inside a browser's page: the runtime on files that a loopback server has. */

import {
  Bundle,
  Classifier,
  Detector,
  type Frame,
  LiteRtModel,
  type Model,
  Picture,
  WorkerModel,
  asPhoto,
  cropBoxes,
  readPhoto,
  sha256,
  toTensor,
} from "../../src/runtime/index.ts";
import { copyArea } from "../../src/runtime/resize.ts";
import { checkModel } from "../../src/runtime/verify/model.ts";
import type { Photo } from "../../src/runtime/picture.ts";
import type { PlainRegionsVerdict, PlainVerdict } from "../../src/runtime/verdict.ts";
import { cutTimes } from "./speed.ts";
import { type BoxEdges, type FrameSpec, boxFrom, edgesOf, frameOf, planFrom } from "./specs.ts";

/** Pixels of a picture; `rgb` in base64. */
export interface FoundPicture {
  readonly sizeWh: [number, number];
  readonly shrink: number;
  readonly pictureWh: [number, number];
  readonly rgb: string;
}

/** What a photo is made of: a file that the server has, an array of RGB, or a frame. */
export interface SourceSpec {
  readonly photo?: string;
  readonly array?: string;
  readonly size_wh?: [number, number];
  readonly frame?: FrameSpec;
}

/** A verdict, with the SHA-256 of each crop's pixels. */
export interface PortVerdict extends PlainVerdict {
  readonly size_wh: [number, number];
  readonly crops_sha256: string[];
  readonly engine: string;
}

/** Which model, by which of LiteRT.js's scripts, in how many workers; 0: in the page itself. */
export interface Setup {
  readonly model: string;
  readonly wasm: string;
  readonly workers: number;
}

const classifiers = new Map<string, Promise<Classifier>>();

async function bytesOf(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

async function photoOf(source: SourceSpec, workingPx: number | null): Promise<Photo> {
  if (source.photo !== undefined) return readPhoto(await bytesOf(source.photo), workingPx);
  return asPhoto(await pictureOf(source), workingPx);
}

async function pictureOf(source: SourceSpec): Promise<Picture | Frame> {
  if (source.frame !== undefined) return frameOf(source.frame, await bytesOf(source.frame.file));
  const [width, height] = source.size_wh ?? [0, 0];
  return Picture.fromRgb(width, height, await bytesOf(source.array ?? ""));
}

async function loadClassifier({ model, wasm, workers }: Setup): Promise<Classifier> {
  const bundle = await Bundle.read(await bytesOf(model));
  const models: Model[] = [];
  for (let count = 0; count < workers; count += 1)
    models.push(await WorkerModel.load(bundle, { worker: "worker.js", wasm }));
  if (workers === 0) models.push(await LiteRtModel.load(bundle, wasm));
  const detector = await Detector.load(bundle, workers === 0 ? { wasm } : { wasm, worker: "worker.js" });
  return new Classifier(bundle.contract, models, detector);
}

function classifierOf(setup: Setup): Promise<Classifier> {
  const key = JSON.stringify(setup);
  const known = classifiers.get(key);
  if (known !== undefined) return known;
  const made = loadClassifier(setup);
  classifiers.set(key, made);
  return made;
}

const edgekit = {
  /** Decode a photo; a refusal comes as its message. */
  async photo(url: string, workingPx: number | null): Promise<FoundPicture | string> {
    try {
      const photo = await readPhoto(await bytesOf(url), workingPx);
      const picture = photo.picture as Picture;
      const rgb = copyArea(picture.areaAt(0, 0), picture.widthPx, picture.heightPx);
      const pictureWh: [number, number] = [picture.widthPx, picture.heightPx];
      return { sizeWh: [...photo.sizeWh], shrink: photo.shrink, pictureWh, rgb: base64(rgb) };
    } catch (failure) {
      return named(failure);
    }
  },

  /** Cut a vector's boxes; also what the plan's own boxes are. */
  async tensors(
    source: SourceSpec,
    plan: unknown,
    sidePx: number,
    boxes: BoxEdges[],
  ): Promise<{ boxes: number[]; rgb: string[] }> {
    const read = planFrom(plan);
    const photo = await photoOf(source, read.workingPx);
    return {
      boxes: edgesOf(cropBoxes(read, photo.sizeWh, sidePx)),
      rgb: boxes.map((box) => base64(toTensor(photo, boxFrom(box), sidePx))),
    };
  },

  /** Scores of inputs one after another, a row of each head, by a bundle or a bare flatbuffer. */
  async scores(
    modelUrl: string,
    isBundle: boolean,
    inputsUrl: string,
    wasm: string,
  ): Promise<{ scores: number[][]; engine: string }> {
    const content = await bytesOf(modelUrl);
    let model: LiteRtModel;
    if (isBundle) {
      model = await LiteRtModel.load(await Bundle.read(content), wasm);
    } else {
      const { inputs, outputs } = checkModel(content);
      const [sidePx, numbers] = [inputs[0]!.shape[1]!, outputs[0]!.shape[1]!];
      const shape = { sidePx, outputs: numbers, heads: 1, kind: "numbers" } as const;
      model = await LiteRtModel.load({ flatbuffer: content, ...shape }, wasm);
    }
    const inputs = await bytesOf(inputsUrl);
    const bytes = model.sidePx ** 2 * 3;
    const scores: number[][] = [];
    for (let at = 0; at < inputs.length; at += bytes) {
      const crop = inputs.slice(at, at + bytes);
      for (let head = 0; head < model.heads; head += 1) scores.push([...(await model.score(crop, at / bytes, head))]);
    }
    model.close();
    return { scores, engine: model.engine };
  },

  /** Load a model, here or in a worker by that script; the engine's name, or the refusal's message. */
  async load(model: string, wasm: string, worker: string | null): Promise<string> {
    try {
      const bundle = await Bundle.read(await bytesOf(model));
      const loaded =
        worker === null ? await LiteRtModel.load(bundle, wasm) : await WorkerModel.load(bundle, { worker, wasm });
      await loaded.score(new Uint8Array(loaded.sidePx ** 2 * 3), 0, 0);
      loaded.close();
      return loaded.engine;
    } catch (failure) {
      return named(failure);
    }
  },

  /** What a model says of a crop that is too short, and, once it is closed, of any; it may be asked meanwhile. */
  async misuse(model: string, wasm: string, worker: string | null): Promise<string[]> {
    const bundle = await Bundle.read(await bytesOf(model));
    const loaded =
      worker === null ? await LiteRtModel.load(bundle, wasm) : await WorkerModel.load(bundle, { worker, wasm });
    const crop = new Uint8Array(loaded.sidePx ** 2 * 3);
    const said = [await loaded.score(crop.slice(1), 0, 0).then(String, named)];
    said.push((await loaded.score(crop, 0, 0)).length === loaded.outputs ? "goes on" : "broken");
    loaded.close();
    return [...said, await loaded.score(crop, 0, 0).then(String, named)];
  },

  /** Milliseconds for cutting and resizing a plan's crops of an array, once for each run; one to warm up is left out. */
  async cut(url: string, sizeWh: [number, number], plan: unknown, sidePx: number, runs: number): Promise<number[]> {
    const picture = Picture.fromRgb(...sizeWh, await bytesOf(url));
    return cutTimes({ picture, sizeWh, shrink: 1 }, planFrom(plan), sidePx, runs);
  },

  /** The answers for a photo's regions; a refusal comes as its message. */
  async regions(setup: Setup, source: SourceSpec): Promise<PlainRegionsVerdict | string> {
    try {
      const classifier = await classifierOf(setup);
      const given = source.photo === undefined ? await pictureOf(source) : await bytesOf(source.photo);
      return (await classifier.classifyRegions(given)).toPlain();
    } catch (failure) {
      return named(failure);
    }
  },

  /** A verdict; a refusal comes as its message. */
  async verdict(
    setup: Setup,
    source: SourceSpec,
    crops: number | null,
    stopEarly: boolean,
  ): Promise<PortVerdict | string> {
    try {
      const classifier = await classifierOf(setup);
      const given = source.photo === undefined ? await pictureOf(source) : await bytesOf(source.photo);
      const verdict = await classifier.classify(given, { crops, stopEarly });
      const { plan, sidePx } = classifier.contract;
      const photo = await photoOf(source, plan.workingPx);
      const hashes = verdict.crops.map(({ box }) => sha256(toTensor(photo, box, sidePx)));
      return {
        ...verdict.toPlain(),
        size_wh: [...verdict.sizeWh],
        crops_sha256: await Promise.all(hashes),
        engine: classifier.models[0]!.engine,
      };
    } catch (failure) {
      return named(failure);
    }
  },
};

/** An error's own message with its kind in front; what is no error of edgekit's is a bug, and fails the call. */
function named(failure: unknown): string {
  if (failure instanceof Error && /^(Contract|Model|Photo|Video)Error$/.test(failure.name)) {
    return `${failure.name}: ${failure.message}`;
  }
  throw failure;
}

/** What the page has for its callers. */
export type InPage = typeof edgekit;

Object.assign(globalThis, { edgekit });
