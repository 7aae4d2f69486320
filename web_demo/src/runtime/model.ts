/** What scores crops, and LiteRT.js as that. */

import { type CompiledModel, Tensor, loadAndCompile } from "@litertjs/core";

import type { Bundle } from "./bundle.ts";
import { ENGINE, loadEngine, whatEngineSaid } from "./engine.ts";
import { ContractError, EdgekitError, ModelError } from "./errors.ts";

// How far the sum of a crop's probabilities may be from one: float32 rounds in the sixth place.
const SUM_TOLERANCE = 1e-3;

/** What scores crops: one loaded model. Calls take turns. */
export interface Model {
  /** Side of the square input in pixels. */
  readonly sidePx: number;
  /** Number of scores of a head. */
  readonly classes: number;
  /** Number of heads, each for another scale of crops. */
  readonly heads: number;
  /** Name, version and kind of what runs the model, such as `litert.js-2.5.3 wasm relaxed-simd`. */
  readonly engine: string;
  /**
   * Score one crop.
   *
   * @param rgb - uint8 (sidePx, sidePx, 3) RGB.
   * @param index - The crop's place in the plan, from 0.
   * @param head - Which of the heads scores it, from 0, as `Contract.headOf` says.
   * @returns (classes,) probabilities.
   * @throws ContractError - They are no probabilities.
   * @throws ModelError - The engine failed.
   */
  score(rgb: Uint8Array<ArrayBuffer>, index: number, head: number): Promise<Float32Array>;
  /** Free the model. Scoring afterwards is an error. */
  close(): void;
}

/** What of a bundle an engine needs: all of it crosses to a worker. */
export interface ModelSource {
  readonly flatbuffer: Uint8Array<ArrayBuffer>;
  readonly sidePx: number;
  readonly classes: number;
  readonly heads: number;
  /** Whether the outputs must be probabilities that sum to one. */
  readonly areProbabilities: boolean;
}

/** What an engine is given of a checked bundle. */
export function sourceOf(bundle: Bundle): ModelSource {
  const { flatbuffer, contract } = bundle;
  const { sidePx, labels, headCount } = contract;
  return { flatbuffer, sidePx, classes: labels.length, heads: headCount, areProbabilities: true };
}

/** LiteRT.js in this thread; by XNNPACK in WebAssembly, one thread. */
export class LiteRtModel implements Model {
  private turn: Promise<unknown> = Promise.resolve();
  private compiled: CompiledModel | null;

  private constructor(
    compiled: CompiledModel,
    private readonly source: Omit<ModelSource, "flatbuffer">,
    readonly engine: string,
  ) {
    this.compiled = compiled;
  }

  /**
   * Load the engine, where that has not been done yet, and a model.
   *
   * @param source - A checked model file, or what `sourceOf` takes of one.
   * @param wasmUrl - The folder of LiteRT.js's wasm files, ending in a slash, or the script of one of its variants.
   * @throws ModelError - The engine can't be loaded, or refuses the model.
   */
  static async load(source: Bundle | ModelSource, wasmUrl: string): Promise<LiteRtModel> {
    const given = "contract" in source ? sourceOf(source) : source;
    const { sidePx, classes, heads, areProbabilities } = given;
    try {
      const engine = await loadEngine(wasmUrl);
      const compiled = await loadAndCompile(given.flatbuffer, { accelerator: "wasm" });
      return new LiteRtModel(compiled, { sidePx, classes, heads, areProbabilities }, engine);
    } catch (failure) {
      throw new ModelError(`${ENGINE} can't load the model: ${messageOf(failure)}${whatEngineSaid()}; reload the page`);
    }
  }

  get sidePx(): number {
    return this.source.sidePx;
  }

  get classes(): number {
    return this.source.classes;
  }

  get heads(): number {
    return this.source.heads;
  }

  score(rgb: Uint8Array<ArrayBuffer>, index: number, head: number): Promise<Float32Array> {
    void index;
    const scored = this.turn.then(() => this.run(rgb, head));
    // A failure is its caller's; the next call takes its turn all the same.
    this.turn = scored.catch(() => undefined);
    return scored;
  }

  private async run(rgb: Uint8Array<ArrayBuffer>, head: number): Promise<Float32Array> {
    const { sidePx, classes, heads, areProbabilities } = this.source;
    if (this.compiled === null) throw new ModelError("this model is closed; load it again");
    if (rgb.length !== sidePx * sidePx * 3) {
      throw new ModelError(`a crop must have ${sidePx * sidePx * 3} bytes, got ${rgb.length}`);
    }
    const tensors: Tensor[] = [];
    try {
      const input = new Tensor(rgb, [1, sidePx, sidePx, 3]);
      tensors.push(input);
      const outputs = await this.compiled.run(input);
      tensors.push(...outputs);
      // The engine has outputs in the order of the signature's names, not of the model's own list.
      const dimensions = head === 0 ? 2 : 3;
      const place = this.compiled.getOutputDetails().findIndex(({ shape }) => shape.length === dimensions);
      const rows = await outputs[place]?.data();
      const wanted = head === 0 ? classes : (heads - 1) * classes;
      if (!(rows instanceof Float32Array) || rows.length !== wanted || head >= heads) {
        throw new ModelError(`a model must have ${wanted} floats for head ${head}, got ${String(rows?.length)}`);
      }
      const scores = head === 0 ? rows : rows.slice((head - 1) * classes, head * classes);
      if (areProbabilities) checkProbabilities(scores);
      return scores;
    } catch (failure) {
      if (failure instanceof EdgekitError) throw failure;
      throw new ModelError(
        `${this.engine} failed on a crop: ${messageOf(failure)}${whatEngineSaid()}; reload the page`,
      );
    } finally {
      // LiteRT.js's memory is not the browser's to collect.
      for (const tensor of tensors) tensor.delete();
    }
  }

  close(): void {
    const { compiled } = this;
    this.compiled = null;
    void this.turn.then(() => compiled?.delete());
  }
}

/**
 * Hold that a crop's scores are probabilities.
 *
 * @throws ContractError - One is not within 0 to 1 (NaN is not), or their sum is farther than 0.001 from 1.
 */
function checkProbabilities(scores: Float32Array): void {
  const sum = scores.reduce((total, one) => total + one, 0);
  if (!(scores.every((one) => one >= 0 && one <= 1) && Math.abs(sum - 1) <= SUM_TOLERANCE)) {
    throw new ContractError(
      `a model's outputs must be probabilities that sum to 1, got ${[...scores.slice(0, 10)].join(", ")} with the sum ` +
        `${sum}; does it lack its softmax?`,
    );
  }
}

/** What a thing that was thrown says. */
export function messageOf(failure: unknown): string {
  // All that a script says that can't be fetched.
  if (failure instanceof Event) return "one of its files can't be fetched";
  return failure instanceof Error ? failure.message : String(failure);
}
