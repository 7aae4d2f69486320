/** Photo in, verdict out. */

import { type Contract, checkCrops } from "./contract.ts";
import { type Box, cropBoxes } from "./crops.ts";
import { ContractError, PhotoError } from "./errors.ts";
import { Frame } from "./frames.ts";
import { MIN_SIDE_PX } from "./limits.ts";
import type { Model } from "./model.ts";
import { readPhoto } from "./photo.ts";
import { type Photo, Picture, asPhoto, toTensor } from "./picture.ts";
import type { Detector } from "./regions/detector.ts";
import { regionPhoto } from "./regions/squares.ts";
import { mayStop } from "./stopping.ts";
import { RegionsVerdict, type RegionVerdict, Verdict } from "./verdict.ts";
import { decide, labelsReached, voteAll } from "./voting.ts";

/**
 * What can be classified: the content of a photo's file, pixels, a camera's frame, or a photo at its working size, with
 * regions at its own.
 */
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
   * @param detector - As `Detector.load` gives it for the bundle; closed with it, too.
   * @throws ContractError - No model, or one whose side, outputs or heads are not those that the contract promises; or a
   *   contract of regions without its detector.
   */
  constructor(
    readonly contract: Contract,
    readonly models: readonly Model[],
    private readonly detector: Detector | null = null,
  ) {
    const expected = [contract.sidePx, contract.outputs, contract.headCount].join(", ");
    for (const { sidePx, outputs, heads } of models) {
      const actual = [sidePx, outputs, heads].join(", ");
      if (actual !== expected) {
        throw new ContractError(
          `the contract promises side, outputs and heads ${expected}, the model has ${actual}`,
        );
      }
    }
    if (models.length === 0) throw new ContractError("a classifier needs one model or more, got none");
    if ((contract.regions === null) !== (detector === null)) {
      const [needed, given] = contract.regions === null ? ["no detector", "one"] : ["its detector", "none"];
      throw new ContractError(`a classifier needs ${needed} for this contract, got ${given}; use Detector.load`);
    }
  }

  /**
   * Classify one photo.
   *
   * @throws PhotoError - The photo can't be decoded, is beyond the limits, or has less than 8x8 pixels; with regions, it has
   *   none, or several, of which none is guessed (`classifyRegions` answers for each).
   * @throws ContractError - A number of crops that can't be had, or a closed classifier.
   * @throws ModelError - The engine failed.
   */
  async classify(source: Source, options: ClassifyOptions = {}): Promise<Verdict> {
    this.checkAsked(options);
    const began = performance.now();
    const photo = await this.workingPhoto(source);
    const [width, height] = photo.sizeWh;
    if (Math.min(width, height) < MIN_SIDE_PX) {
      throw new PhotoError(`a photo must be at least ${MIN_SIDE_PX}x${MIN_SIDE_PX} px, got ${width}x${height}`);
    }
    return this.verdictOn(photo, began, options);
  }

  /**
   * Classify each region of a photo: with two faces there are two answers, without any there is none.
   *
   * @throws ContractError - The model classifies whole photos; or as `classify`.
   * @throws PhotoError - As `classify`, but for photos without a region or with several.
   * @throws ModelError - The engine failed.
   */
  async classifyRegions(source: Source, options: ClassifyOptions = {}): Promise<RegionsVerdict> {
    this.checkAsked(options);
    const { detector } = this;
    if (detector === null) {
      throw new ContractError("classifyRegions needs a model of regions, got one of whole photos; use classify");
    }
    const began = performance.now();
    const whole = await photoOf(source, null);
    const decoded = performance.now();
    const places = await detector.find(whole);
    const found = performance.now();
    const regions: RegionVerdict[] = [];
    for (const region of places) {
      const cutAt = performance.now();
      const square = regionPhoto(whole, region, this.contract.plan.workingPx);
      regions.push({ region, verdict: await this.verdictOn(square, cutAt, options) });
    }
    return new RegionsVerdict({
      thing: detector.plan.thing,
      sizeWh: whole.sizeWh,
      regions,
      decodeMs: decoded - began,
      detectMs: found - decoded,
    });
  }

  private checkAsked({ crops = null }: ClassifyOptions): void {
    if (this.isClosed) throw new ContractError("this classifier is closed; load the model again");
    if (crops !== null) checkCrops(crops);
  }

  /** What crops are cut from: a photo at the plan's working size or, with regions, the square of its one region. */
  private async workingPhoto(source: Source): Promise<Photo> {
    const { workingPx } = this.contract.plan;
    const { detector } = this;
    if (detector === null) return photoOf(source, workingPx);
    const whole = await photoOf(source, null);
    const places = await detector.find(whole);
    const [place] = places;
    if (place === undefined || places.length > 1) {
      const found = places.length > 1 ? `${places.length}: use classifyRegions, which answers for each` : "none";
      throw new PhotoError(`a photo must have one ${detector.plan.thing}, got ${found}`);
    }
    return regionPhoto(whole, place, workingPx);
  }

  /** Score a working photo's crops and vote. */
  private async verdictOn(photo: Photo, began: number, options: ClassifyOptions): Promise<Verdict> {
    const { crops = null, stopEarly = true } = options;
    const { plan, sidePx, labels } = this.contract;
    const decoded = performance.now();
    const boxes = cropBoxes(plan, photo.sizeWh, sidePx, crops);
    const scored = await this.score(photo, boxes, stopEarly && crops === null);
    const ended = performance.now();
    const scores = scored.map((one) => one.scores);
    const { probabilities, unknown } = voteAll(scores, this.contract);
    return new Verdict({
      answer: decide(probabilities, this.contract, unknown),
      probabilities: new Map(labels.map((label, index) => [label, probabilities[index]!])),
      labels: labelsReached(probabilities, this.contract),
      unknown,
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

  /** Free the models and the detector. Using the classifier afterwards is an error. */
  close(): void {
    this.isClosed = true;
    for (const model of this.models) model.close();
    this.detector?.close();
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
