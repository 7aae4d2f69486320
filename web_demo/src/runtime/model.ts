/** The only files that know LiteRT.js are this one and the worker's. */

import type { Bundle } from "./bundle.ts";

/** What scores crops: one loaded model. Calls take turns. */
export interface Model {
  /** Side of the square input in pixels. */
  readonly sidePx: number;
  /** Number of outputs. */
  readonly classes: number;
  /** Name and version of what runs the model, such as `litert.js-2.5.3 wasm`. */
  readonly engine: string;
  /**
   * Score one crop.
   *
   * @param rgb - uint8 (sidePx, sidePx, 3) RGB.
   * @param index - The crop's place in the plan, from 0.
   * @returns (classes,) probabilities.
   * @throws ContractError - They are no probabilities.
   * @throws ModelError - The engine failed.
   */
  score(rgb: Uint8Array, index: number): Promise<Float32Array>;
  /** Free the model. */
  close(): void;
}

/** LiteRT.js in this thread. */
export class LiteRtModel {
  /**
   * @param bundle - A checked model file.
   * @param wasmUrl - The folder of LiteRT.js's wasm files, ending in a slash.
   * @throws ModelError - The engine can't be loaded, or refuses the model.
   */
  static load(bundle: Bundle, wasmUrl: string): Promise<Model> {
    void [bundle, wasmUrl];
    throw new Error("skeleton");
  }
}

/** LiteRT.js in a worker of its own, so that several crops are scored at the same time and the page stays responsive. */
export class WorkerModel {
  /**
   * @param bundle - A checked model file.
   * @param urls - The script `worker.js` of the build, and the folder of LiteRT.js's wasm files, ending in a slash.
   * @throws ModelError - The worker or the engine can't be loaded, or refuses the model.
   */
  static load(bundle: Bundle, urls: { readonly worker: string; readonly wasm: string }): Promise<Model> {
    void [bundle, urls];
    throw new Error("skeleton");
  }
}
