/** The page's side of the scoring worker. */

// Not from the index: that would bring the interpreter into the page, which has it in its worker.
import { ContractError, ModelError, PhotoError } from "../runtime/errors.ts";
import { Verdict } from "../runtime/verdict.ts";
import type { Said } from "./answer.ts";
import type { Runner } from "./bench_sweep.ts";
import type { CameraFrame, LoadedModel, ScoreOptions, Scorer } from "./ports.ts";
import type { Judged } from "./record.ts";
import { contractOf, saidOf, type Answered, type Order, type Reply } from "./scorer_messages.ts";

const KINDS = { ContractError, ModelError, PhotoError } as const;

type Waiting = { readonly resolve: (answer: Answered) => void; readonly reject: (failure: Error) => void };

export class WorkerScorer implements Scorer {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  /** Why the worker runs no more. */
  #ended: string | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#take(data);
    // The script can't be fetched, or memory ran out: whoever waits, or asks later, must not wait for ever.
    this.#worker.onerror = (event) => this.#end(event.message || "the worker's script can't be loaded");
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("answer" in reply) waiting?.resolve(reply.answer);
    else waiting?.reject(errorOf(reply.failure));
  }

  #end(message: string): void {
    this.#ended ??= `the scoring worker must run, got: ${message}; reload the page`;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(new ModelError(this.#ended));
    this.#waiting.clear();
  }

  #ask<K extends Answered["kind"]>(
    order: Order,
    wanted: K,
    transfer: Transferable[] = [],
  ): Promise<Extract<Answered, { kind: K }>> {
    if (this.#ended !== null) return Promise.reject(new ModelError(this.#ended));
    const id = ++this.#asked;
    const answered = new Promise<Answered>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#worker.postMessage({ id, order }, transfer);
    return answered.then((answer) => {
      if (answer.kind !== wanted) throw new Error(`the worker must answer ${wanted}, got ${answer.kind}`);
      return answer as Extract<Answered, { kind: K }>;
    });
  }

  async load(content: Blob, threads: number): Promise<LoadedModel> {
    const { model } = await this.#ask({ kind: "load", content, threads }, "loaded");
    return { ...model, contract: contractOf(model.contract) };
  }

  async frame(frame: CameraFrame, options: ScoreOptions): Promise<Said> {
    const picture = frame.picture as ImageBitmap;
    return saidOf((await this.#ask({ kind: "frame", picture, options }, "verdict", [picture])).verdict);
  }

  async photo(photo: Blob, options: ScoreOptions): Promise<Judged<Said>> {
    const { judged } = await this.#ask({ kind: "photo", photo, options }, "judged");
    return { ...judged, verdict: saidOf(judged.verdict) };
  }

  async runner(photos: readonly Blob[], threads: number): Promise<Runner> {
    const { runner, engine } = await this.#ask({ kind: "open-runner", photos, threads }, "runner");
    const [interpreter = engine, delegate = "not told"] = engine.split(", ");
    return {
      interpreter,
      delegate,
      classify: async (photo, crops) => {
        const said = saidOf((await this.#ask({ kind: "run", runner, photo, options: { crops } }, "verdict")).verdict);
        if (!(said instanceof Verdict)) throw new Error("a benchmark must be of whole photos, got regions");
        return said;
      },
      // With a worker that has ended, its models have, too.
      close: () => void this.#ask({ kind: "close-runner", runner }, "done").catch(() => undefined),
    };
  }
}

function errorOf({ name, message }: { readonly name: string; readonly message: string }): Error {
  const Kind = KINDS[name as keyof typeof KINDS];
  return Kind === undefined ? new Error(message) : new Kind(message);
}
