/** What a verdict means for the person who holds the camera. */

import { RETAKE, UNKNOWN, type Contract } from "../runtime/contract.ts";
import type { Answer, Tone } from "./state.ts";

/** Whether an answer is no label of a contract, but says that it does not want to decide. */
export function isUndecided(label: string): boolean {
  return label === RETAKE || label === UNKNOWN;
}

export function toneOf(label: string, contract: Contract): Tone {
  if (isUndecided(label)) return "unsure";
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
