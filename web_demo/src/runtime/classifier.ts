/** Photo in, verdict out. */

import { type Contract, checkCrops } from "./contract.ts";
import { type Box, cropBoxes } from "./crops.ts";
import { ContractError, PhotoError } from "./errors.ts";
import { Frame } from "./frames.ts";
import { MIN_SIDE_PX } from "./limits.ts";
import type { Model } from "./model.ts";
import { readPhoto } from "./photo.ts";
import { type Photo, Picture, asPhoto, toTensor } from "./picture.ts";
import { mayStop } from "./stopping.ts";
import { Verdict } from "./verdict.ts";
import { decide, vote } from "./voting.ts";

/** What can be classified: the content of a photo's file, pixels, a camera's frame, or a photo at its working size. */
export type Source = Blob | Uint8Array<ArrayBuffer> | Picture | Frame | Photo;

/** How many crops are scored. */
export interface ClassifyOptions {
  /** Exactly so many, 1 to 1000; null or left out: the contract's number, or fewer where it can stop early. */
  readonly crops?: number | null;
  /** Whether the contract's bounds may end the work before its last crop; true when left out. */
  readonly stopEarly?: boolean;
}

interface Scored {
  readonly scores: Float32Array;
  readonly cropMs: number;
  readonly invokeMs: number;
}

/** A loaded model that turns photos into verdicts. */
export class Classifier {
  private isClosed = false;

  /**
   * @param contract - The contract of the models.
   * @param models - One or more of the same bundle: as many crops are scored at the same time. They are closed with it.
   * @throws ContractError - No model, or one whose side, classes or heads are not those that the contract promises.
   */
  constructor(
    readonly contract: Contract,
    readonly models: readonly Model[],
  ) {
    const expected = [contract.sidePx, contract.labels.length, contract.headCount].join(", ");
    for (const { sidePx, classes, heads } of models) {
      const actual = [sidePx, classes, heads].join(", ");
      if (actual !== expected) {
        throw new ContractError(
          `the contract promises side, classes and heads ${expected}, the model has ${actual}`,
        );
      }
    }
    if (models.length === 0) throw new ContractError("a classifier needs one model or more, got none");
  }

  /**
   * Classify one photo.
   *
   * @throws PhotoError - The photo can't be decoded, is beyond the limits, or has less than 8x8 pixels.
   * @throws ContractError - A number of crops that can't be had, or a closed classifier.
   * @throws ModelError - The engine failed.
   */
  async classify(source: Source, options: ClassifyOptions = {}): Promise<Verdict> {
    const { crops = null, stopEarly = true } = options;
    if (this.isClosed) throw new ContractError("this classifier is closed; load the model again");
    if (crops !== null) checkCrops(crops);
    const { plan, sidePx, labels } = this.contract;
    const began = performance.now();
    const photo = await photoOf(source, plan.workingPx);
    const [width, height] = photo.sizeWh;
    if (Math.min(width, height) < MIN_SIDE_PX) {
      throw new PhotoError(`a photo must be at least ${MIN_SIDE_PX}x${MIN_SIDE_PX} px, got ${width}x${height}`);
    }
    const decoded = performance.now();
    const boxes = cropBoxes(plan, photo.sizeWh, sidePx, crops);
    const scored = await this.score(photo, boxes, stopEarly && crops === null);
    const ended = performance.now();
    const scores = scored.map((one) => one.scores);
    const voted = vote(scores, this.contract.decision);
    const answer = decide(voted, this.contract);
    return new Verdict({
      answer,
      probabilities: new Map(labels.map((label, index) => [label, voted[index]!])),
      crops: scores.map((row, index) => ({ box: boxes[index]!, probabilities: [...row] })),
      ms: { decode: decoded - began, ...shared(ended - decoded, scored), vote: performance.now() - ended },
      sizeWh: photo.sizeWh,
    });
  }

  /** Score boxes in the plan's order; a few behind the last that counts may have been begun, to no effect. */
  private async score(photo: Photo, boxes: readonly Box[], mayEnd: boolean): Promise<readonly Scored[]> {
    const done: Scored[] = [];
    const waiting: Promise<Scored>[] = [];
    let begun = 0;
    while (done.length < boxes.length) {
      for (; begun < boxes.length && waiting.length < this.models.length; begun += 1) {
        const one = this.one(photo, boxes[begun]!, begun);
        // One that fails before its turn is told when it comes, and one that nobody asks for any more never.
        one.catch(() => undefined);
        waiting.push(one);
      }
      done.push(await waiting.shift()!);
      const isEnough =
        mayEnd &&
        done.length < boxes.length &&
        mayStop(
          done.map((one) => one.scores),
          this.contract,
        );
      if (isEnough) break;
    }
    return done;
  }

  /** As many crops are under way as there are models, in order, so that each finds its model free. */
  private async one(photo: Photo, box: Box, index: number): Promise<Scored> {
    const began = performance.now();
    const crop = toTensor(photo, box, this.contract.sidePx);
    const cut = performance.now();
    const scores = await this.models[index % this.models.length]!.score(crop, index, this.contract.headOf(index));
    return { scores, cropMs: cut - began, invokeMs: performance.now() - cut };
  }

  /** Free the models. Using the classifier afterwards is an error. */
  close(): void {
    this.isClosed = true;
    for (const model of this.models) model.close();
  }
}

async function photoOf(source: Source, workingPx: number | null): Promise<Photo> {
  if (source instanceof Picture || source instanceof Frame) return asPhoto(source, workingPx);
  return "picture" in source ? source : readPhoto(source, workingPx);
}

/** The time of cutting and scoring, which overlap: what passed is shared out as their work was. */
function shared(elapsedMs: number, scored: readonly Scored[]): { crop: number; invoke: number } {
  const crop = scored.reduce((sum, one) => sum + one.cropMs, 0);
  const invoke = scored.reduce((sum, one) => sum + one.invokeMs, 0);
  const all = Math.max(crop + invoke, Number.MIN_VALUE);
  return { crop: (elapsedMs * crop) / all, invoke: (elapsedMs * invoke) / all };
}
