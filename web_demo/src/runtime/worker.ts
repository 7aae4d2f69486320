/** The script of a worker that scores crops for `WorkerModel`: one model, in the order of the questions. */

import { ContractError, ModelError } from "./errors.ts";
import { LiteRtModel, messageOf } from "./model.ts";
import type { Ask, Reply } from "./workermodel.ts";

let model: LiteRtModel | null = null;

async function answer(ask: Ask): Promise<Reply> {
  if ("load" in ask) {
    model = await LiteRtModel.load(ask.load, ask.wasmUrl);
    return { id: ask.id, engine: model.engine };
  }
  if (model === null) throw new ModelError("a worker must have a model before it gets crops");
  return { id: ask.id, scores: await model.score(ask.rgb, ask.index, ask.head) };
}

self.onmessage = ({ data }: MessageEvent<Ask>): void => {
  answer(data).then(
    (reply) => self.postMessage(reply),
    (failure: unknown) => {
      const reply: Reply = { id: data.id, failure: messageOf(failure), isContract: failure instanceof ContractError };
      self.postMessage(reply);
    },
  );
};
