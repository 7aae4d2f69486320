/** What runs flatbuffers, and LiteRT.js as that. */

import { type CompiledModel, Tensor, loadAndCompile } from "@litertjs/core";

import { ENGINE, loadEngine, whatEngineSaid } from "./engine.ts";
import { EdgekitError, ModelError } from "./errors.ts";

/** What goes into a model: bytes of pixels, or floats. */
export type Input = Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** One tensor that comes out of a model. */
export interface Output {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** What runs one checked flatbuffer with one input. Calls take turns. */
export interface Interpreter {
  /** Name, version and kind, such as `litert.js-2.5.3 wasm relaxed-simd`. */
  readonly engine: string;
  /**
   * Run the model.
   *
   * @param input - As many numbers as the shape has.
   * @param shape - That of the model's input.
   * @returns All outputs, in any order: their shapes tell them apart.
   * @throws ModelError - The engine failed, or the model is closed.
   */
  run(input: Input, shape: readonly number[]): Promise<readonly Output[]>;
  /** Free the model. Running it afterwards is an error. */
  close(): void;
}

/** LiteRT.js in this thread; by XNNPACK in WebAssembly, one thread. */
export class LiteRtInterpreter implements Interpreter {
  private turn: Promise<unknown> = Promise.resolve();
  private compiled: CompiledModel | null;

  private constructor(
    compiled: CompiledModel,
    readonly engine: string,
  ) {
    this.compiled = compiled;
  }

  /**
   * Load the engine, where that has not been done yet, and a model.
   *
   * @param flatbuffer - A checked one.
   * @param wasmUrl - The folder of LiteRT.js's wasm files, ending in a slash, or the script of one of its variants.
   * @throws ModelError - The engine can't be loaded, or refuses the model.
   */
  static async load(flatbuffer: Uint8Array<ArrayBuffer>, wasmUrl: string): Promise<LiteRtInterpreter> {
    try {
      const engine = await loadEngine(wasmUrl);
      return new LiteRtInterpreter(await loadAndCompile(flatbuffer, { accelerator: "wasm" }), engine);
    } catch (failure) {
      throw new ModelError(`${ENGINE} can't load the model: ${messageOf(failure)}${whatEngineSaid()}; reload the page`);
    }
  }

  run(input: Input, shape: readonly number[]): Promise<readonly Output[]> {
    const ran = this.turn.then(() => this.runNow(input, shape));
    // A failure is its caller's; the next call takes its turn all the same.
    this.turn = ran.catch(() => undefined);
    return ran;
  }

  private async runNow(input: Input, shape: readonly number[]): Promise<readonly Output[]> {
    if (this.compiled === null) throw new ModelError("this model is closed; load it again");
    const tensors: Tensor[] = [];
    try {
      tensors.push(new Tensor(input, [...shape]));
      const outputs = await this.compiled.run(tensors[0]!);
      tensors.push(...outputs);
      const details = this.compiled.getOutputDetails();
      return await Promise.all(outputs.map((one, at) => readOutput(one, details[at]?.shape ?? [])));
    } catch (failure) {
      if (failure instanceof EdgekitError) throw failure;
      throw new ModelError(
        `${this.engine} failed on a picture: ${messageOf(failure)}${whatEngineSaid()}; reload the page`,
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

async function readOutput(tensor: Tensor, shape: ArrayLike<number>): Promise<Output> {
  const values = await tensor.data();
  if (!(values instanceof Float32Array)) throw new ModelError("a model's outputs must be floats, got others");
  return { shape: Array.from(shape), values };
}

/** What a thing that was thrown says. */
export function messageOf(failure: unknown): string {
  // All that a script says that can't be fetched.
  if (failure instanceof Event) return "one of its files can't be fetched";
  return failure instanceof Error ? failure.message : String(failure);
}
