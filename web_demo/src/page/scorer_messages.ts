/** What the page and its scoring worker say to each other. */

import { Contract, CropPlan, Decision, RegionPlan, Unknown } from "../runtime/contract.ts";
import { RegionsVerdict, Verdict, type RegionVerdict } from "../runtime/verdict.ts";
import type { Said } from "./answer.ts";
import type { LoadedModel, ScoreOptions } from "./ports.ts";
import type { Judged } from "./record.ts";

export type Order =
  | { readonly kind: "load"; readonly content: Blob; readonly threads: number }
  | { readonly kind: "frame"; readonly picture: ImageBitmap; readonly options: ScoreOptions }
  | { readonly kind: "photo"; readonly photo: Blob; readonly options: ScoreOptions }
  /** Loads the model once more, for a sweep over these photos. */
  | { readonly kind: "open-runner"; readonly photos: readonly Blob[]; readonly threads: number }
  | { readonly kind: "run"; readonly runner: number; readonly photo: number; readonly options: ScoreOptions }
  | { readonly kind: "close-runner"; readonly runner: number };

/** Verdicts without their methods, which messages don't carry. */
export type VerdictParts = Omit<Verdict, "totalMs" | "toPlain" | "toJson">;
export type RegionsParts = Pick<RegionsVerdict, "thing" | "sizeWh" | "decodeMs" | "detectMs"> & {
  readonly regions: readonly (Omit<RegionVerdict, "verdict"> & { readonly verdict: VerdictParts })[];
};
export type SaidParts = VerdictParts | RegionsParts;
export type JudgedParts = Judged<SaidParts>;
export type ContractParts = Omit<Contract, "plan" | "decision" | "regions" | "unknown"> & {
  readonly plan: CropPlan;
  readonly decision: Decision;
  readonly regions: RegionPlan | null;
  readonly unknown: Unknown | null;
};
export type LoadedParts = Omit<LoadedModel, "contract"> & { readonly contract: ContractParts };

export type Answered =
  | { readonly kind: "loaded"; readonly model: LoadedParts }
  | { readonly kind: "verdict"; readonly verdict: SaidParts }
  | { readonly kind: "judged"; readonly judged: JudgedParts }
  | { readonly kind: "runner"; readonly runner: number; readonly engine: string }
  | { readonly kind: "done" };

export interface Numbered {
  readonly id: number;
  readonly order: Order;
}

export type Reply =
  | { readonly id: number; readonly answer: Answered }
  | { readonly id: number; readonly failure: { readonly name: string; readonly message: string } };

export function partsOf(said: Said): SaidParts {
  if (!(said instanceof RegionsVerdict)) return verdictParts(said);
  const { thing, sizeWh, regions, decodeMs, detectMs } = said;
  const parts = regions.map(({ region, verdict }) => ({ region, verdict: verdictParts(verdict) }));
  return { thing, sizeWh, regions: parts, decodeMs, detectMs };
}

function verdictParts({ label, score, probabilities, labels, unknown, crops, ms, sizeWh }: Verdict): VerdictParts {
  return { label, score, probabilities, labels, unknown, crops, ms, sizeWh };
}

export function saidOf(parts: SaidParts): Said {
  if (!("regions" in parts)) return verdictOf(parts);
  const regions = parts.regions.map(({ region, verdict }) => ({ region, verdict: verdictOf(verdict) }));
  return new RegionsVerdict({ ...parts, regions });
}

function verdictOf({ label, score, ...parts }: VerdictParts): Verdict {
  return new Verdict({ answer: { label, score }, ...parts });
}

export function contractOf(parts: ContractParts): Contract {
  const { plan, decision, regions, unknown } = parts;
  return new Contract({
    ...parts,
    plan: new CropPlan(plan),
    decision: new Decision(decision),
    regions: regions && new RegionPlan(regions),
    unknown: unknown && new Unknown(unknown),
  });
}
