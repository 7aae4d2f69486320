/** What a verdict means for the person who holds the camera. */

import { RETAKE, UNKNOWN, type Contract } from "../runtime/contract.ts";
import { Smoother, type Smoothed } from "../runtime/smoothing.ts";
import { RegionsVerdict, type Verdict } from "../runtime/verdict.ts";
import { Tracker } from "../runtime/regions/tracking.ts";
import type { Answer, Regions, Seen, Tone } from "./state.ts";

/** What a model says of a photo, or of its regions. */
export type Said = Verdict | RegionsVerdict;

/** Whether an answer is no label of a contract, but says that it does not want to decide. */
export function isUndecided(label: string): boolean {
  return label === RETAKE || label === UNKNOWN;
}

export function toneOf(label: string, contract: Contract): Tone {
  // Of a model that tells what it does not know that is an answer, and no photo would make it another.
  if (label === UNKNOWN && contract.unknown !== null) return "plain";
  if (contract.multiLabel !== null) return "plain";
  if (isUndecided(label)) return "unsure";
  if (contract.bonaFide === null) return "plain";
  return label === contract.bonaFide ? "genuine" : "attack";
}

export function answerOf(said: Verdict | Smoothed, contract: Contract): Answer {
  const { label, score, probabilities } = said;
  const labels = said.labels?.map((one) => ({ label: one, probability: probabilities.get(one)! })) ?? null;
  return { tone: toneOf(label, contract), label, score, labels };
}

/** What is seen in one photo. */
export function seenIn(said: Said, contract: Contract): Seen {
  if (!(said instanceof RegionsVerdict)) return answerOf(said, contract);
  return regionsOf(
    said,
    said.regions.map(({ verdict }) => answerOf(verdict, contract)),
  );
}

function regionsOf({ thing, sizeWh, regions }: RegionsVerdict, answers: readonly Answer[]): Regions {
  const seen = regions.map(({ region: { box } }, at) => ({ box, answer: answers[at]! }));
  return { thing, sizeWh, regions: seen.sort((a, b) => middleOf(a) - middleOf(b)) };
}

// By their middles, which a mirrored picture shows in just the other order.
function middleOf({ box }: Regions["regions"][number]): number {
  return box.left + box.right;
}

/** Frames of a live view to steady answers. */
export class Watcher {
  readonly #smoother: Smoother;
  readonly #tracker: Tracker;

  constructor(readonly contract: Contract) {
    this.#smoother = new Smoother(contract);
    this.#tracker = new Tracker(contract);
  }

  add(said: Said, timeS: number): Seen {
    if (!(said instanceof RegionsVerdict)) return answerOf(this.#smoother.add(said, timeS), this.contract);
    const tracked = this.#tracker.add(said, timeS);
    return regionsOf(
      said,
      tracked.map(({ steady }) => answerOf(steady, this.contract)),
    );
  }
}

/** Whether a photo should be taken again before it is kept. */
export function wantsRetake(answer: Answer): boolean {
  return answer.tone === "attack" || answer.tone === "unsure";
}
