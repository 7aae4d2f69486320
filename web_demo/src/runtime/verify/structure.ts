/**
 * A flatbuffer's tables, strings and vectors, read with every offset, length and alignment checked.
 *
 * What a table of the schema does not name is refused, not skipped: a newer engine would read it unchecked.
 */

import { ContractError } from "../errors.ts";
import { type Field, OPTIONS, TABLES } from "./tables.ts";

/** What stands at bytes 4 to 8 of a TFLite file. */
export const IDENTIFIER = "TFL3";
const MAX_TABLES = 200_000;
// Numbers in vectors other than buffers. One vector may be named many times, and each time is work.
const MAX_NUMBERS = 8_000_000;
const MAX_DEPTH = 8;
// Numbers of 8 bytes lie at odd multiples of 4 in files of old writers; every processor reads them there.
const ALIGNED = 4;

/** Numbers of a vector; those of 64 bits as doubles, which is enough to hold them to any limit. */
export type Numbers = Int8Array | Uint8Array | Int32Array | Uint32Array | Float32Array | Float64Array;

type Value = number | string | boolean | Numbers | Table | readonly Table[] | null;

interface Form {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
  readonly make: (length: number) => Numbers;
}

const U8: Form = { bytes: 1, read: (view, at) => view.getUint8(at), make: (length) => new Uint8Array(length) };
const U16: Form = { bytes: 2, read: (view, at) => view.getUint16(at, true), make: (length) => new Uint32Array(length) };
const I32: Form = { bytes: 4, read: (view, at) => view.getInt32(at, true), make: (length) => new Int32Array(length) };
const U32: Form = { bytes: 4, read: (view, at) => view.getUint32(at, true), make: (length) => new Uint32Array(length) };
const FORMS: ReadonlyMap<string, Form> = new Map([
  ["bool", U8],
  ["u8", U8],
  ["i8", { ...U8, read: (view: DataView, at: number) => view.getInt8(at), make: (length: number) => new Int8Array(length) }],
  ["u16", U16],
  ["i16", { ...I32, bytes: 2, read: (view: DataView, at: number) => view.getInt16(at, true) }],
  ["u32", U32],
  ["i32", I32],
  ["f32", { bytes: 4, read: (view, at) => view.getFloat32(at, true), make: (length) => new Float32Array(length) }],
  ["u64", { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)), make: (length) => new Float64Array(length) }],
  ["i64", { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)), make: (length) => new Float64Array(length) }],
]);

/** One table that was read: its fields by the schema's names, absent ones with the schema's default. */
export class Table {
  private readonly values: ReadonlyMap<string, Value>;

  /** @param name - The schema's name of the table; empty for options of a kind that is not known. */
  constructor(
    readonly name: string,
    values: ReadonlyMap<string, Value>,
  ) {
    this.values = values;
  }

  /** A number, or a flag as 0 or 1. */
  number(field: string): number {
    const value = this.values.get(field);
    return typeof value === "number" ? value : 0;
  }

  /** A text, empty where it is absent. */
  text(field: string): string {
    const value = this.values.get(field);
    return typeof value === "string" ? value : "";
  }

  /** Whether a field of any kind is there, and is neither 0 nor empty. */
  has(field: string): boolean {
    const value = this.values.get(field) ?? 0;
    return Array.isArray(value) || ArrayBuffer.isView(value) ? value.length > 0 : Boolean(value);
  }

  /** A vector of numbers, empty where it is absent. */
  numbers(field: string): Numbers {
    const value = this.values.get(field);
    return ArrayBuffer.isView(value) ? value : new Int32Array(0);
  }

  /** Bytes inside the file, or null. */
  bytes(field: string): Uint8Array | null {
    const value = this.values.get(field);
    return value instanceof Uint8Array ? value : null;
  }

  /** A table, or null. */
  table(field: string): Table | null {
    const value = this.values.get(field);
    return value instanceof Table ? value : null;
  }

  /** A vector of tables, empty where it is absent. */
  tables(field: string): readonly Table[] {
    const value = this.values.get(field);
    return Array.isArray(value) ? (value as readonly Table[]) : [];
  }
}

interface Layout {
  readonly size: number;
  readonly fields: readonly (Field & { readonly offset: number })[];
}

/**
 * Read the table Model of a TFLite flatbuffer.
 *
 * @throws ContractError - Something lies outside the file, is not aligned, is no UTF-8, or is unknown.
 */
export function readStructure(content: Uint8Array): Table {
  const found = String.fromCharCode(...content.subarray(4, 8));
  if (content.length < 8 || found !== IDENTIFIER) {
    throw new ContractError(`a model must be a TFLite flatbuffer (${IDENTIFIER}), got ${JSON.stringify(found)}`);
  }
  return new Reader(content).root();
}

class Reader {
  private readonly view: DataView;
  private readonly end: number;
  private readonly utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  private tables = MAX_TABLES;
  private numbers = MAX_NUMBERS;
  // Converters let tables share the lists of where their fields are.
  private readonly layouts = new Map<string, Layout>();

  constructor(private readonly content: Uint8Array) {
    this.view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    this.end = content.length;
  }

  root(): Table {
    return this.table(this.target(0, "the file"), "Model", 0);
  }

  private fail(where: string, what: string, at: number): ContractError {
    return new ContractError(`a model must be a whole TFLite flatbuffer: ${where} ${what}, at byte ${at} of ${this.end}`);
  }

  /** A number of two or four bytes. */
  private number(form: Form, at: number, where: string): number {
    if (!(at >= 0 && at <= this.end - form.bytes) || at % form.bytes !== 0) {
      throw this.fail(where, "is outside the file or not aligned", at);
    }
    return form.read(this.view, at);
  }

  /** Where an offset leads to. */
  private target(at: number, where: string): number {
    const offset = this.number(U32, at, where);
    if (!(offset >= 4 && offset <= this.end - at - 4)) throw this.fail(where, "leads out of the file", at);
    return at + offset;
  }

  private table(at: number, name: string, depth: number): Table {
    this.tables -= 1;
    if (this.tables < 0 || depth > MAX_DEPTH) {
      throw this.fail(name, `must be one of at most ${MAX_TABLES} tables, ${MAX_DEPTH} deep`, at);
    }
    const { size, fields } = this.layout(at, name);
    if (at + size > this.end) throw this.fail(name, "is longer than the file", at);
    const found = new Map<string, Value>();
    for (const field of fieldsOf(name)) if (FORMS.has(field.kind)) found.set(field.name, field.standard);
    for (const field of fields) {
      const [form, place] = [FORMS.get(field.kind), at + field.offset];
      const where = `${name}.${field.name}`;
      if (form === undefined) {
        found.set(field.name, this.refer(found, where, field.kind, place, depth));
      } else if (place % Math.min(form.bytes, ALIGNED) !== 0) {
        throw this.fail(where, "is not aligned", place);
      } else {
        found.set(field.name, form.read(this.view, place));
      }
    }
    return new Table(name, found);
  }

  /** The length of a table, and its fields that are there with their kinds and offsets. */
  private layout(at: number, name: string): Layout {
    const start = at - this.number(I32, at, name);
    const key = `${start} ${name}`;
    const kept = this.layouts.get(key);
    if (kept !== undefined) return kept;
    const [length, size] = [this.number(U16, start, name), this.number(U16, start + 2, name)];
    if (length < 4 || length % 2 !== 0 || start + length > this.end || size < 4) {
      throw this.fail(name, "has no list of fields", start);
    }
    const known = fieldsOf(name);
    const fields: (Field & { offset: number })[] = [];
    for (let number = 0; number < length / 2 - 2; number += 1) {
      const place = start + 4 + 2 * number;
      const offset = U16.read(this.view, place);
      if (offset === 0) continue;
      const field = known[number];
      if (field === undefined) {
        throw new ContractError(
          `a model's ${name} has a field ${number} that this version of edgekit does not know; update edgekit, or ` +
            "convert the model with an older converter",
        );
      }
      if (field.kind === "-") continue;
      if (offset < 4 || offset + (FORMS.get(field.kind)?.bytes ?? 4) > size) {
        throw this.fail(`${name}.${field.name}`, "is outside its table", place);
      }
      fields.push({ ...field, offset });
    }
    const layout = { size, fields };
    this.layouts.set(key, layout);
    return layout;
  }

  /** What a field leads to. */
  private refer(owner: ReadonlyMap<string, Value>, where: string, kind: string, place: number, depth: number): Value {
    const at = this.target(place, where);
    if (kind === "any") return true;
    if (kind === "options") {
      // The type of a union is the field in front of it.
      const name = OPTIONS.get(Number(owner.get("builtin_options_type") ?? 0));
      return name === undefined ? new Table("", new Map()) : this.table(at, name, depth + 1);
    }
    if (kind === "string") return this.string(at, where);
    if (kind === "bytes") return this.content.subarray(at + 4, at + 4 + this.length(at, 1, where));
    if (!kind.startsWith("[")) return this.table(at, kind, depth + 1);
    const element = kind.slice(1, -1);
    const form = FORMS.get(element);
    if (form !== undefined) return this.vector(at, form, where);
    const length = this.length(at, 4, where);
    if (element === "any") return length > 0;
    if (length > this.tables) throw this.fail(where, `has ${length} elements, which are too many`, at);
    return Array.from({ length }, (_, number) =>
      this.table(this.target(at + 4 + 4 * number, where), element, depth + 1),
    );
  }

  private length(at: number, size: number, where: string): number {
    const length = this.number(U32, at, where);
    if (length * size > this.end - at - 4) {
      throw this.fail(where, `has ${length} elements, which the file does not hold`, at);
    }
    if (length > 0 && (at + 4) % Math.min(size, ALIGNED) !== 0) throw this.fail(where, "is not aligned", at);
    return length;
  }

  private vector(at: number, form: Form, where: string): Numbers {
    const length = this.length(at, form.bytes, where);
    this.numbers -= length;
    if (this.numbers < 0) throw this.fail(where, `brings the numbers to more than ${MAX_NUMBERS}`, at);
    const made = form.make(length);
    for (let number = 0; number < length; number += 1) made[number] = form.read(this.view, at + 4 + number * form.bytes);
    return made;
  }

  private string(at: number, where: string): string {
    const length = this.length(at, 1, where);
    this.numbers -= length;
    const [begin, end] = [at + 4, at + 4 + length];
    if (this.numbers < 0 || end >= this.end || this.content[end] !== 0) {
      throw this.fail(where, "is no text with a zero behind it, or too long", at);
    }
    try {
      return this.utf8.decode(this.content.subarray(begin, end));
    } catch (failure) {
      throw this.fail(where, `is no UTF-8 (${String(failure)})`, at);
    }
  }
}

function fieldsOf(name: string): readonly Field[] {
  const fields = TABLES.get(name);
  if (fields === undefined) throw new Error(`the schema names a table ${name} that it does not have`);
  return fields;
}
