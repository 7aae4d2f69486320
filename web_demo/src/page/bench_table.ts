/** What the page shows of a sweep. The host makes the table that counts, from the exported rows. */

import type { Job, Row, Setting } from "./bench_job.ts";
import { quantiles } from "./latency.ts";
import type { Quantiles } from "./state.ts";

export interface BenchLine {
  readonly setting: Setting;
  readonly meanCrops: number;
  readonly totalMs: Quantiles;
  /** Medians of decode, crop, invoke and vote. */
  readonly stagesMs: readonly number[];
}

export interface BenchTable {
  readonly runs: number;
  readonly lines: readonly BenchLine[];
}

export function tableOf(job: Job, rows: readonly Row[]): BenchTable {
  const blocks = rows.filter((row) => row.type === "runs");
  const lines = job.settings.map((setting, number): BenchLine => {
    const own = blocks.filter((row) => row.setting === number);
    const ns = own.flatMap((row) => row.ns);
    const crops = own.flatMap((row) => row.crops);
    return {
      setting,
      meanCrops: crops.reduce((sum, one) => sum + one, 0) / crops.length,
      totalMs: quantiles(ns.map((run) => run.reduce((sum, one) => sum + one, 0) / 1e6)),
      stagesMs: [0, 1, 2, 3].map((stage) => quantiles(ns.map((run) => run[stage]! / 1e6)).p50),
    };
  });
  return { runs: blocks.reduce((sum, row) => sum + row.ns.length, 0), lines };
}
