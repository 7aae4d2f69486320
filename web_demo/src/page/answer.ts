/** What a verdict means for the person who holds the camera. */

import type { Contract } from "../runtime/index.ts";
import type { Answer, Tone } from "./state.ts";

/** "retake" and "unknown" are no labels of a contract: they say that it does not want to decide. */
const UNDECIDED: ReadonlySet<string> = new Set(["retake", "unknown"]);

export function toneOf(label: string, contract: Contract): Tone {
  if (UNDECIDED.has(label)) return "unsure";
  if (contract.bonaFide === null) return "plain";
  return label === contract.bonaFide ? "genuine" : "attack";
}

export function answerOf(said: { readonly label: string; readonly score: number }, contract: Contract): Answer {
  return { tone: toneOf(said.label, contract), label: said.label, score: said.score };
}

/** Whether a photo should be taken again before it is kept. */
export function wantsRetake(answer: Answer): boolean {
  return answer.tone === "attack" || answer.tone === "unsure";
}
