/**
 * The operators that may run, and what each makes of the shapes and types that it is given.
 *
 * A row of RULES is an operator: its number, how many inputs and outputs it has, the table of its options, the types that
 * it computes in, and the function that works out the shapes of its outputs. Shapes follow the TFLite kernels.
 */

import type { Table } from "./structure.ts";
import { type Lengths, MAX_DIMENSION, MAX_FOLDED, type Tensor, type TensorType, isOpen, isSame, product, refuse } from "./tensors.ts";

type Types = ReadonlySet<TensorType>;
type Shapes = (operator: Operator) => readonly Lengths[];

const FLOAT: Types = new Set(["float32"]);
const REAL: Types = new Set(["float32", "int8", "uint8", "int16"]);
const NUMBERS: Types = new Set([...REAL, "int32", "int64"]);
const ANY: Types = new Set([...NUMBERS, "bool", "float16", "uint32"]);
const QUANTISED: Types = new Set(["int8", "uint8", "int16"]);
const INTEGERS: Types = new Set(["int32", "int64"]);
const NONE: Types = new Set();
// Strides, dilations and windows of layers end far below.
const MAX_STEP = 4096;
// none, ReLU, ReLU of -1 to 1, ReLU6; kernels fuse no others.
const MAX_FUSED = 3;
// Kernels turn ratios of scales into 31 bits and a shift, and some abort where that ends.
const [LEAST_RATIO, MOST_RATIO] = [2 ** -126, 2 ** 30];
const MAX_INPUTS = 1024;
// Output channels that XNNPACK packs side by side, depthwise taps that its smallest kernels take, and the bytes of a
// bias and a scale.
const [TILE, TAPS, PER_CHANNEL] = [64, 25, 8];

/** One operator with its tensors. */
export class Operator {
  /** Multiplications of one run, and what takes as long. */
  work: number;
  /** Bytes that a kernel may take beside its tensors. */
  scratch = 0;
  /** Bytes that a delegate keeps for it alone as long as the model lives: its weights laid out anew, addresses of pixels. */
  lasting = 0;
  /** Whether the shapes of its outputs are made of numbers that the file does not hold. */
  isDynamic = false;

  /**
   * @param number - Its place in the list.
   * @param name - As the schema has it, such as `CONV_2D`.
   * @param inputs - Null stands for one that is left out.
   * @param options - Null without.
   */
  constructor(
    readonly number: number,
    readonly name: string,
    readonly inputs: readonly (Tensor | null)[],
    readonly outputs: readonly Tensor[],
    readonly options: Table | null,
  ) {
    this.work = [...inputs, ...outputs].reduce((sum, one) => sum + (one?.elements ?? 0), 0);
  }

  /**
   * Hold a rule of this operator.
   *
   * @throws ContractError - It does not hold.
   */
  need(holds: boolean, rule: string): asserts holds {
    if (holds) return;
    const spell = (one: Tensor | null): string => (one === null ? "none" : `${one.type} [${one.shape.join(", ")}]`);
    const [given, made] = [this.inputs.map(spell).join(", "), this.outputs.map(spell).join(", ")];
    refuse(`operator ${this.number} (${this.name}) must have ${rule}, got ${given} to ${made}`.slice(0, 600));
  }

  /** An input that must be there. */
  input(number: number): Tensor {
    return this.inputs[number] ?? refuse(`operator ${this.number} (${this.name}) must have an input ${number}`);
  }

  /** The first input. */
  get x(): Tensor {
    return this.input(0);
  }

  /** The first output. */
  get y(): Tensor {
    return this.outputs[0] ?? refuse(`operator ${this.number} (${this.name}) must have an output`);
  }

  /** An option that is a number or a flag; the schema's default without options. */
  option(name: string, standard = 0): number {
    return this.options === null || this.options.name === "" ? standard : this.options.number(name);
  }

  /** Integers that shapes are made of, which must be known without running the model. */
  values(number: number, count: number | null = null): Lengths {
    const tensor = this.input(number);
    this.need(INTEGERS.has(tensor.type) && tensor.shape.length <= 2, `integers as input ${number}`);
    const known =
      tensor.values ??
      refuse(`operator ${this.number} (${this.name}) must have an input ${number} that is known beforehand`);
    this.need(count === null || known.length === count, `${count} numbers as input ${number}`);
    if (!tensor.isConstant) this.isDynamic = true;
    return known;
  }

  /** The one number of an input. */
  value(number: number): number {
    return this.values(number, 1)[0]!;
  }

  /** A dimension counted from the front. */
  axis(asked: number, rank: number): number {
    this.need(asked >= -rank && asked < rank, `an axis within ${rank} dimensions (${asked})`);
    return (asked + rank) % rank;
  }

  /** Hold the activations that may be fused. */
  fused(): void {
    const kind = this.option("fused_activation_function");
    this.need(kind >= 0 && kind <= MAX_FUSED, `a fused activation of 0 to ${MAX_FUSED} (${kind})`);
  }

  /** Hold that tensors have one type, and scales where their numbers are steps. */
  sameType(types: Types, ...tensors: readonly Tensor[]): void {
    const kind = tensors[0]!.type;
    this.need(types.has(kind) && tensors.every((one) => one.type === kind), `one type among ${[...types].sort().join(", ")}`);
    if (QUANTISED.has(kind)) this.quantised(...tensors);
  }

  /** Hold that tensors have one scale each. */
  quantised(...tensors: readonly Tensor[]): void {
    this.need(tensors.every((one) => one.scales === 1), "one scale per tensor");
  }

  /** Hold that scales are not absurdly far apart. */
  ratio(...ratios: readonly number[]): void {
    this.need(
      ratios.every((one) => one >= LEAST_RATIO && one <= MOST_RATIO),
      `scales nearer to each other (${ratios.slice(0, 20).join(", ")})`,
    );
  }
}

/** Element by element. */
function same(operator: Operator): readonly Lengths[] {
  if (QUANTISED.has(operator.x.type)) operator.ratio(operator.x.mostScale / operator.y.mostScale);
  return [operator.x.shape];
}

/** Element by element by a table of all inputs, so that no ratio of scales matters. */
function lookup(operator: Operator): readonly Lengths[] {
  return [operator.x.shape];
}

function softmax(operator: Operator): readonly Lengths[] {
  const beta = operator.option("beta");
  operator.need(beta > 0 && beta <= 1e4 && operator.x.shape.length >= 1, `a beta above 0 (${beta}) and a dimension`);
  if (QUANTISED.has(operator.x.type)) operator.ratio(beta * operator.x.mostScale);
  return [operator.x.shape];
}

function leaky(operator: Operator): readonly Lengths[] {
  const alpha = operator.option("alpha");
  operator.need(Math.abs(alpha) <= 1e4, `a finite alpha (${alpha})`);
  return same(operator);
}

function localResponse(operator: Operator): readonly Lengths[] {
  const numbers = ["bias", "alpha", "beta"].map((name) => operator.option(name));
  const radius = operator.option("radius");
  operator.need(
    operator.x.shape.length === 4 && numbers.every(Number.isFinite) && radius >= 0 && radius <= operator.x.shape[3]!,
    `four dimensions, finite numbers and a radius within the depth (${numbers.join(", ")}, ${radius})`,
  );
  operator.work *= 2 * radius + 1;
  return [operator.x.shape];
}

function lastFused(operator: Operator): readonly Lengths[] {
  operator.fused();
  operator.need(operator.x.shape.length >= 1, "a dimension");
  return [operator.x.shape];
}

/** The shape of an operation on two tensors, of which lengths of 1 are repeated. */
function broadcast(operator: Operator, one: Lengths, other: Lengths, mostRank: number): Lengths {
  if (isSame(one, other)) return one;
  const rank = Math.max(one.length, other.length);
  operator.need(rank <= mostRank, `at most ${mostRank} dimensions to repeat over`);
  const filled = (shape: Lengths): Lengths => [...Array<number>(rank - shape.length).fill(1), ...shape];
  const [wide, wider] = [filled(one), filled(other)];
  return wide.map((a, at) => {
    const b = wider[at]!;
    operator.need(a === b || a === 1 || b === 1, "lengths that are equal or 1");
    return Math.max(a, b);
  });
}

/** Two tensors, element by element. */
function binary(mostRank: number): Shapes {
  return (operator) => {
    operator.fused();
    const [x, other] = [operator.x, operator.input(1)];
    if (QUANTISED.has(x.type)) binaryScales(operator);
    if (INTEGERS.has(x.type) && x.values !== null && other.values !== null) foldBinary(operator, x.values, other.values);
    return [broadcast(operator, x.shape, other.shape, mostRank)];
  };
}

function binaryScales(operator: Operator): void {
  const [x, other, y] = [operator.x, operator.input(1), operator.y];
  const most = Math.max(x.mostScale, other.mostScale);
  if (operator.name === "MUL") operator.ratio((x.mostScale * other.mostScale) / y.mostScale);
  else if (operator.name === "DIV") operator.ratio(x.mostScale / other.mostScale / y.mostScale);
  else if (operator.name === "SQUARED_DIFFERENCE") operator.ratio(most ** 2 / y.mostScale);
  else if (operator.name === "ADD" || operator.name === "SUB") {
    // Sums are kept in 20 more bits than either side, and must need fewer to leave. How far the sides are from each
    // other does not matter: a dead branch has the smallest of scales.
    operator.ratio((2 ** 12 * most) / y.mostScale);
    // That kernel repeats nothing, and aborts.
    const powersOfTwo = x.type === "int16" && operator.option("pot_scale_int16", 1) !== 0;
    operator.need(!powersOfTwo || isSame(x.shape, other.shape), "equal shapes for scales of powers of two");
  }
}

const FOLDING: ReadonlyMap<string, (a: number, b: number) => number> = new Map([
  ["ADD", (a: number, b: number) => a + b],
  ["SUB", (a: number, b: number) => a - b],
  ["MUL", (a: number, b: number) => a * b],
  ["MAXIMUM", Math.max],
  ["MINIMUM", Math.min],
  ["FLOOR_DIV", (a: number, b: number) => Math.floor(a / b)],
  ["FLOOR_MOD", (a: number, b: number) => a - b * Math.floor(a / b)],
]);

/** Integers whose result shapes may be made of. */
function foldBinary(operator: Operator, one: Lengths, other: Lengths): void {
  const length = Math.max(one.length, other.length);
  const fits = [one, other].every((numbers) => numbers.length === 1 || numbers.length === length);
  if (length > MAX_FOLDED || !fits || operator.option("fused_activation_function") !== 0) return;
  const calculate = FOLDING.get(operator.name);
  if (calculate === undefined || (operator.name.startsWith("FLOOR_") && other.includes(0))) return;
  // Of what doubles don't hold in full, no shape is made.
  if (![...one, ...other].every(Number.isSafeInteger)) return;
  const made = Array.from({ length }, (_, at) => calculate(one[at % one.length]!, other[at % other.length]!));
  operator.y.values = made.every((value) => Math.abs(value) <= MAX_DIMENSION) ? made : null;
}

function addN(operator: Operator): readonly Lengths[] {
  operator.need(operator.inputs.every((one) => one !== null && isSame(one.shape, operator.x.shape)), "equal shapes");
  return [operator.x.shape];
}

function prelu(operator: Operator): readonly Lengths[] {
  const [x, alpha, y] = [operator.x, operator.input(1), operator.y];
  operator.need(x.shape.length <= 4, "at most four dimensions");
  if (QUANTISED.has(x.type)) operator.ratio(x.mostScale / y.mostScale, (x.mostScale * alpha.mostScale) / y.mostScale);
  operator.lasting = 4 * alpha.elements;
  const made = broadcast(operator, x.shape, alpha.shape, 4);
  operator.need(isSame(made, x.shape), "slopes that fit the input");
  return [made];
}

/** How many windows lie along a side. */
function slid(operator: Operator, length: number, window: number, stride: number, dilation = 1): number {
  const padding = operator.option("padding");
  operator.need(padding === 0 || padding === 1, `a padding of SAME or VALID (${padding})`);
  operator.need([window, stride, dilation].every((one) => one >= 1 && one <= MAX_STEP), `steps of 1 to ${MAX_STEP} (${stride})`);
  const reach = (window - 1) * dilation + 1;
  return Math.floor((padding === 0 ? length + stride - 1 : length - reach + stride) / stride);
}

function pool(operator: Operator): readonly Lengths[] {
  operator.fused();
  operator.need(operator.x.shape.length === 4, "four dimensions");
  const [batch, height, width, depth] = four(operator.x);
  const [rows, columns] = [operator.option("filter_height"), operator.option("filter_width")];
  const high = slid(operator, height, rows, operator.option("stride_h"));
  const wide = slid(operator, width, columns, operator.option("stride_w"));
  // A window reaches no farther than the picture.
  operator.work = batch * high * wide * depth * Math.min(rows, height) * Math.min(columns, width);
  // Kernels list the address of every pixel of every window.
  operator.scratch = 8 * batch * high * wide * rows * columns;
  return [[batch, high, wide, depth]];
}

function four(tensor: Tensor): readonly [number, number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = tensor.shape;
  return [a, b, c, d];
}

/** Reckon with weights as XNNPACK lays them out: channels in whole tiles, at the widest of its tiles. */
function packWeights(operator: Operator, channels: number, reads: number, groups = 1): void {
  const weights = operator.input(1);
  const size = weights.type === "float16" ? 4 : weights.size;
  const tiles = Math.ceil(Math.ceil(channels / groups) / TILE);
  operator.lasting += groups * tiles * TILE * (reads * size + PER_CHANNEL);
}

/** What convolutions and dense layers have in common: types, scales and the bias. */
function weigh(operator: Operator, channels: number, axis: number): void {
  const [x, weights, y, bias] = [operator.x, operator.input(1), operator.y, operator.inputs[2] ?? null];
  operator.fused();
  if (bias !== null) operator.need(bias.elements === channels && bias.shape.length >= 1, `${channels} biases`);
  const perChannel = weights.scales === 1 || (weights.scales === channels && weights.axis === axis);
  if (x.type === "float32") {
    const isKnown = ["float32", "float16", "int8", "uint8"].includes(weights.type);
    operator.need(y.type === "float32" && isKnown, "float results");
    operator.need(weights.type === "float32" || weights.isConstant, "constant weights");
    operator.need(bias === null || bias.type === "float32" || bias.type === "float16", "float biases");
    if (!QUANTISED.has(weights.type)) return;
    operator.need(perChannel, "scales of weights");
    // The input is quantised on the fly.
    operator.scratch += x.elements + 4 * y.elements;
    return;
  }
  operator.need(QUANTISED.has(x.type) && y.type === x.type, "results of the input's type");
  operator.quantised(x, y);
  operator.need(weights.type === (x.type === "uint8" ? "uint8" : "int8") && weights.isConstant, "constant weights");
  operator.need(perChannel, "scales of weights");
  operator.need(weights.type === "uint8" || weights.scales > 1 || weights.zeroPoint === 0, "symmetric weights");
  operator.need(x.type !== "int16" || (x.zeroPoint === 0 && y.zeroPoint === 0), "zero points of 0");
  operator.need(bias === null || bias.type === "int32" || (bias.type === "int64" && x.type === "int16"), "whole biases");
  operator.need(bias === null || bias.isConstant, "constant biases");
  operator.ratio((x.mostScale * weights.leastScale) / y.mostScale, (x.mostScale * weights.mostScale) / y.mostScale);
}

function convolution(operator: Operator): readonly Lengths[] {
  const [x, weights] = [operator.x, operator.input(1)];
  operator.need(x.shape.length === 4 && weights.shape.length === 4, "four dimensions");
  const [batch, height, width, depth] = four(x);
  const [kernels, rows, columns, last] = four(weights);
  const isDepthwise = operator.name === "DEPTHWISE_CONV_2D";
  const [made, reads] = isDepthwise ? [last, 1] : [kernels, last];
  if (isDepthwise) {
    operator.need(kernels === 1 && made % depth === 0, "kernels of whole channels");
    const multiplier = operator.option("depth_multiplier");
    operator.need(multiplier === 0 || multiplier === made / depth, `a depth multiplier that fits (${multiplier})`);
  } else {
    operator.need(depth % reads === 0 && made % (depth / reads) === 0, "kernels of whole groups of channels");
  }
  weigh(operator, made, isDepthwise ? 3 : 0);
  if (isDepthwise) packWeights(operator, made, Math.max(rows * columns, TAPS));
  else packWeights(operator, made, rows * columns * reads, depth / reads);
  const [down, right] = [operator.option("dilation_h_factor", 1), operator.option("dilation_w_factor", 1)];
  const high = slid(operator, height, rows, operator.option("stride_h"), down);
  const wide = slid(operator, width, columns, operator.option("stride_w"), right);
  operator.work = batch * high * wide * made * rows * columns * reads;
  // The addresses of the pixels of every patch; steps are copied patch by patch.
  const patches = batch * high * wide * rows * columns;
  operator.lasting += 8 * patches;
  if (weights.type !== "float32" && !isDepthwise && rows * columns > 1) operator.scratch += patches * depth;
  return [[batch, high, wide, made]];
}

function dense(operator: Operator): readonly Lengths[] {
  const [x, weights] = [operator.x, operator.input(1)];
  operator.need(operator.option("weights_format") === 0, "plain weights");
  operator.need(weights.shape.length === 2 && x.shape.length >= 1, "a matrix of weights");
  const [made = 0, reads = 0] = weights.shape;
  operator.need(x.elements % reads === 0, "inputs that fill the weights");
  weigh(operator, made, 0);
  packWeights(operator, made, reads);
  const rows = x.elements / reads;
  operator.work = rows * made * reads;
  if (operator.option("keep_num_dims") === 0) return [[rows, made]];
  operator.need(x.shape.at(-1) === reads, "inputs whose last dimension fits the weights");
  return [[...x.shape.slice(0, -1), made]];
}

function matrices(operator: Operator): readonly Lengths[] {
  const [x, other, y] = [operator.x, operator.input(1), operator.y];
  const ranks = [x.shape.length, other.shape.length];
  operator.need(Math.min(...ranks) >= 2 && Math.max(...ranks) <= 5, "matrices");
  if (x.type === "float32" && other.type === "int8") {
    operator.need(y.type === "float32" && other.scales === 1 && other.isConstant, "constant weights");
    operator.scratch = x.elements + 4 * y.elements;
  } else {
    operator.sameType(new Set(["float32", "int8", "int16"]), x, other, y);
    if (QUANTISED.has(x.type)) operator.ratio((x.mostScale * other.mostScale) / y.mostScale);
  }
  const [rows, inner] = turned(x.shape.slice(-2), operator.option("adj_x"));
  const [meets, columns] = turned(other.shape.slice(-2), operator.option("adj_y"));
  operator.need(inner === meets, "matrices that fit");
  const others = other.shape.slice(0, -2);
  const batch = broadcast(operator, x.shape.slice(0, -2), others, 3);
  operator.work = product(batch) * rows * inner * columns;
  packWeights(operator, columns * product(others), inner, product(others));
  // Either may be turned round first.
  operator.scratch += x.bytes + other.bytes;
  return [[...batch, rows, columns]];
}

function turned([rows = 0, columns = 0]: Lengths, isAdjoint: number): readonly [number, number] {
  return isAdjoint === 0 ? [rows, columns] : [columns, rows];
}

const REDUCING: ReadonlyMap<string, (numbers: Lengths) => number> = new Map([
  ["REDUCE_PROD", product],
  ["SUM", (numbers: Lengths) => numbers.reduce((sum, one) => sum + one, 0)],
  ["REDUCE_MAX", (numbers: Lengths) => Math.max(...numbers)],
  ["REDUCE_MIN", (numbers: Lengths) => Math.min(...numbers)],
]);

function reduce(operator: Operator): readonly Lengths[] {
  const { x, y } = operator;
  if (QUANTISED.has(x.type)) operator.ratio(x.mostScale / y.mostScale);
  const axes = new Set(operator.values(1).map((one) => operator.axis(one, x.shape.length)));
  const keep = operator.option("keep_dims") !== 0;
  const fold = REDUCING.get(operator.name);
  if (x.values !== null && fold !== undefined && x.shape.length === 1 && x.values.every(Number.isSafeInteger)) {
    const total = fold(x.values);
    y.values = axes.size > 0 && Math.abs(total) <= MAX_DIMENSION ? [total] : null;
  }
  operator.scratch = 8 * y.elements + 64 * x.shape.length;
  return [x.shape.map((length, at) => (axes.has(at) ? 1 : length)).filter((_, at) => keep || !axes.has(at))];
}

/** The integer type that an option names. */
function integerType(code: number): TensorType | null {
  return code === 2 ? "int32" : code === 4 ? "int64" : null;
}

function arg(operator: Operator): readonly Lengths[] {
  const { x, y } = operator;
  operator.need(NUMBERS.has(x.type) && INTEGERS.has(y.type), "numbers in and whole numbers out");
  operator.need(integerType(operator.option("output_type")) === y.type, "results as its options say");
  return [x.shape.toSpliced(operator.axis(operator.value(1), x.shape.length), 1)];
}

function reshape(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  // As the kernel does: only a list of int32 is a shape, else the options hold it.
  const given = operator.inputs.length > 1 ? operator.input(1) : null;
  let asked: Lengths;
  if (given !== null && given.type === "int32" && given.shape.length === 1) {
    asked = operator.values(1);
  } else {
    asked = [...(operator.options?.numbers("new_shape") ?? [])];
    // Old converters mean a scalar by it.
    if (isSame(asked, [0])) asked = [];
  }
  const isShape = asked.every((one) => (one > 0 && one <= MAX_DIMENSION) || one === -1);
  operator.need(asked.filter((one) => one === -1).length <= 1 && isShape, "a shape");
  const rest = product(asked.filter((one) => one !== -1));
  operator.need(!asked.includes(-1) || x.elements % rest === 0, "a shape for all its numbers");
  const made = asked.map((one) => (one === -1 ? x.elements / rest : one));
  operator.need(product(made) === x.elements, `a shape for all its numbers (${made.join("x")})`);
  operator.y.values = x.values;
  return [made];
}

function squeeze(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  const dropped = operator.options?.numbers("squeeze_dims") ?? [];
  const asked = new Set([...dropped].map((one) => operator.axis(one, x.shape.length)));
  operator.need([...asked].every((one) => x.shape[one] === 1), "dimensions of 1 to drop");
  operator.y.values = x.values;
  return [x.shape.filter((length, at) => (asked.size > 0 ? !asked.has(at) : length !== 1))];
}

function expand(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  operator.y.values = x.values;
  return [x.shape.toSpliced(operator.axis(operator.value(1), x.shape.length + 1), 0, 1)];
}

function quantize(operator: Operator): readonly Lengths[] {
  const { x, y } = operator;
  operator.need(REAL.has(x.type) && QUANTISED.has(y.type), "numbers in and steps out");
  operator.quantised(y);
  if (QUANTISED.has(x.type)) {
    operator.quantised(x);
    operator.ratio(x.mostScale / y.mostScale);
  }
  return [x.shape];
}

function dequantize(operator: Operator): readonly Lengths[] {
  const { x, y } = operator;
  operator.need(y.type === "float32" && (QUANTISED.has(x.type) || x.type === "float16"), "steps in and float32 out");
  const perChannel = x.isConstant && x.scales > 1 && x.type === "int8";
  operator.need(x.type === "float16" || x.scales === 1 || perChannel, "scales");
  return [x.shape];
}

function cast(operator: Operator): readonly Lengths[] {
  const { x, y } = operator;
  operator.need(ANY.has(x.type) && ANY.has(y.type), "numbers");
  if (INTEGERS.has(x.type) && INTEGERS.has(y.type)) y.values = x.values;
  return [x.shape];
}

function pad(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  const rank = x.shape.length;
  operator.need(rank >= 1 && rank <= 5 && isSame(operator.input(1).shape, [rank, 2]), "two paddings a dimension");
  const around = operator.values(1, 2 * rank);
  operator.need(around.every((one) => one >= 0 && one <= MAX_DIMENSION), "paddings of 0 or more");
  if (operator.name === "MIRROR_PAD") {
    const mode = operator.option("mode");
    operator.need(mode === 0 || mode === 1, `a mode of REFLECT or SYMMETRIC (${mode})`);
    operator.need(around.every((one, at) => one <= x.shape[at >> 1]! - (1 - mode)), "paddings within the tensor");
  }
  if (operator.name === "PADV2") {
    const value = operator.input(2);
    operator.need(value.type === x.type && value.elements === 1, "one value to pad with");
  }
  return [x.shape.map((length, at) => length + around[2 * at]! + around[2 * at + 1]!)];
}

/** The numbers of all parts, where they are few and known. */
function joined(parts: readonly Tensor[]): Lengths | null {
  const known = parts.map((one) => one.values);
  const elements = parts.reduce((sum, one) => sum + one.elements, 0);
  return elements > MAX_FOLDED || known.includes(null) ? null : known.flatMap((values) => values ?? []);
}

function allInputs(operator: Operator): readonly Tensor[] {
  return operator.inputs.map((_, number) => operator.input(number));
}

function concatenate(operator: Operator): readonly Lengths[] {
  operator.need(operator.option("fused_activation_function") === 0, "no fused activation");
  const [{ x, y }, parts] = [operator, allInputs(operator)];
  const axis = operator.axis(operator.option("axis"), x.shape.length);
  const rest = x.shape.toSpliced(axis, 1);
  const fits = (one: Tensor): boolean => one.shape.length === x.shape.length && isSame(one.shape.toSpliced(axis, 1), rest);
  operator.need(parts.every(fits), "shapes that fit");
  if (QUANTISED.has(x.type)) operator.ratio(...parts.map((one) => one.mostScale / y.mostScale));
  if (rest.length === 0) y.values = joined(parts);
  return [rest.toSpliced(axis, 0, parts.reduce((sum, one) => sum + one.shape[axis]!, 0))];
}

function pack(operator: Operator): readonly Lengths[] {
  const [{ x, y }, parts] = [operator, allInputs(operator)];
  operator.need(operator.option("values_count") === parts.length, "as many inputs as its options say");
  operator.need(parts.every((one) => isSame(one.shape, x.shape)), "equal shapes");
  const axis = operator.axis(operator.option("axis"), x.shape.length + 1);
  if (axis === 0) y.values = joined(parts);
  return [x.shape.toSpliced(axis, 0, parts.length)];
}

function unpack(operator: Operator): readonly Lengths[] {
  const { x, outputs } = operator;
  const axis = operator.axis(operator.option("axis"), x.shape.length);
  const count = operator.option("num");
  operator.need(count === outputs.length && count === x.shape[axis], "an output for each part");
  return outputs.map(() => x.shape.toSpliced(axis, 1));
}

/** SPLIT has its axis first, SPLIT_V last, behind the lengths. */
function split(operator: Operator): readonly Lengths[] {
  const [isEven, { outputs }] = [operator.name === "SPLIT", operator];
  const x = operator.input(isEven ? 1 : 0);
  if (QUANTISED.has(x.type)) operator.need(outputs.every((one) => one.type === x.type), "one type");
  else operator.sameType(ANY, x, ...outputs);
  const axis = operator.axis(operator.value(isEven ? 0 : 2), x.shape.length);
  const [count, whole] = [operator.option("num_splits"), x.shape[axis]!];
  operator.need(count === outputs.length, "an output for each part");
  let lengths: Lengths;
  if (isEven) {
    operator.need(whole % count === 0, "parts of one length");
    lengths = Array<number>(count).fill(whole / count);
  } else {
    const asked = operator.values(1, count);
    const isOneOpen = asked.filter((one) => one === -1).length === 1;
    const rest = whole - asked.reduce((sum, one) => sum + (one === -1 ? 0 : one), 0);
    lengths = isOneOpen ? asked.map((one) => (one === -1 ? rest : one)) : asked;
    const total = lengths.reduce((sum, one) => sum + one, 0);
    operator.need(lengths.every((one) => one > 0) && total === whole, "parts of the whole");
  }
  return lengths.map((length) => x.shape.toSpliced(axis, 1, length));
}

function slice(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  const rank = x.shape.length;
  operator.need(rank >= 1 && rank <= 5, "one to five dimensions");
  const [begin, sizes] = [operator.values(1, rank), operator.values(2, rank)];
  const made = x.shape.map((length, at) => (sizes[at] === -1 ? length - begin[at]! : sizes[at]!));
  const isInside = made.every((size, at) => begin[at]! >= 0 && size > 0 && begin[at]! + size <= x.shape[at]!);
  operator.need(isInside, "a part of the tensor");
  if (x.values !== null && rank === 1) operator.y.values = x.values.slice(begin[0]!, begin[0]! + made[0]!);
  return [made];
}

/** What one dimension gives: the places that are taken of it; `isDropped` where it is one place and no dimension. */
interface Taken {
  readonly places: Places;
  readonly isDropped: boolean;
}

interface Places {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

function strided(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  const rank = x.shape.length;
  operator.need(rank >= 1 && rank <= 5, "one to five dimensions");
  operator.need(operator.option("offset") === 0, "ends that count from the front");
  const count = operator.values(1).length;
  operator.values(2, count);
  operator.values(3, count);
  const [whole, added, dropped] = ["ellipsis", "new_axis", "shrink_axis"].map((name) => operator.option(`${name}_mask`));
  const masks = { whole: whole!, added: added!, dropped: dropped! };
  const isPlain =
    masks.whole >= 0 &&
    (masks.whole & (masks.whole - 1)) === 0 &&
    [masks.whole & masks.added, masks.whole & masks.dropped, masks.added & masks.dropped].every((both) => both === 0);
  operator.need(isPlain, "plain masks");
  const isBit = (mask: number, at: number): boolean => at < 32 && ((mask >> at) & 1) === 1;
  const spelt = Array.from({ length: count }, (_, at) => at).filter((at) => !isBit(masks.whole | masks.added, at));
  operator.need(spelt.length <= rank && count <= rank + 5, "slices of its dimensions");
  // Null stands for a new dimension.
  const index: (Taken | null)[] = [];
  const all = (): Taken => {
    const dimension = index.filter((one) => one !== null).length;
    return { places: { first: 0, step: 1, count: x.shape[dimension]! }, isDropped: false };
  };
  for (let at = 0; at < count; at += 1) {
    if (isBit(masks.whole, at)) {
      for (let open = rank - spelt.length; open > 0; open -= 1) index.push(all());
    } else if (isBit(masks.added, at)) {
      index.push(null);
    } else {
      index.push(sliceOf(operator, at, all().places.count));
    }
  }
  while (index.filter((one) => one !== null).length < rank) index.push(all());
  const made = index.filter((one) => !one?.isDropped).map((one) => one?.places.count ?? 1);
  operator.need(made.every((length) => length > 0), "a part of the tensor");
  if (x.values !== null) operator.y.values = taken(x.values, x.shape, index.filter((one) => one !== null));
  return [made];
}

/** The numbers that an index takes of a tensor, row by row. */
function taken(values: Lengths, shape: Lengths, index: readonly Taken[]): Lengths {
  let places: readonly number[] = [0];
  index.forEach(({ places: { first, step, count } }, at) => {
    const own = Array.from({ length: count }, (_, number) => first + step * number);
    places = places.flatMap((place) => own.map((one) => place * shape[at]! + one));
  });
  return places.map((place) => values[place]!);
}

/** What a slice takes of a dimension, by its number in the list of slices. */
function sliceOf(operator: Operator, at: number, length: number): Taken {
  const [begin, end, step] = [1, 2, 3].map((number) => operator.values(number)[at]!) as [number, number, number];
  operator.need(step !== 0 && Math.abs(step) <= MAX_DIMENSION, "steps other than 0");
  const isBit = (name: string): boolean => at < 32 && ((operator.option(name) >> at) & 1) === 1;
  if (isBit("shrink_axis_mask")) {
    operator.need(begin >= -length && begin < length && step > 0, "an element of the tensor");
    return { places: { first: (begin + length) % length, step: 1, count: 1 }, isDropped: true };
  }
  // As Python slices: negative ends count from the back, and what lies beyond is cut off.
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clipped = (edge: number): number => Math.min(Math.max(edge < 0 ? edge + length : edge, low), high);
  const first = isBit("begin_mask") ? (step > 0 ? 0 : length - 1) : clipped(begin);
  const last = isBit("end_mask") ? (step > 0 ? length : -1) : clipped(end);
  return { places: { first, step, count: Math.max(0, Math.ceil((last - first) / step)) }, isDropped: false };
}

function gather(operator: Operator): readonly Lengths[] {
  const [x, indices] = [operator.x, operator.input(1)];
  operator.need(operator.option("batch_dims") === 0 && INTEGERS.has(indices.type), "indices and no batch");
  operator.need(x.shape.length >= 1 && indices.shape.length <= 2, "a dimension to gather along");
  const axis = operator.axis(operator.option("axis"), x.shape.length);
  const known = indices.values;
  operator.need(known !== null, "indices that are known beforehand");
  operator.need(known.every((one) => one >= 0 && one < x.shape[axis]!), "indices within the tensor");
  const values = x.values;
  if (values !== null && x.shape.length === 1) operator.y.values = known.map((one) => values[one]!);
  return [x.shape.toSpliced(axis, 1, ...indices.shape)];
}

function transpose(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  const rank = x.shape.length;
  const order = operator.values(1, rank);
  operator.need(order.every((one) => one >= -rank && one < rank), "an order of its dimensions");
  const places = order.map((one) => (one + rank) % rank);
  operator.need(new Set(places).size === rank, "an order");
  return [places.map((one) => x.shape[one]!)];
}

function shape(operator: Operator): readonly Lengths[] {
  const { x, y } = operator;
  operator.need(integerType(operator.option("out_type")) === y.type, "a result as its options say");
  y.values = x.shape;
  return [[x.shape.length]];
}

function resize(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  operator.need(x.shape.length === 4 && operator.input(1).type === "int32", "four dimensions and a size");
  const isBoth = operator.option("align_corners") !== 0 && operator.option("half_pixel_centers") !== 0;
  operator.need(!isBoth, "one way to place pixels");
  const size = operator.values(1, 2);
  operator.need(size.every((one) => one > 0 && one <= MAX_DIMENSION), "a size of 1 or more");
  operator.lasting = 64 * product(size);
  return [[x.shape[0]!, ...size, x.shape[3]!]];
}

function blocks(operator: Operator): readonly Lengths[] {
  const [{ x }, size] = [operator, operator.option("block_size")];
  operator.need(x.shape.length === 4 && size >= 1 && size <= MAX_STEP, `four dimensions and a block (${size})`);
  const [batch, height, width, depth] = four(x);
  if (operator.name === "SPACE_TO_DEPTH") {
    operator.need(height % size === 0 && width % size === 0, "whole blocks");
    return [[batch, height / size, width / size, depth * size * size]];
  }
  operator.need(depth % (size * size) === 0, "whole blocks");
  return [[batch, height * size, width * size, depth / (size * size)]];
}

function batches(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  const [block, around] = [operator.values(1, 2), operator.values(2, 4)];
  operator.need(x.shape.length === 4 && isSame(operator.input(2).shape, [2, 2]), "four dimensions");
  const areSteps = block.every((one) => one >= 1 && one <= MAX_STEP);
  operator.need(areSteps && around.every((one) => one >= 0 && one <= MAX_DIMENSION), "a block");
  operator.need(operator.input(1).type === "int32" && operator.input(2).type === "int32", "int32 blocks");
  const [batch, high, wide, depth] = four(x);
  const [cells, sides] = [product(block), [high, wide]];
  if (operator.name === "SPACE_TO_BATCH_ND") {
    const padded = sides.map((side, at) => side + around[2 * at]! + around[2 * at + 1]!);
    operator.need(padded.every((side, at) => side % block[at]! === 0), "whole blocks");
    return [[batch * cells, ...padded.map((side, at) => side / block[at]!), depth]];
  }
  operator.need(batch % cells === 0, "whole blocks");
  const left = sides.map((side, at) => side * block[at]! - around[2 * at]! - around[2 * at + 1]!);
  operator.need(Math.min(...left) > 0, "something left");
  return [[batch / cells, ...left, depth]];
}

function tile(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  const times = operator.values(1, x.shape.length);
  operator.need(times.every((one) => one > 0 && one <= MAX_DIMENSION), "repeats of 1 or more");
  return [x.shape.map((length, at) => length * times[at]!)];
}

function askedShape(operator: Operator, number: number): Lengths {
  const asked = operator.values(number);
  operator.need(asked.every((one) => one > 0 && one <= MAX_DIMENSION), "a shape");
  return asked;
}

function broadcastTo(operator: Operator): readonly Lengths[] {
  const asked = askedShape(operator, 1);
  const made = broadcast(operator, operator.x.shape, asked, 6);
  operator.need(isSame(made, asked), "a shape that holds the input");
  return [made];
}

function fill(operator: Operator): readonly Lengths[] {
  const [value, { y }] = [operator.input(1), operator];
  operator.need(value.type === y.type && value.elements === 1, "one value");
  operator.need(NUMBERS.has(y.type), "numbers");
  return [askedShape(operator, 0)];
}

function reverse(operator: Operator): readonly Lengths[] {
  const { x } = operator;
  const axes = operator.values(1).map((one) => operator.axis(one, x.shape.length)).sort((a, b) => a - b);
  operator.need(axes.length > 0 && axes.every((one, at) => one === axes[0]! + at), "axes in a row");
  return [x.shape];
}

/** What is asked of an operator. */
export interface Rule {
  /** The schema's number. */
  readonly code: number;
  /** The fewest and the most inputs. */
  readonly inputs: readonly [number, number];
  /** The table of its options; empty: none. */
  readonly options: string;
  /** How many of the first inputs must have the type of the outputs; 0: the function holds the types. */
  readonly data: number;
  /** Those that it computes in. */
  readonly types: Types;
  /** Works out the shapes of the outputs. */
  readonly shapes: Shapes;
  /** An input that may be left out. */
  readonly optional: number | null;
  /** The most outputs. */
  readonly outputs: number;
}

type Row = readonly [
  name: string,
  code: number,
  inputs: number | readonly [number, number],
  options: string,
  data: number,
  types: Types,
  shapes: Shapes,
  rest?: { readonly optional?: number; readonly outputs?: number },
];

const FLOAT_OR_INT8: Types = new Set(["float32", "int8"]);
const FLOAT_OR_BYTES: Types = new Set(["float32", "int8", "uint8"]);
const FLOAT_OR_INTEGERS: Types = new Set(["float32", "int32", "int64"]);
const MANY = [1, MAX_INPUTS] as const;

const ROWS: readonly Row[] = [
  // Layers with weights. Kernels read the biases of convolutions unasked.
  ["CONV_2D", 3, 3, "Conv2DOptions", 0, NONE, convolution],
  ["DEPTHWISE_CONV_2D", 4, 3, "DepthwiseConv2DOptions", 0, NONE, convolution],
  ["FULLY_CONNECTED", 9, [2, 3], "FullyConnectedOptions", 0, NONE, dense, { optional: 2 }],
  ["BATCH_MATMUL", 126, 2, "BatchMatMulOptions", 0, NONE, matrices],
  // Windows and normalisation.
  ["AVERAGE_POOL_2D", 1, 1, "Pool2DOptions", 1, REAL, pool],
  ["MAX_POOL_2D", 17, 1, "Pool2DOptions", 1, REAL, pool],
  ["L2_POOL_2D", 12, 1, "Pool2DOptions", 1, FLOAT, pool],
  ["L2_NORMALIZATION", 11, 1, "L2NormOptions", 1, REAL, lastFused],
  ["LOCAL_RESPONSE_NORMALIZATION", 13, 1, "LocalResponseNormalizationOptions", 1, FLOAT, localResponse],
  // Element by element.
  ["ADD", 0, 2, "AddOptions", 2, NUMBERS, binary(5)],
  ["SUB", 41, 2, "SubOptions", 2, NUMBERS, binary(5)],
  ["MUL", 18, 2, "MulOptions", 2, NUMBERS, binary(5)],
  ["DIV", 42, 2, "DivOptions", 2, new Set(["float32", "uint8"]), binary(5)],
  ["MAXIMUM", 55, 2, "MaximumMinimumOptions", 2, NUMBERS, binary(5)],
  ["MINIMUM", 57, 2, "MaximumMinimumOptions", 2, NUMBERS, binary(5)],
  ["SQUARED_DIFFERENCE", 99, 2, "SquaredDifferenceOptions", 2, FLOAT_OR_INT8, binary(4)],
  ["POW", 78, 2, "PowOptions", 2, FLOAT, binary(4)],
  ["FLOOR_DIV", 90, 2, "FloorDivOptions", 2, new Set(["float32", "int32"]), binary(4)],
  ["FLOOR_MOD", 95, 2, "FloorModOptions", 2, FLOAT_OR_INTEGERS, binary(4)],
  ["ADD_N", 106, MANY, "AddNOptions", MAX_INPUTS, FLOAT, addN],
  ["RELU", 19, 1, "", 1, REAL, same],
  ["RELU_N1_TO_1", 20, 1, "", 1, REAL, same],
  ["RELU6", 21, 1, "", 1, REAL, same],
  ["RELU_0_TO_1", 152, 1, "", 1, REAL, same],
  ["LEAKY_RELU", 98, 1, "LeakyReluOptions", 1, REAL, leaky],
  ["PRELU", 54, 2, "", 2, REAL, prelu],
  ["ELU", 111, 1, "", 1, FLOAT_OR_INT8, lookup],
  ["GELU", 150, 1, "GeluOptions", 1, FLOAT_OR_BYTES, lookup],
  ["HARD_SWISH", 117, 1, "HardSwishOptions", 1, FLOAT_OR_BYTES, same],
  ["LOGISTIC", 14, 1, "", 1, REAL, same],
  ["TANH", 28, 1, "", 1, REAL, same],
  ["SOFTMAX", 25, 1, "SoftmaxOptions", 1, REAL, softmax],
  ["LOG_SOFTMAX", 50, 1, "LogSoftmaxOptions", 1, FLOAT, lookup],
  ["EXP", 47, 1, "ExpOptions", 1, FLOAT_OR_INT8, lookup],
  ["LOG", 73, 1, "", 1, FLOAT, lookup],
  ["SQRT", 75, 1, "", 1, FLOAT, lookup],
  ["RSQRT", 76, 1, "", 1, FLOAT, lookup],
  ["SQUARE", 92, 1, "SquareOptions", 1, FLOAT, lookup],
  ["ABS", 101, 1, "AbsOptions", 1, FLOAT, lookup],
  ["NEG", 59, 1, "NegOptions", 1, FLOAT, lookup],
  ["FLOOR", 8, 1, "", 1, FLOAT, lookup],
  ["CEIL", 104, 1, "", 1, FLOAT, lookup],
  ["ROUND", 116, 1, "", 1, FLOAT, lookup],
  ["COS", 108, 1, "CosOptions", 1, FLOAT, lookup],
  ["SIN", 66, 1, "", 1, FLOAT, lookup],
  // Along dimensions.
  ["MEAN", 40, 2, "ReducerOptions", 1, REAL, reduce],
  ["SUM", 74, 2, "ReducerOptions", 1, NUMBERS, reduce],
  ["REDUCE_PROD", 81, 2, "ReducerOptions", 1, FLOAT_OR_INTEGERS, reduce],
  ["REDUCE_MAX", 82, 2, "ReducerOptions", 1, NUMBERS, reduce],
  ["REDUCE_MIN", 89, 2, "ReducerOptions", 1, NUMBERS, reduce],
  ["ARG_MAX", 56, 2, "ArgMaxOptions", 0, NONE, arg],
  ["ARG_MIN", 79, 2, "ArgMinOptions", 0, NONE, arg],
  // Between types.
  ["QUANTIZE", 114, 1, "QuantizeOptions", 0, NONE, quantize],
  ["DEQUANTIZE", 6, 1, "DequantizeOptions", 0, NONE, dequantize],
  ["CAST", 53, 1, "CastOptions", 0, NONE, cast],
  // Where numbers lie.
  ["RESHAPE", 22, [1, 2], "ReshapeOptions", 1, ANY, reshape],
  ["SQUEEZE", 43, 1, "SqueezeOptions", 1, ANY, squeeze],
  ["EXPAND_DIMS", 70, 2, "ExpandDimsOptions", 1, ANY, expand],
  ["SHAPE", 77, 1, "ShapeOptions", 0, NONE, shape],
  ["TRANSPOSE", 39, 2, "TransposeOptions", 1, ANY, transpose],
  ["PAD", 34, 2, "PadOptions", 1, NUMBERS, pad],
  ["PADV2", 60, 3, "PadV2Options", 1, NUMBERS, pad],
  ["MIRROR_PAD", 100, 2, "MirrorPadOptions", 1, NUMBERS, pad],
  ["CONCATENATION", 2, MANY, "ConcatenationOptions", MAX_INPUTS, NUMBERS, concatenate],
  ["PACK", 83, MANY, "PackOptions", MAX_INPUTS, NUMBERS, pack],
  ["UNPACK", 88, 1, "UnpackOptions", 1, NUMBERS, unpack, { outputs: MAX_INPUTS }],
  ["SPLIT", 49, 2, "SplitOptions", 0, NONE, split, { outputs: MAX_INPUTS }],
  ["SPLIT_V", 102, 3, "SplitVOptions", 0, NONE, split, { outputs: MAX_INPUTS }],
  ["SLICE", 65, 3, "SliceOptions", 1, NUMBERS, slice],
  ["STRIDED_SLICE", 45, 4, "StridedSliceOptions", 1, NUMBERS, strided],
  ["GATHER", 36, 2, "GatherOptions", 1, NUMBERS, gather],
  ["REVERSE_V2", 105, 2, "ReverseV2Options", 1, NUMBERS, reverse],
  ["TILE", 69, 2, "TileOptions", 1, NUMBERS, tile],
  ["BROADCAST_TO", 130, 2, "BroadcastToOptions", 1, NUMBERS, broadcastTo],
  ["FILL", 94, 2, "FillOptions", 0, NONE, fill],
  ["RESIZE_BILINEAR", 23, 2, "ResizeBilinearOptions", 1, REAL, resize],
  ["RESIZE_NEAREST_NEIGHBOR", 97, 2, "ResizeNearestNeighborOptions", 1, REAL, resize],
  ["SPACE_TO_DEPTH", 26, 1, "SpaceToDepthOptions", 1, NUMBERS, blocks],
  ["DEPTH_TO_SPACE", 5, 1, "DepthToSpaceOptions", 1, NUMBERS, blocks],
  ["SPACE_TO_BATCH_ND", 38, 3, "SpaceToBatchNDOptions", 1, REAL, batches],
  ["BATCH_TO_SPACE_ND", 37, 3, "BatchToSpaceNDOptions", 1, REAL, batches],
];

/** Operator → what is asked of it. */
export const RULES: ReadonlyMap<string, Rule> = new Map(
  ROWS.map(([name, code, inputs, options, data, types, shapes, rest = {}]) => [
    name,
    {
      code,
      inputs: typeof inputs === "number" ? [inputs, inputs] : inputs,
      options,
      data,
      types,
      shapes,
      optional: rest.optional ?? null,
      outputs: rest.outputs ?? 1,
    },
  ]),
);

/** The schema's number → operator. */
export const NAMES: ReadonlyMap<number, string> = new Map([...RULES].map(([name, rule]) => [rule.code, name]));

// What a kernel does with a number costs about as much as so many multiplications of these.
const MULTIPLIERS: ReadonlySet<string> = new Set(["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "BATCH_MATMUL"]);
const PER_NUMBER = 30;
// These move numbers without looking at them, so that steps need no scale.
const MOVERS: ReadonlySet<string> = new Set([
  ...["RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "GATHER", "REVERSE_V2", "TILE"],
  ...["BROADCAST_TO", "UNPACK", "SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"],
  ...["PAD", "PADV2", "MIRROR_PAD", "PACK", "RESIZE_NEAREST_NEIGHBOR"],
]);

/**
 * Hold that an operator's types, options and shapes are those that its kernel takes and gives.
 *
 * @throws ContractError - They are not; the message says which.
 */
export function checkOperator(operator: Operator, rule: Rule): void {
  if (rule.data > 0) {
    const given = operator.inputs.slice(0, rule.data).map((_, number) => operator.input(number));
    const [tensors, kind] = [[...given, ...operator.outputs], operator.x.type];
    if (MOVERS.has(operator.name)) {
      operator.need(rule.types.has(kind) && tensors.every((one) => one.type === kind), "one type that it knows");
    } else {
      operator.sameType(rule.types, ...tensors);
    }
  }
  const expected = rule.shapes(operator);
  if (!MULTIPLIERS.has(operator.name)) operator.work *= PER_NUMBER;
  operator.outputs.forEach((one, at) => {
    const made = expected[at];
    // Old converters write no shape where they did not work it out, later ones 1 for an open length; the kernel works
    // them out.
    if (made !== undefined && (one.shape.length === 0 || isOpen(one.signature, made))) one.resize(made);
  });
  const isAsExpected = operator.outputs.every((one, at) => isSame(one.shape, expected[at] ?? [Number.NaN]));
  operator.need(
    expected.length === operator.outputs.length && isAsExpected,
    `results of ${expected.map((made) => `[${made.join(", ")}]`).join(", ")}`,
  );
  for (const one of operator.outputs) {
    // Values that are not as many as the elements are none.
    if (one.values !== null && one.values.length !== one.elements) one.values = null;
  }
}
