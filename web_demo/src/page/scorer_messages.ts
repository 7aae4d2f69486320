/** What the page and its scoring worker say to each other. */

import { Contract, CropPlan, Decision } from "../runtime/contract.ts";
import { Verdict } from "../runtime/verdict.ts";
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

/** A verdict without its methods, which messages don't carry. */
export type VerdictParts = Pick<Verdict, "label" | "score" | "probabilities" | "crops" | "ms" | "sizeWh">;
export type JudgedParts = Omit<Judged, "verdict"> & { readonly verdict: VerdictParts };
export type ContractParts = Omit<Contract, "plan" | "decision"> & {
  readonly plan: CropPlan;
  readonly decision: Decision;
};
export type LoadedParts = Omit<LoadedModel, "contract"> & { readonly contract: ContractParts };

export type Answered =
  | { readonly kind: "loaded"; readonly model: LoadedParts }
  | { readonly kind: "verdict"; readonly verdict: VerdictParts }
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

export function partsOf(verdict: Verdict): VerdictParts {
  const { label, score, probabilities, crops, ms, sizeWh } = verdict;
  return { label, score, probabilities, crops, ms, sizeWh };
}

export function verdictOf({ label, score, ...parts }: VerdictParts): Verdict {
  return new Verdict({ answer: { label, score }, ...parts });
}

export function contractOf(parts: ContractParts): Contract {
  return new Contract({ ...parts, plan: new CropPlan(parts.plan), decision: new Decision(parts.decision) });
}
