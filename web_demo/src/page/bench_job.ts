/** What a sweep measures, and the rows that it tells: `job.json` and `rows.jsonl` of `docs/phone-files.md`. */

import type { Contract } from "../runtime/index.ts";

export const FORMAT = 2;
/** Timed runs of one setting in one go, before the next one's turn. */
export const BLOCK_RUNS = 10;
const USUAL_CROPS = [1, 3, 5, 10];

export interface Setting {
  readonly crops: number;
  readonly threads: number;
  readonly stops_early: boolean;
  readonly delegate: "default";
}

export interface Pace {
  readonly warmup_runs: number;
  readonly warmup_s: number;
  readonly min_runs: number;
  readonly min_s: number;
  readonly repeats: number;
  readonly cool_down_s: number;
}

export interface Job {
  readonly format: typeof FORMAT;
  readonly model: { readonly name: string; readonly sha256: string };
  readonly photos: readonly { readonly path: string; readonly sha256: string }[];
  readonly crops: number;
  readonly timed: readonly number[];
  readonly settings: readonly Setting[];
  readonly pace: Pace;
  readonly seed: number;
}

export const USUAL_PACE: Pace = { warmup_runs: 5, warmup_s: 0.5, min_runs: 50, min_s: 1, repeats: 3, cool_down_s: 0 };
export const QUICK_PACE: Pace = { warmup_runs: 2, warmup_s: 0.1, min_runs: 20, min_s: 0.2, repeats: 1, cool_down_s: 0 };

/** The usual sweep: numbers of crops, and the contract's own with its early end where it has one. */
export function settingsFor(contract: Contract, threads: readonly number[]): Setting[] {
  return threads.flatMap((count) => settingsWith(contract, count));
}

function settingsWith(contract: Contract, threads: number): Setting[] {
  const counts = [...new Set([...USUAL_CROPS, contract.plan.crops])].sort((a, b) => a - b);
  const exact = counts.map((crops): Setting => ({ crops, threads, stops_early: false, delegate: "default" }));
  if (contract.decision.earlyStop === null) return exact;
  return [...exact, { crops: contract.plan.crops, threads, stops_early: true, delegate: "default" }];
}

export interface DeviceState {
  readonly clocks_mhz: null;
  readonly governors: null;
  readonly temperatures: null;
  readonly throttling: null;
  readonly battery_percent: number | null;
  readonly battery: "charging" | "discharging" | null;
  readonly load: null;
}

export interface Machine {
  readonly name: string | null;
  readonly soc: null;
  readonly architecture: string;
  readonly system: string;
  readonly kernel: string;
  readonly libc: null;
  readonly python: null;
  readonly cores: number | null;
  readonly usable_cores: number | null;
  readonly clusters: null;
  readonly memory_mb: null;
  readonly int8_instructions: null;
  readonly virtual: null;
  readonly emulated: false;
  readonly state: DeviceState;
}

export type Row =
  | {
      readonly type: "hello";
      readonly format: typeof FORMAT;
      readonly machine: Machine;
      readonly cores: null;
      readonly engines: readonly { readonly interpreter: string; readonly delegate: string }[];
    }
  | {
      readonly type: "scores";
      readonly engine: number;
      readonly photo: number;
      readonly ms: number;
      readonly scores: readonly (readonly number[])[];
    }
  | { readonly type: "begin" | "finish"; readonly repeat: number; readonly state: DeviceState }
  | {
      readonly type: "warm";
      readonly repeat: number;
      readonly setting: number;
      readonly runs: number;
      readonly first_ns: number;
    }
  | {
      readonly type: "runs";
      readonly repeat: number;
      readonly setting: number;
      readonly block: number;
      readonly at_ns: number;
      readonly crops: readonly number[];
      readonly ns: readonly (readonly number[])[];
    }
  | { readonly type: "end"; readonly rows: number };

/** Steps that a sweep tells of: a photo scored, a setting warmed up. */
export function stepsOf(job: Job): number {
  return job.photos.length + job.pace.repeats * job.settings.length;
}

export function isStep(row: Row): boolean {
  return row.type === "scores" || row.type === "warm";
}
