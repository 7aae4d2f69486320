import assert from "node:assert/strict";
import test from "node:test";
import { WorkerScorer } from "../../src/page/scorer_client.ts";

/** A worker that fails when the test says so, and answers nothing. */
function failing() {
  const worker = { posted: 0, isTerminated: false, postMessage: () => void (worker.posted += 1), terminate: () => void (worker.isTerminated = true) } as unknown as Worker & {
    posted: number;
    isTerminated: boolean;
  };
  const scorer = new WorkerScorer(worker);
  const fail = (message: string): void => worker.onerror!({ message } as ErrorEvent);
  return { scorer, worker, fail };
}

const WHY = { name: "ModelError", message: /the scoring worker must run, got: .*; reload the page/ };

test("a worker that fails before it is asked anything answers every later question with the reason", async () => {
  const { scorer, worker, fail } = failing();
  fail("");
  await assert.rejects(scorer.load(new Blob(["model"]), 1), {
    ...WHY,
    message: /got: the worker's script can't be loaded; reload/,
  });
  await assert.rejects(scorer.photo(new Blob(["photo"]), { crops: null }), WHY);
  assert.deepEqual([worker.posted, worker.isTerminated], [0, true]);
});

test("a worker that fails while it works answers who waits, and whoever asks after it", async () => {
  const { scorer, fail } = failing();
  const waiting = scorer.load(new Blob(["model"]), 1);
  fail("out of memory");
  await assert.rejects(waiting, { ...WHY, message: /got: out of memory; reload/ });
  await assert.rejects(scorer.load(new Blob(["another"]), 1), { ...WHY, message: /got: out of memory; reload/ });
});
