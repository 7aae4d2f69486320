/**
 * The worker that decodes, cuts and scores, so that the page itself stays free to draw. One order at a time.
 *
 * With several threads each crop goes to a worker below this one; with one thread the model runs right here.
 */

import { MAX_MODEL_BYTES } from "../runtime/bundle.ts";
import {
  Bundle,
  Classifier,
  ContractError,
  Detector,
  LiteRtModel,
  PhotoError,
  RegionsVerdict,
  Verdict,
  WorkerModel,
  pictureOf,
  type Model,
  type Source,
} from "../runtime/index.ts";
import { MAX_FILE_BYTES } from "../runtime/limits.ts";
import { contextOf } from "../runtime/photo.ts";
import type { Said } from "./answer.ts";
import { formatOf, rotationOf } from "./photo_file.ts";
import type { ScoreOptions } from "./ports.ts";
import { partsOf, type Answered, type Numbered, type Order, type Reply } from "./scorer_messages.ts";

const THUMBNAIL_PX = 320;
const THUMBNAIL_QUALITY = 0.8;
const WASM_URL = new URL("wasm/", location.href).href;
const WORKER_URL = new URL("worker.js", location.href).href;

async function classifierOf(bundle: Bundle, threads: number): Promise<Classifier> {
  const load = (): Promise<Model> =>
    threads === 1
      ? LiteRtModel.load(bundle, WASM_URL)
      : WorkerModel.load(bundle, { worker: WORKER_URL, wasm: WASM_URL });
  const models: Model[] = [];
  try {
    for (let i = 0; i < threads; i++) models.push(await load());
    const urls = threads === 1 ? { wasm: WASM_URL } : { worker: WORKER_URL, wasm: WASM_URL };
    return new Classifier(bundle.contract, models, await Detector.load(bundle, urls));
  } catch (failure) {
    for (const model of models) model.close();
    throw failure;
  }
}

/** The answer for a photo, or those for its regions, as the model has them. */
function judge(classifier: Classifier, source: Source, options: ScoreOptions): Promise<Said> {
  const isWhole = classifier.contract.regions === null;
  return isWhole ? classifier.classify(source, options) : classifier.classifyRegions(source, options);
}

interface OpenRunner {
  readonly classifier: Classifier;
  readonly photos: readonly Uint8Array<ArrayBuffer>[];
}

class Desk {
  #bundle: Bundle | null = null;
  #classifier: Classifier | null = null;
  readonly #runners = new Map<number, OpenRunner>();
  #opened = 0;

  async take(order: Order): Promise<Answered> {
    switch (order.kind) {
      case "load":
        return this.#load(order.content, order.threads);
      case "frame":
        return { kind: "verdict", verdict: partsOf(await this.#frame(order.picture, order.options)) };
      case "photo":
        return this.#photo(order.photo, order.options);
      case "open-runner":
        return this.#openRunner(order.photos, order.threads);
      case "run":
        return { kind: "verdict", verdict: partsOf(await this.#run(order.runner, order.photo, order.options)) };
      case "close-runner":
        this.#runners.get(order.runner)?.classifier.close();
        this.#runners.delete(order.runner);
        return { kind: "done" };
    }
  }

  async #load(content: Blob, threads: number): Promise<Answered> {
    this.#classifier?.close();
    this.#classifier = null;
    this.#bundle = null;
    // Before it is read into memory.
    if (content.size > MAX_MODEL_BYTES)
      throw new ContractError(`a model must have at most ${MAX_MODEL_BYTES} bytes, got ${content.size}`);
    const bundle = await Bundle.read(await content.arrayBuffer());
    this.#classifier = await classifierOf(bundle, threads);
    this.#bundle = bundle;
    const { contract, fileSha256: sha256 } = bundle;
    const engine = engineOf(this.#classifier);
    return { kind: "loaded", model: { contract, sha256, bytes: content.size, engine, threads } };
  }

  get #loaded(): Classifier {
    if (this.#classifier === null) throw new Error("a model must be loaded first");
    return this.#classifier;
  }

  async #frame(bitmap: ImageBitmap, options: ScoreOptions): Promise<Said> {
    const began = performance.now();
    const picture = pictureOf(bitmap);
    const readMs = performance.now() - began;
    const said = await judge(this.#loaded, picture, options);
    // Getting the pixels out of the browser is this port's way to decode a frame.
    if (said instanceof RegionsVerdict) return new RegionsVerdict({ ...said, decodeMs: said.decodeMs + readMs });
    return new Verdict({ ...said, answer: said, ms: { ...said.ms, decode: said.ms.decode + readMs } });
  }

  async #photo(photo: Blob, options: ScoreOptions): Promise<Answered> {
    if (photo.size > MAX_FILE_BYTES)
      throw new PhotoError(`a photo must have at most ${MAX_FILE_BYTES} bytes, got ${photo.size}`);
    const content = new Uint8Array(await photo.arrayBuffer());
    const format = formatOf(content);
    const verdict = await judge(this.#loaded, content, options);
    const thumbnail = await thumbnailOf(photo);
    return { kind: "judged", judged: { verdict: partsOf(verdict), rotation: rotationOf(content), thumbnail, format } };
  }

  async #openRunner(photos: readonly Blob[], threads: number): Promise<Answered> {
    if (this.#bundle === null) throw new Error("a model must be loaded first");
    const contents: Uint8Array<ArrayBuffer>[] = [];
    for (const photo of photos) contents.push(new Uint8Array(await photo.arrayBuffer()));
    const classifier = await classifierOf(this.#bundle, threads);
    const runner = ++this.#opened;
    this.#runners.set(runner, { classifier, photos: contents });
    return { kind: "runner", runner, engine: engineOf(classifier) };
  }

  async #run(number: number, photo: number, options: ScoreOptions): Promise<Said> {
    const runner = this.#runners.get(number);
    const content = runner?.photos[photo];
    if (runner === undefined || content === undefined) throw new Error(`no runner ${number} with a photo ${photo}`);
    return judge(runner.classifier, content, options);
  }
}

function engineOf(classifier: Classifier): string {
  // LiteRT.js runs on XNNPACK by its own word, and does not tell what ran a model.
  return `${classifier.models[0]!.engine}, not told`;
}

async function thumbnailOf(photo: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(photo, { resizeWidth: THUMBNAIL_PX, resizeQuality: "medium" });
  const context = contextOf(bitmap.width, Math.min(bitmap.height, 4 * THUMBNAIL_PX));
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.canvas.convertToBlob({ type: "image/jpeg", quality: THUMBNAIL_QUALITY });
}

const desk = new Desk();
// The page's library of types has no worker's global: what is used of it is named here.
const self_ = globalThis as unknown as {
  onmessage: (event: MessageEvent<Numbered>) => void;
  postMessage(reply: Reply): void;
};
let last: Promise<void> = Promise.resolve();

self_.onmessage = ({ data: { id, order } }) => {
  last = last.then(async () => {
    try {
      self_.postMessage({ id, answer: await desk.take(order) });
    } catch (failure) {
      const { name, message } = failure instanceof Error ? failure : new Error(String(failure));
      self_.postMessage({ id, failure: { name, message } });
    }
  });
};
