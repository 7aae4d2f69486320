/** Photo in, verdict out. */

import type { Contract } from "./contract.ts";
import type { Frame } from "./frames.ts";
import type { Model } from "./model.ts";
import type { Photo, Picture } from "./picture.ts";
import type { Verdict } from "./verdict.ts";

/** What can be classified: the content of a photo's file, pixels, a camera's frame, or a photo at its working size. */
export type Source = Blob | Uint8Array<ArrayBuffer> | Picture | Frame | Photo;

/** A loaded model that turns photos into verdicts. */
export class Classifier {
  /**
   * @param contract - The contract of the models.
   * @param models - One or more of the same bundle: as many crops are scored at the same time.
   * @throws ContractError - The models' side or classes are not those that the contract promises.
   */
  constructor(
    readonly contract: Contract,
    readonly models: readonly Model[],
  ) {}

  /**
   * Classify one photo.
   *
   * @param source - See `Source`.
   * @param options - `crops`: score exactly so many; null or left out: the contract's number, or fewer where it can stop
   *   early. `stopEarly`: whether the contract's bounds may end the work before its last crop; true when left out.
   * @throws PhotoError - The photo can't be decoded, is beyond the limits, or has less than 8x8 pixels.
   * @throws ContractError - A number of crops that can't be had, or a closed classifier.
   * @throws ModelError - The engine failed.
   */
  classify(source: Source, options: { readonly crops?: number | null; readonly stopEarly?: boolean } = {}): Promise<Verdict> {
    void [source, options];
    throw new Error("skeleton");
  }

  /** Free the models. Using the classifier afterwards is an error. */
  close(): void {
    throw new Error("skeleton");
  }
}
