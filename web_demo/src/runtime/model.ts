/** What scores crops: a loaded model, by whatever runs it. */

import type { Bundle } from "./bundle.ts";
import { ContractError, ModelError } from "./errors.ts";
import { type Interpreter, LiteRtInterpreter } from "./interpreter.ts";

// How far the sum of a crop's probabilities may be from one: float32 rounds in the sixth place.
const SUM_TOLERANCE = 1e-3;

/** What scores crops: one loaded model. Calls take turns. */
export interface Model {
  /** Side of the square input in pixels. */
  readonly sidePx: number;
  /** Number of scores of a head. */
  readonly outputs: number;
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
   * @returns (outputs,) probabilities.
   * @throws ContractError - They are none.
   * @throws ModelError - The engine failed.
   */
  score(rgb: Uint8Array<ArrayBuffer>, index: number, head: number): Promise<Float32Array>;
  /** Free the model. Scoring afterwards is an error. */
  close(): void;
}

/** What scores are: probabilities that sum to one, probabilities that need not, or any numbers. */
export type ScoreKind = "one-of" | "any-of" | "numbers";

/** What is known of a model beside its flatbuffer. */
export interface ModelShape {
  readonly sidePx: number;
  readonly outputs: number;
  readonly heads: number;
  readonly kind: ScoreKind;
}

/** A flatbuffer, and what is known of it. */
export interface ModelSource extends ModelShape {
  readonly flatbuffer: Uint8Array<ArrayBuffer>;
}

/** What is known of a checked bundle's model. */
export function sourceOf(bundle: Bundle): ModelSource {
  const { flatbuffer, contract } = bundle;
  const { sidePx, outputs, headCount, multiLabel } = contract;
  return { flatbuffer, sidePx, outputs, heads: headCount, kind: multiLabel === null ? "one-of" : "any-of" };
}

/** A model that an interpreter runs, which is closed with it. */
export class InterpretedModel implements Model {
  readonly sidePx: number;
  readonly outputs: number;
  readonly heads: number;
  private readonly kind: ScoreKind;

  constructor(
    private readonly interpreter: Interpreter,
    { sidePx, outputs, heads, kind }: ModelShape,
  ) {
    [this.sidePx, this.outputs, this.heads, this.kind] = [sidePx, outputs, heads, kind];
  }

  get engine(): string {
    return this.interpreter.engine;
  }

  async score(rgb: Uint8Array<ArrayBuffer>, index: number, head: number): Promise<Float32Array> {
    void index;
    const { sidePx, outputs, heads } = this;
    if (rgb.length !== sidePx * sidePx * 3) {
      throw new ModelError(`a crop must have ${sidePx * sidePx * 3} bytes, got ${rgb.length}`);
    }
    const tensors = await this.interpreter.run(rgb, [1, sidePx, sidePx, 3]);
    // The engine has outputs in the order of the signature's names, not of the model's own list.
    const rows = tensors.find(({ shape }) => shape.length === (head === 0 ? 2 : 3))?.values;
    const wanted = head === 0 ? outputs : (heads - 1) * outputs;
    if (rows?.length !== wanted || head >= heads) {
      throw new ModelError(`a model must have ${wanted} floats for head ${head}, got ${String(rows?.length)}`);
    }
    const scores = head === 0 ? rows : rows.slice((head - 1) * outputs, head * outputs);
    checkScores(scores, this.kind);
    return scores;
  }

  close(): void {
    this.interpreter.close();
  }
}

/** A model that LiteRT.js runs in this thread. */
export class LiteRtModel extends InterpretedModel {
  /**
   * Load the engine, where that has not been done yet, and a model.
   *
   * @param source - A checked model file, or what `sourceOf` takes of one.
   * @param wasmUrl - The folder of LiteRT.js's wasm files, ending in a slash, or the script of one of its variants.
   * @throws ModelError - The engine can't be loaded, or refuses the model.
   */
  static async load(source: Bundle | ModelSource, wasmUrl: string): Promise<LiteRtModel> {
    const given = "contract" in source ? sourceOf(source) : source;
    return new LiteRtModel(await LiteRtInterpreter.load(given.flatbuffer, wasmUrl), given);
  }
}

/**
 * Hold that a crop's scores are what they should be.
 *
 * @throws ContractError - One that should be a probability is not within 0 to 1 (NaN is not), or the sum of such of which
 *   one is right is farther than 0.001 from 1.
 */
function checkScores(scores: Float32Array, kind: ScoreKind): void {
  if (kind === "numbers") return;
  const sum = scores.reduce((total, one) => total + one, 0);
  const isWithin = scores.every((one) => one >= 0 && one <= 1);
  if (isWithin && (kind === "any-of" || Math.abs(sum - 1) <= SUM_TOLERANCE)) return;
  const [rule, lacks] = kind === "one-of" ? ["that sum to 1", "softmax"] : ["within 0 to 1", "sigmoids"];
  throw new ContractError(
    `a model's outputs must be probabilities ${rule}, got ${[...scores.slice(0, 10)].join(", ")} with the sum ` +
      `${sum}; does it lack its ${lacks}?`,
  );
}
