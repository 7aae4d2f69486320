/** Tensors of a checked structure: type, shape, data and quantization, each as the others say. */

import { ContractError } from "../errors.ts";
import type { Numbers, Table } from "./structure.ts";

/** Lengths of a tensor's dimensions. */
export type Lengths = readonly number[];

export const MAX_TENSORS = 20_000;
/** Beyond any layer of a classifier. */
export const MAX_DIMENSION = 1 << 24;
export const MAX_BYTES = 512 * 1024 * 1024;
/** Integers that operators make; shapes have fewer. */
export const MAX_FOLDED = 64;
const MAX_RANK = 6;
// Integers that shapes are made of.
const MAX_VALUES = 1024;

// The schema's numbers of types. All others (strings, resources, complex, four bits) are refused.
const TYPES = new Map([
  [0, ["float32", 4]],
  [1, ["float16", 2]],
  [2, ["int32", 4]],
  [3, ["uint8", 1]],
  [4, ["int64", 8]],
  [6, ["bool", 1]],
  [7, ["int16", 2]],
  [9, ["int8", 1]],
  [15, ["uint32", 4]],
] as const);

/** Names of the types that tensors may have. */
export type TensorType = "float32" | "float16" | "int32" | "uint8" | "int64" | "bool" | "int16" | "int8" | "uint32";

const ZERO_POINTS: ReadonlyMap<TensorType, readonly [number, number]> = new Map([
  ["int8", [-128, 127]],
  ["uint8", [0, 255]],
]);
// Whatever has a scale; int32 and int64 are biases, float32 what training left behind.
const SCALED: ReadonlySet<TensorType> = new Set(["int8", "uint8", "int16", "int32", "int64", "float32", "float16"]);
// What float32 holds in full, and what leaves room for products.
const [LEAST_SCALE, MOST_SCALE] = [2 ** -126, 1e30];

/**
 * Say that a model is none that may be run.
 *
 * @throws ContractError - Always.
 */
export function refuse(what: string): never {
  throw new ContractError(`a model must be one that can be run safely: ${what}; convert it again`);
}

/** The product of numbers; 1 of none. */
export function product(numbers: Lengths): number {
  return numbers.reduce((made, one) => made * one, 1);
}

/** Whether two lists of numbers are equal. */
export function isSame(one: Lengths, other: Lengths): boolean {
  return one.length === other.length && one.every((number, at) => number === other[at]);
}

/** Whether a shape is the one that was asked for, where some lengths (-1) were left open. */
export function isOpen(signature: Lengths, shape: Lengths): boolean {
  return signature.length === shape.length && signature.every((asked, at) => asked === -1 || asked === shape[at]);
}

/** One tensor. */
export class Tensor {
  readonly type: TensorType;
  /** Bytes of an element. */
  readonly size: number;
  /** Every length is 1 or more. */
  shape: Lengths = [];
  /** The shape with -1 for dimensions that were left open. */
  readonly signature: Lengths;
  /** The bytes of a constant, else null. */
  readonly data: Uint8Array | null;
  /** How many scales it has: 0 where it is not quantised, several where it is quantised per channel. */
  scales = 0;
  leastScale = 0;
  mostScale = 0;
  /** The first zero point, 0 without one. */
  zeroPoint = 0;
  /** Which dimension the scales count along. */
  axis = 0;
  private folded: Lengths | null = null;

  /** @throws ContractError - Something of it does not fit the rest. */
  constructor(
    readonly index: number,
    table: Table,
    buffers: readonly (Uint8Array | null)[],
  ) {
    const code = table.number("type");
    const known = TYPES.get(code as 0);
    if (known === undefined) refuse(`tensor ${index} has the type ${code}, which no classifier needs`);
    [this.type, this.size] = known;
    this.resize([...table.numbers("shape")]);
    if (["is_variable", "sparsity", "variant_tensors", "external_buffer"].some((field) => table.has(field))) {
      refuse(`tensor ${index} is variable, sparse, variant or in another file`);
    }
    const signature = [...table.numbers("shape_signature")];
    this.signature = signature.length > 0 ? signature : this.shape;
    if (!isOpen(this.signature, this.shape)) {
      refuse(`tensor ${index} has the shape ${this.shape.join("x")} by the signature ${signature.slice(0, 20).join("x")}`);
    }
    const buffer = table.number("buffer");
    if (buffer >= buffers.length) refuse(`tensor ${index} has the buffer ${buffer} of ${buffers.length}`);
    this.data = buffers[buffer] ?? null;
    if (this.data !== null && this.data.length !== this.bytes) {
      refuse(`tensor ${index} has ${this.data.length} bytes for ${this.type} ${this.shape.join("x")}`);
    }
    const quantization = table.table("quantization");
    if (quantization !== null) this.quantize(quantization);
  }

  /**
   * Take a shape.
   *
   * @throws ContractError - It is none, or takes too much memory.
   */
  resize(shape: Lengths): void {
    if (shape.length > MAX_RANK || !shape.every((length) => length > 0 && length <= MAX_DIMENSION)) {
      refuse(`tensor ${this.index} has the shape ${shape.slice(0, 20).join("x")}`);
    }
    this.shape = shape;
    if (this.bytes > MAX_BYTES) refuse(`tensor ${this.index} takes ${this.bytes} bytes, at most ${MAX_BYTES}`);
  }

  get elements(): number {
    return product(this.shape);
  }

  /** What its numbers take. */
  get bytes(): number {
    return this.elements * this.size;
  }

  /** Whether its numbers are in the file. */
  get isConstant(): boolean {
    return this.data !== null;
  }

  /** Its numbers, row by row, where they are integers known without running the model. */
  get values(): Lengths | null {
    const isInteger = this.type === "int32" || this.type === "int64";
    // Read anew each time: thousands of tensors may have one buffer.
    if (this.data === null || !isInteger || this.elements > MAX_VALUES) return this.folded;
    const view = new DataView(this.data.buffer, this.data.byteOffset, this.data.byteLength);
    return Array.from({ length: this.elements }, (_, at) =>
      this.size === 4 ? view.getInt32(4 * at, true) : Number(view.getBigInt64(8 * at, true)),
    );
  }

  /** Note what an operator makes, if it is little: thousands of operators may. */
  set values(known: Lengths | null) {
    this.folded = known !== null && known.length <= MAX_FOLDED ? known : null;
  }

  private quantize(table: Table): void {
    const [scales, zeroPoints, axis] = [table.numbers("scale"), table.numbers("zero_point"), table.number("quantized_dimension")];
    const what = `tensor ${this.index}`;
    if (table.has("details") || table.has("details_type")) refuse(`${what} is quantised in a way of its own`);
    if (scales.length === 0) {
      if (zeroPoints.length > 1 || zeroPoints[0]) refuse(`${what} has zero points without scales`);
      return;
    }
    if (!SCALED.has(this.type)) refuse(`${what} is quantised, but ${this.type}`);
    const [low, high] = ZERO_POINTS.get(this.type) ?? [0, 0];
    const isWhole = zeroPoints.length === scales.length || (zeroPoints.length === 0 && !ZERO_POINTS.has(this.type));
    if (!isWhole) refuse(`${what} has ${scales.length} scales and ${zeroPoints.length} zero points`);
    if (scales.length > 1 && !(axis >= 0 && this.shape[axis] === scales.length)) {
      refuse(`${what} has ${scales.length} scales along dimension ${axis} of ${this.shape.join("x")}`);
    }
    if (!(axis >= 0 && axis < Math.max(1, this.shape.length))) {
      refuse(`${what} is quantised along dimension ${axis} of ${this.shape.join("x")}`);
    }
    if (!allWithin(zeroPoints, low, high)) refuse(`${what} has a zero point beyond ${low} to ${high}`);
    if (!allWithin(scales, LEAST_SCALE, MOST_SCALE)) refuse(`${what} has a scale beyond ${LEAST_SCALE} to ${MOST_SCALE}`);
    [this.scales, this.axis, this.zeroPoint] = [scales.length, axis, zeroPoints[0] ?? 0];
    this.leastScale = [...scales].reduce((least, one) => Math.min(least, one));
    this.mostScale = [...scales].reduce((most, one) => Math.max(most, one));
  }
}

/** Whether all numbers are; NaN is not. */
function allWithin(numbers: Numbers, low: number, high: number): boolean {
  return [...numbers].every((one) => one >= low && one <= high);
}
