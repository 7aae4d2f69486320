/** The script of a worker that runs one flatbuffer for `WorkerInterpreter`, in the order of the questions. */

import { ModelError } from "./errors.ts";
import { LiteRtInterpreter, messageOf } from "./interpreter.ts";
import type { Ask, Reply } from "./workermodel.ts";

let interpreter: LiteRtInterpreter | null = null;

async function answer(ask: Ask): Promise<Reply> {
  if ("load" in ask) {
    interpreter = await LiteRtInterpreter.load(ask.load, ask.wasmUrl);
    return { id: ask.id, engine: interpreter.engine };
  }
  if (interpreter === null) throw new ModelError("a worker must have a model before it gets pictures");
  return { id: ask.id, outputs: await interpreter.run(ask.input, ask.shape) };
}

self.onmessage = ({ data }: MessageEvent<Ask>): void => {
  answer(data).then(
    (reply) => self.postMessage(reply),
    (failure: unknown) => self.postMessage({ id: data.id, failure: messageOf(failure) } satisfies Reply),
  );
};
