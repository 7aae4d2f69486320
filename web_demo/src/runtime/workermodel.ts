/** LiteRT.js in a worker of its own, so that several crops are scored at the same time and a page stays responsive. */

import type { Bundle } from "./bundle.ts";
import { ENGINE } from "./engine.ts";
import { ModelError } from "./errors.ts";
import { type Input, type Interpreter, type Output, messageOf } from "./interpreter.ts";
import { InterpretedModel, sourceOf } from "./model.ts";

/** What a page asks of the worker's script. */
export type Ask =
  | { readonly id: number; readonly load: Uint8Array<ArrayBuffer>; readonly wasmUrl: string }
  | { readonly id: number; readonly input: Input; readonly shape: readonly number[] };

/** What it answers: the engine's name to a model, outputs to an input, or what went wrong. */
export type Reply =
  | { readonly id: number; readonly engine: string }
  | { readonly id: number; readonly outputs: readonly Output[] }
  | { readonly id: number; readonly failure: string };

/** Where the build's `worker.js` is, and the folder of LiteRT.js's wasm files, ending in a slash. */
export interface WorkerUrls {
  readonly worker: string;
  readonly wasm: string;
}

type AskWithoutId = Ask extends infer One ? (One extends Ask ? Omit<One, "id"> : never) : never;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (failure: Error) => void;
}

/** A flatbuffer that a worker runs; frees the worker's memory when it is closed. */
export class WorkerInterpreter implements Interpreter {
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;
  private name = ENGINE;
  private ended: string | null = null;

  private constructor(private readonly worker: Worker) {
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
   * @param flatbuffer - A checked one.
   * @param urls - Both relative to the page, or to the script of the worker that calls.
   * @throws ModelError - The worker or the engine can't be loaded, or refuses the model.
   */
  static async load(flatbuffer: Uint8Array<ArrayBuffer>, urls: WorkerUrls): Promise<WorkerInterpreter> {
    const interpreter = new WorkerInterpreter(new Worker(urls.worker));
    try {
      const wasmUrl = new URL(urls.wasm, globalThis.document?.baseURI ?? location.href).href;
      const reply = await interpreter.ask({ load: flatbuffer, wasmUrl });
      if ("engine" in reply) interpreter.name = reply.engine;
      return interpreter;
    } catch (failure) {
      interpreter.close();
      throw failure;
    }
  }

  get engine(): string {
    return this.name;
  }

  async run(input: Input, shape: readonly number[]): Promise<readonly Output[]> {
    const reply = await this.ask({ input, shape });
    if (!("outputs" in reply)) throw new ModelError("the worker that runs models gave no scores; reload the page");
    return reply.outputs;
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
        this.settle({ id, failure: messageOf(failure) });
      }
    });
  }

  private settle(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ("failure" in reply) waiting?.reject(new ModelError(reply.failure));
    else waiting?.resolve(reply);
  }

  /** Whoever still waits for an answer is told that none will come. */
  private end(why: string): void {
    this.ended ??= why;
    this.worker.terminate();
    for (const { reject } of this.waiting.values()) reject(new ModelError(this.ended));
    this.waiting.clear();
  }
}

/** A model that a worker runs. */
export class WorkerModel extends InterpretedModel {
  /**
   * Start a worker and load a model there.
   *
   * @param bundle - A checked model file.
   * @param urls - As `WorkerInterpreter.load` takes them.
   * @throws ModelError - The worker or the engine can't be loaded, or refuses the model.
   */
  static async load(bundle: Bundle, urls: WorkerUrls): Promise<WorkerModel> {
    const source = sourceOf(bundle);
    return new WorkerModel(await WorkerInterpreter.load(source.flatbuffer, urls), source);
  }
}
