/** The bench screen's part of the presenter: a sweep from its job to its export. */

import { isStep, QUICK_PACE, settingsFor, stepsOf, USUAL_PACE, type Job, type Row } from "./bench_job.ts";
import { sweep, SweepStopped, type Bench } from "./bench_sweep.ts";
import { tableOf } from "./bench_table.ts";
import { exportBench, type BenchExport } from "./exports.ts";
import type { World } from "./ports.ts";
import { isRecordable, modelOf, newId } from "./record.ts";
import type { BenchState, ModelInfo } from "./state.ts";

/** Of what a sweep's times are made: 0.1 ms, and a little for rounding. */
const MOST_TICK_MS = 0.11;
/** Labels that a message names. */
const MOST_NAMED = 5;

export class BenchDesk {
  readonly #world: World;
  readonly #show: (state: BenchState) => void;
  #finished: BenchExport | null = null;
  #isExported = false;
  #isLeft = false;

  constructor(world: World, show: (state: BenchState) => void) {
    this.#world = world;
    this.#show = show;
  }

  async run(model: ModelInfo, isQuick: boolean): Promise<void> {
    this.#isLeft = false;
    this.#finished = null;
    this.#isExported = false;
    this.#show({ kind: "running", done: 0, total: 1 });
    this.#world.stayAwake(true);
    try {
      this.#finished = await this.#sweep(model, isQuick);
      this.#show({ kind: "finished", table: tableOf(this.#finished.job, this.#finished.rows) });
    } catch (failure) {
      if (failure instanceof SweepStopped) this.#show({ kind: "stopped" });
      else this.#show({ kind: "failed", reason: failure instanceof Error ? failure.message : String(failure) });
    } finally {
      this.#world.stayAwake(false);
    }
  }

  async #sweep(model: ModelInfo, isQuick: boolean): Promise<BenchExport> {
    if (!isRecordable(model.contract)) {
      throw new Error(
        "the model must give one answer a photo, as the benchmark's file has it, got one of regions or of several labels; " +
          "measure it by edgekit bench",
      );
    }
    const tickMs = this.#world.tickMs();
    if (tickMs > MOST_TICK_MS) {
      throw new Error(
        `the clock must tick every 0.1 ms or faster, got ${tickMs.toFixed(2)} ms; reload the page once, or use another browser`,
      );
    }
    const photos = await this.#world.bundled.benchPhotos();
    refuseForeign(
      photos.map(({ about }) => about.label),
      model.contract.labels,
    );
    const settings = settingsFor(model.contract, this.#world.cores > 1 ? [1, 2] : [1]);
    const job: Job = {
      format: 2,
      model: modelOf(model),
      photos: photos.map(({ about }) => ({ path: about.path, sha256: about.sha256 })),
      crops: Math.max(...settings.map((setting) => setting.crops)),
      timed: photos.map((_, position) => position),
      settings,
      pace: isQuick ? QUICK_PACE : USUAL_PACE,
      seed: 0,
    };
    const rows: Row[] = [];
    let done = 0;
    const total = stepsOf(job);
    this.#show({ kind: "running", done, total });
    const contents = photos.map(({ content }) => content);
    const bench: Bench = {
      job,
      load: (threads) => this.#world.scorer.runner(contents, threads),
      now: () => this.#world.ticks(),
      machine: () => this.#world.machine(),
      state: () => this.#world.deviceState(),
      isStopped: async () => {
        await this.#world.breathe();
        return this.#isLeft;
      },
    };
    await sweep(bench, (row) => {
      rows.push(row);
      if (isStep(row)) this.#show({ kind: "running", done: ++done, total });
    });
    const jobJson = `${JSON.stringify(job, null, 2)}\n`;
    return { job, jobJson, jobSha256: await this.#world.sha256(jobJson), rows, photos, isQuick };
  }

  /** A sweep counts only while it is in front. */
  leave(): void {
    this.#isLeft = true;
  }

  async export(): Promise<void> {
    if (this.#finished === null) return;
    const created = this.#world.now();
    const zip = await exportBench(this.#finished, this.#world.origin, created);
    this.#world.save(zip, `edgekit-bench-${newId(created, this.#world.random(2))}.zip`);
    this.#isExported = true;
  }

  /** Whether a sweep is finished whose rows nobody has yet. */
  get isUnsaved(): boolean {
    return this.#finished !== null && !this.#isExported;
  }
}

/** Of photos with other labels `edgekit bench --from` would refuse the whole export, minutes later. */
function refuseForeign(found: readonly string[], known: readonly string[]): void {
  const foreign = [...new Set(found)].filter((label) => !known.includes(label));
  if (foreign.length === 0) return;
  const list = (labels: readonly string[]): string =>
    labels.slice(0, MOST_NAMED).join(", ") + (labels.length > MOST_NAMED ? ", …" : "");
  throw new Error(
    `the photos of this page have the labels ${list(foreign)}, the model knows ${list(known)}; ` +
      "write the page with photos of the model's own (edgekit web --data)",
  );
}
