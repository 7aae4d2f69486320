/** LiteRT.js in a worker of its own, so that several crops are scored at the same time and a page stays responsive. */

import type { Bundle } from "./bundle.ts";
import { ENGINE } from "./engine.ts";
import { ContractError, ModelError } from "./errors.ts";
import { type Model, type ModelSource, messageOf, sourceOf } from "./model.ts";

/** What a page asks of the worker's script. */
export type Ask =
  | { readonly id: number; readonly load: ModelSource; readonly wasmUrl: string }
  | { readonly id: number; readonly rgb: Uint8Array<ArrayBuffer>; readonly index: number; readonly head: number };

/** What it answers: the engine's name to a model, scores to a crop, or what went wrong. */
export type Reply =
  | { readonly id: number; readonly engine: string }
  | { readonly id: number; readonly scores: Float32Array }
  | { readonly id: number; readonly failure: string; readonly isContract: boolean };

type AskWithoutId = Ask extends infer One ? (One extends Ask ? Omit<One, "id"> : never) : never;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (failure: Error) => void;
}

/** A model in a worker; frees the worker's memory when it is closed. */
export class WorkerModel implements Model {
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;
  private name = ENGINE;
  private ended: string | null = null;

  private constructor(
    private readonly worker: Worker,
    readonly sidePx: number,
    readonly classes: number,
    readonly heads: number,
  ) {
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.settle(data);
    worker.onerror = (event) => {
      // Without it, the browser would print the error besides.
      event.preventDefault();
      this.end(`the worker that runs models failed: ${event.message || "its script can't be loaded"}; reload the page`);
    };
  }

  /**
   * Start a worker and load a model there.
   *
   * @param bundle - A checked model file.
   * @param urls - The build's `worker.js`, and the folder of LiteRT.js's wasm files, ending in a slash; both relative
   *   to the page, or to the script of the worker that calls.
   * @throws ModelError - The worker or the engine can't be loaded, or refuses the model.
   */
  static async load(bundle: Bundle, urls: { readonly worker: string; readonly wasm: string }): Promise<WorkerModel> {
    const source = sourceOf(bundle);
    const model = new WorkerModel(new Worker(urls.worker), source.sidePx, source.classes, source.heads);
    try {
      const wasmUrl = new URL(urls.wasm, globalThis.document?.baseURI ?? location.href).href;
      const reply = await model.ask({ load: source, wasmUrl });
      if ("engine" in reply) model.name = reply.engine;
      return model;
    } catch (failure) {
      model.close();
      throw failure;
    }
  }

  get engine(): string {
    return this.name;
  }

  async score(rgb: Uint8Array<ArrayBuffer>, index: number, head: number): Promise<Float32Array> {
    const reply = await this.ask({ rgb, index, head });
    if (!("scores" in reply)) throw new ModelError("the worker that runs models gave no scores; reload the page");
    return reply.scores;
  }

  close(): void {
    this.end("this model is closed; load it again");
  }

  private ask(question: AskWithoutId): Promise<Reply> {
    if (this.ended !== null) return Promise.reject(new ModelError(this.ended));
    const id = this.asked;
    this.asked += 1;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      try {
        this.worker.postMessage({ id, ...question });
      } catch (failure) {
        this.settle({ id, failure: messageOf(failure), isContract: false });
      }
    });
  }

  private settle(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (!("failure" in reply)) waiting?.resolve(reply);
    else waiting?.reject(reply.isContract ? new ContractError(reply.failure) : new ModelError(reply.failure));
  }

  /** Whoever still waits for an answer is told that none will come. */
  private end(why: string): void {
    this.ended ??= why;
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(new ModelError(this.ended));
    this.waiting.clear();
  }
}
