/** Whether a model may be given to an engine: forged flatbuffers crash it, take its memory, or never end. */

import type { Contract } from "../contract.ts";
import { ContractError } from "../errors.ts";
import { NAMES, Operator, RULES, checkOperator } from "./operators.ts";
import { type Numbers, type Table, readStructure } from "./structure.ts";
import { type Lengths, MAX_BYTES, MAX_TENSORS, Tensor, type TensorType, isSame, refuse } from "./tensors.ts";

const SCHEMA_VERSION = 3;
const MAX_OPERATORS = 10_000;
// Inputs and outputs of all operators.
const MAX_OPERANDS = 100_000;
// Several times the largest classifiers that phones run; minutes on a small board.
const MAX_WORK = 100_000_000_000;
const CUSTOM = 32;

/** A tensor that goes into a model or comes out of it. */
export interface Interface {
  readonly type: TensorType;
  /** As stored. */
  readonly shape: Lengths;
  /** The same, with -1 for dimensions that were left open. */
  readonly signature: Lengths;
}

/** What goes into a checked model and comes out, and the most bytes that it takes at a time beside its file. */
export interface CheckedModel {
  readonly inputs: readonly Interface[];
  readonly outputs: readonly Interface[];
  readonly memoryBytes: number;
}

/**
 * Check a flatbuffer that edgekit runs: `checkModel`, and static uint8 [1, S, S, 3] in, float32 [1, n] out; where the
 * contract has heads, float32 [1, heads - 1, n] as a second output.
 *
 * @param content - The flatbuffer.
 * @param contract - What says the input's side, the outputs and the heads.
 * @throws ContractError - Another interface, or what `checkModel` refuses.
 */
export function checkClassifier(content: Uint8Array, contract: Contract): CheckedModel {
  const { sidePx, outputs: numbers, headCount } = contract;
  const checked = checkModel(content);
  const [inputs, outputs, wanted] = [checked.inputs.length, checked.outputs.length, headCount > 1 ? 2 : 1];
  if (inputs !== 1) throw new ContractError(`a model must have one input, got ${inputs}; export a single input`);
  if (outputs !== wanted) {
    const whose = wanted > 1 ? `a model with ${headCount} heads must have two outputs` : "a model must have one output";
    throw new ContractError(`${whose}, got ${outputs}; convert it again`);
  }
  holdInterface("input", checked.inputs[0]!, "uint8", [1, sidePx, sidePx, 3]);
  holdInterface("output", checked.outputs[0]!, "float32", [1, numbers]);
  for (const other of checked.outputs.slice(1)) {
    holdInterface("second output", other, "float32", [1, headCount - 1, numbers]);
  }
  return checked;
}

function holdInterface(what: string, first: Interface, type: TensorType, shape: Lengths): void {
  if (first.type !== type || !isSame(first.shape, shape)) {
    throw new ContractError(
      `a model's ${what} must be ${type} [${shape.join(", ")}], got ${first.type} [${first.shape.join(", ")}]; convert it again`,
    );
  }
  if (!isSame(first.signature, shape)) {
    throw new ContractError(
      `a model's ${what} must be static, got [${first.signature.join(", ")}]; convert with a batch of 1`,
    );
  }
}

/**
 * Check that a flatbuffer is whole and can be run safely, before an engine sees it.
 *
 * Of the structure: every offset, length and alignment, and that names are UTF-8. Of the graph: one subgraph, known
 * operators with their own options, each tensor made once and before it is read, data as long as shapes say, scales and
 * zero points in range, shapes that follow from operator to operator, and bounds on memory and work. What is said of
 * weights is nothing: whether a model is good shows on photos.
 *
 * @throws ContractError - The model is none of these; the message says what and where.
 */
export function checkModel(content: Uint8Array): CheckedModel {
  const model = readStructure(content);
  const version = model.number("version");
  if (version !== SCHEMA_VERSION) refuse(`its schema is ${version}, not ${SCHEMA_VERSION}`);
  const graphs = model.tables("subgraphs");
  const [graph] = graphs;
  if (graph === undefined || graphs.length !== 1) {
    throw new ContractError(`a model must have one subgraph, got ${graphs.length}; export a single signature`);
  }
  if (model.has("external_buffers") || model.has("external_buffer_groups")) refuse("its weights lie in other files");
  const [tables, rows] = [graph.tables("tensors"), graph.tables("operators")];
  if (tables.length > MAX_TENSORS || rows.length > MAX_OPERATORS) {
    refuse(`it has ${tables.length} tensors and ${rows.length} operators`);
  }
  const operands = rows.reduce((sum, row) => sum + row.numbers("inputs").length + row.numbers("outputs").length, 0);
  if (operands > MAX_OPERANDS) refuse(`its operators have ${operands} inputs and outputs, at most ${MAX_OPERANDS}`);
  const buffers = buffersOf(model, content);
  const tensors = tables.map((table, index) => new Tensor(index, table, buffers));
  checkNames(model, tensors.length);
  const inputs = interfaceOf(graph.numbers("inputs"), tensors, "inputs");
  const outputs = interfaceOf(graph.numbers("outputs"), tensors, "outputs");
  const memoryBytes = run(model, rows, tensors, inputs, outputs);
  return { inputs: inputs.map(outline), outputs: outputs.map(outline), memoryBytes };
}

function outline({ type, shape, signature }: Tensor): Interface {
  return { type, shape, signature };
}

/** The data of each buffer; null without. */
function buffersOf(model: Table, content: Uint8Array): (Uint8Array | null)[] {
  const found = model.tables("buffers").map((table, number) => {
    const [data, offset, size] = [table.bytes("data"), table.number("offset"), table.number("size")];
    // Converters write 1 for "not yet known".
    if (offset > 1) {
      if (data !== null && data.length > 0) refuse(`buffer ${number} has data in two places`);
      if (offset % 16 !== 0 || offset + size > content.length) {
        refuse(`buffer ${number} has ${size} bytes from ${offset} of ${content.length}`);
      }
      return size > 0 ? content.subarray(offset, offset + size) : null;
    }
    if (size > 1) refuse(`buffer ${number} has ${size} bytes nowhere`);
    return data !== null && data.length > 0 ? data : null;
  });
  if (found[0] !== null) refuse("buffer 0 must be there and empty: it stands for no data");
  return found;
}

/** Hold that metadata and signatures name buffers and tensors that are there. */
function checkNames(model: Table, tensors: number): void {
  const buffers = model.tables("buffers").length;
  const named = [...model.tables("metadata").map((one) => one.number("buffer")), ...model.numbers("metadata_buffer")];
  if (!named.every((one) => one >= 0 && one < buffers)) refuse(`its metadata name a buffer beyond ${buffers}`);
  for (const signature of model.tables("signature_defs")) {
    const maps = [...signature.tables("inputs"), ...signature.tables("outputs")];
    if (signature.number("subgraph_index") !== 0 || !maps.every((one) => one.number("tensor_index") < tensors)) {
      refuse(`a signature names a subgraph or a tensor beyond ${tensors}`);
    }
  }
}

function interfaceOf(indices: Numbers, tensors: readonly Tensor[], what: string): readonly Tensor[] {
  if (!(indices.length >= 1 && indices.length <= MAX_TENSORS) || new Set(indices).size !== indices.length) {
    refuse(`its ${what} are ${indices.length} tensors, some of them twice or none`);
  }
  return [...indices].map((one) => tensors[one] ?? refuse(`its ${what} are beyond its ${tensors.length} tensors`));
}

/** The bytes that operators take beside the file, one after the other. */
class Memory {
  /** The most at a time. */
  most = 0;
  private now = 0;
  private readonly live = new Map<number, number>();
  private readonly lastRead = new Map<number, number>();
  // What follows from constants alone, an engine computes once and keeps.
  private readonly kept: Set<number>;
  // Those whose shapes it learns only when it runs, it never frees.
  private readonly dynamic = new Set<number>();
  // Constants of other types in the file that no operator has read as its weights.
  private readonly widened = new Set<number>();

  constructor(
    rows: readonly Table[],
    tensors: readonly Tensor[],
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
  ) {
    rows.forEach((row, number) => {
      for (const index of row.numbers("inputs")) this.lastRead.set(index, number);
    });
    for (const one of outputs) this.lastRead.set(one.index, rows.length);
    this.kept = new Set(tensors.filter((one) => one.isConstant).map((one) => one.index));
    for (const one of inputs) this.make(one);
    this.most = this.now;
  }

  private make(tensor: Tensor): void {
    this.live.set(tensor.index, tensor.bytes);
    this.now += tensor.bytes;
  }

  /** Make an operator's outputs, and free what nothing reads any more. */
  run(operator: Operator): void {
    const given = operator.inputs.filter((one) => one !== null);
    const made = operator.outputs.map((one) => one.index);
    if (operator.isDynamic || given.some((one) => this.dynamic.has(one.index))) {
      for (const index of made) this.dynamic.add(index);
    }
    if (given.every((one) => this.kept.has(one.index))) {
      for (const index of made) this.kept.add(index);
      if (operator.name === "DEQUANTIZE") for (const index of made) this.widened.add(index);
    }
    for (const one of operator.outputs) this.make(one);
    this.now += operator.lasting;
    if (operator.lasting > 0 && this.widened.delete(operator.input(1).index)) {
      // A delegate widens and packs them at once.
      this.now -= Math.min(operator.input(1).bytes, operator.lasting);
    }
    this.most = Math.max(this.most, this.now + operator.scratch);
    for (const index of [...given.map((one) => one.index), ...made]) {
      const isFreed = (this.lastRead.get(index) ?? operator.number) <= operator.number;
      if (!isFreed || this.kept.has(index) || this.dynamic.has(index)) continue;
      this.now -= this.live.get(index) ?? 0;
      this.live.delete(index);
    }
  }
}

/** Go through the operators in their order; returns the most bytes that they take at a time. */
function run(
  model: Table,
  rows: readonly Table[],
  tensors: readonly Tensor[],
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
): number {
  if (inputs.some((one) => one.isConstant)) refuse("an input is a constant");
  const codes = model.tables("operator_codes").map(operatorName);
  const ready = new Set([...inputs, ...tensors.filter((one) => one.isConstant)].map((one) => one.index));
  const memory = new Memory(rows, tensors, inputs, outputs);
  let work = 0;
  rows.forEach((row, number) => {
    const operator = operatorOf(number, row, codes, tensors);
    const what = `operator ${number} (${operator.name})`;
    const unmade = operator.inputs.find((one) => one !== null && !ready.has(one.index));
    if (unmade) refuse(`${what} reads tensor ${unmade.index}, which nothing has made yet`);
    for (const one of operator.outputs) {
      if (ready.has(one.index)) refuse(`${what} writes a tensor that is there already: ${one.index}`);
      ready.add(one.index);
    }
    checkOperator(operator, RULES.get(operator.name)!);
    memory.run(operator);
    work += operator.work;
    if (memory.most > MAX_BYTES || work > MAX_WORK) {
      refuse(
        `${what} brings it to ${memory.most} bytes and ${work} multiplications, at most ${MAX_BYTES} and ${MAX_WORK}`,
      );
    }
  });
  if (!outputs.every((one) => ready.has(one.index) && !one.isConstant)) refuse("an output is made by no operator");
  return memory.most;
}

function operatorName(table: Table, number: number): string {
  // Old converters fill only the deprecated 8-bit field.
  const code = Math.max(table.number("builtin_code"), table.number("deprecated_builtin_code"));
  const name = NAMES.get(code);
  if (name === undefined) {
    const custom = JSON.stringify(table.text("custom_code").slice(0, 100));
    const which = code === CUSTOM ? `the custom operator ${custom}` : `number ${code} of the schema`;
    throw new ContractError(
      `a model must have operators that edgekit runs, got ${which}; convert it without (edgekit runs ` +
        `${[...RULES.keys()].sort().join(", ")})`,
    );
  }
  // Which versions it knows, an engine tells by itself.
  if (table.number("version") < 1) refuse(`operator code ${number} has the version ${table.number("version")}`);
  return name;
}

/** A row of the list of operators, with its tensors and options. */
function operatorOf(number: number, row: Table, codes: readonly string[], tensors: readonly Tensor[]): Operator {
  const name = codes[row.number("opcode_index")];
  const rule = name === undefined ? undefined : RULES.get(name);
  if (name === undefined || rule === undefined) {
    refuse(`operator ${number} has the code ${row.number("opcode_index")} of ${codes.length}`);
  }
  const what = `operator ${number} (${name})`;
  const [inputs, outputs] = [[...row.numbers("inputs")], [...row.numbers("outputs")]];
  const [fewest, most] = rule.inputs;
  if (!(inputs.length >= fewest && inputs.length <= most && outputs.length >= 1 && outputs.length <= rule.outputs)) {
    refuse(`${what} has ${inputs.length} inputs and ${outputs.length} outputs`);
  }
  if (
    ["custom_options", "intermediates", "builtin_options_2", "large_custom_options_size"].some((one) => row.has(one))
  ) {
    refuse(`${what} has options or tensors of its own that it does not need`);
  }
  if (row.numbers("mutating_variable_inputs").some((one) => one !== 0)) refuse(`${what} changes its inputs`);
  const given = inputs.map((index, at) => (index === -1 && at === rule.optional ? null : tensors[index]));
  const made = outputs.map((index) => tensors[index]);
  if (given.includes(undefined) || made.includes(undefined)) {
    refuse(
      `${what} has the tensors ${inputs.join(", ").slice(0, 100)} and ${outputs.join(", ").slice(0, 100)} of ${tensors.length}`,
    );
  }
  const options = row.table("builtin_options");
  const type = row.number("builtin_options_type");
  if (type !== 0 && (options === null || options.name !== rule.options)) {
    refuse(`${what} has the options of another (${type})`);
  }
  return new Operator(
    number,
    name,
    given.filter((one) => one !== undefined),
    made.filter((one) => one !== undefined),
    options,
  );
}
