/**
 * Measures one model inside the page and tells what it finds row by row, raw times and scores; hosts summarise.
 *
 * In a repeat all settings take turns in an order that is drawn anew each round and run the same photos, so that drift
 * hits all alike. No worker, no DOM: what runs the model is handed in.
 */

import type { Verdict } from "../runtime/index.ts";
import { BLOCK_RUNS, FORMAT, type DeviceState, type Job, type Machine, type Row, type Setting } from "./bench_job.ts";
import { shortest } from "./shortest.ts";

/** A model that was loaded for one repeat. */
export interface Runner {
  readonly interpreter: string;
  readonly delegate: string;
  /** The whole way of one of the job's photos: from its file's bytes to the verdict. Crops null: the contract's, with its early end. */
  classify(photo: number, crops: number | null): Promise<Verdict>;
  close(): void;
}

export interface Bench {
  readonly job: Job;
  load(threads: number): Promise<Runner>;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  machine(): Promise<Machine>;
  state(): Promise<DeviceState>;
  /** Lets messages in, such as one to stop; true ends the sweep. */
  isStopped(): Promise<boolean>;
}

/** The user left: nothing of the sweep counts. */
export class SweepStopped extends Error {
  override readonly name = "SweepStopped";
}

export async function sweep(bench: Bench, tell: (row: Row) => void): Promise<void> {
  let rows = 0;
  const say = (row: Row): void => {
    rows += 1;
    tell(row);
  };
  const runner = await bench.load(bench.job.settings[0]!.threads);
  try {
    const engines = [{ interpreter: runner.interpreter, delegate: runner.delegate }];
    say({ type: "hello", format: FORMAT, machine: await bench.machine(), cores: null, engines });
    await tellScores(bench, runner, say);
  } finally {
    runner.close();
  }
  for (let repeat = 0; repeat < bench.job.pace.repeats; repeat++) {
    say({ type: "begin", repeat, state: await bench.state() });
    const timing = new Repeat(bench, repeat, say);
    try {
      await timing.run();
    } finally {
      timing.close();
    }
    say({ type: "finish", repeat, state: await bench.state() });
  }
  tell({ type: "end", rows });
}

async function tellScores(bench: Bench, runner: Runner, say: (row: Row) => void): Promise<void> {
  for (let photo = 0; photo < bench.job.photos.length; photo++) {
    const verdict = await runner.classify(photo, bench.job.crops);
    await refuseStopped(bench);
    const scores = verdict.crops.map((crop) => Array.from(crop.probabilities, shortest));
    say({ type: "scores", engine: 0, photo, ms: Math.max(0.001, round3(verdict.totalMs)), scores });
  }
}

const round3 = (ms: number): number => Math.round(ms * 1000) / 1000;

function nanoseconds({ ms }: Verdict): [number, number, number, number] {
  const ns = (one: number): number => Math.max(0, Math.round(one * 1e6));
  return [ns(ms.decode), ns(ms.crop), ns(ms.invoke), ns(ms.vote)];
}

async function refuseStopped(bench: Bench): Promise<void> {
  if (await bench.isStopped()) throw new SweepStopped("the sweep was stopped");
}

class Repeat {
  readonly #spentNs: number[];
  readonly #random: () => number;
  /** By number of threads: settings that differ in crops alone share one. */
  readonly #runners = new Map<number, Runner>();

  constructor(
    private readonly bench: Bench,
    private readonly repeat: number,
    private readonly say: (row: Row) => void,
  ) {
    this.#spentNs = bench.job.settings.map(() => 0);
    this.#random = mulberry32(bench.job.seed * 1000 + repeat);
  }

  async run(): Promise<void> {
    const { pace, settings } = this.bench.job;
    const began = this.bench.now();
    let left = settings.map((_, number) => number);
    for (let block = 0; left.length > 0; block++) {
      for (const number of shuffled(left, this.#random)) {
        if (block === 0) await this.#warmUp(number);
        await this.#block(number, block, began);
        // After it, so that no run counts that went on while the page was out of sight.
        await refuseStopped(this.bench);
      }
      const isDone = (number: number): boolean =>
        (block + 1) * BLOCK_RUNS >= pace.min_runs && this.#spentNs[number]! >= pace.min_s * 1e9;
      left = left.filter((number) => !isDone(number));
    }
  }

  close(): void {
    for (const runner of this.#runners.values()) runner.close();
  }

  async #runner(threads: number): Promise<Runner> {
    const runner = this.#runners.get(threads) ?? (await this.bench.load(threads));
    this.#runners.set(threads, runner);
    return runner;
  }

  async #classify(setting: Setting, run: number): Promise<Verdict> {
    const { timed } = this.bench.job;
    const photo = timed[(run + timed.length) % timed.length]!;
    const runner = await this.#runner(setting.threads);
    return runner.classify(photo, setting.stops_early ? null : setting.crops);
  }

  async #warmUp(number: number): Promise<void> {
    const { pace, settings } = this.bench.job;
    const began = this.bench.now();
    let runs = 0;
    let firstNs = 0;
    while (runs < Math.max(1, pace.warmup_runs) || this.bench.now() - began < pace.warmup_s * 1000) {
      const verdict = await this.#classify(settings[number]!, runs);
      firstNs ||= Math.max(1, Math.round(verdict.totalMs * 1e6));
      runs += 1;
    }
    this.say({ type: "warm", repeat: this.repeat, setting: number, runs, first_ns: firstNs });
  }

  async #block(number: number, block: number, began: number): Promise<void> {
    const setting = this.bench.job.settings[number]!;
    const atNs = Math.round((this.bench.now() - began) * 1e6);
    // What another setting left in the caches is not this one's to pay for in every block.
    await this.#classify(setting, block * BLOCK_RUNS - 1);
    const crops: number[] = [];
    const ns: [number, number, number, number][] = [];
    for (let run = block * BLOCK_RUNS; run < (block + 1) * BLOCK_RUNS; run++) {
      const verdict = await this.#classify(setting, run);
      crops.push(verdict.crops.length);
      ns.push(nanoseconds(verdict));
    }
    this.#spentNs[number]! += ns.flat().reduce((sum, one) => sum + one, 0);
    this.say({ type: "runs", repeat: this.repeat, setting: number, block, at_ns: atNs, crops, ns });
  }
}

function shuffled(numbers: readonly number[], random: () => number): number[] {
  const order = [...numbers];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** A small seeded generator: Math.random can't be seeded. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
