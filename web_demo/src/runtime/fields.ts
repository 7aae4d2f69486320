/** Strict reading of JSON: exactly the keys that are known, and values of exactly their types. */

import { ContractError } from "./errors.ts";
import { type Json, type JsonObject, describeJson, truncated } from "./json.ts";

const [LEAST_INT, MOST_INT] = [-(2n ** 63n), 2n ** 64n - 1n];

/** What a value of JSON becomes; `where` names it in messages. */
export type Convert<T> = (item: Json, where: string) => T;

interface Field<Name, T> {
  readonly name: Name;
  readonly convert: Convert<T>;
  readonly isRequired: boolean;
}

type Fields<T> = Readonly<Record<string, { [Name in keyof T]-?: Field<Name, Exclude<T[Name], undefined>> }[keyof T]>>;

/** A key that must be there. */
export function required<const Name extends string, T>(name: Name, convert: Convert<T>): Field<Name, T> {
  return { name, convert, isRequired: true };
}

/** A key that may be left out. */
export function optional<const Name extends string, T>(name: Name, convert: Convert<T>): Field<Name, T> {
  return { name, convert, isRequired: false };
}

/** An object with exactly the keys that are known, by the names that this runtime has for them. */
export function readObject<T extends object>(raw: Json, where: string, fields: Fields<T>): T {
  const found = object(raw, where);
  const known = Object.keys(fields).sort();
  const unknown = [...found.keys()].filter((key) => !Object.hasOwn(fields, key)).sort();
  const missing = known.filter((key) => fields[key]?.isRequired === true && !found.has(key));
  if (unknown.length > 0 || missing.length > 0) {
    throw new ContractError(
      `${where} must have the keys ${known.join(", ")}: unknown ${truncated(JSON.stringify(unknown), 200)}, missing ` +
        JSON.stringify(missing),
    );
  }
  const values: Partial<Record<keyof T, unknown>> = {};
  for (const [key, item] of found) {
    const field = fields[key];
    if (field !== undefined) values[field.name] = field.convert(item, `${where}: ${key}`);
  }
  return values as T;
}

function refused(where: string, kind: string, item: Json): ContractError {
  return new ContractError(`${where} must be ${kind}, got ${describeJson(item)}`);
}

export function string(item: Json, where: string): string {
  if (typeof item !== "string") throw refused(where, "a string", item);
  return item;
}

/** A whole number, written without point and exponent, of 64 bits at most. */
export function integer(item: Json, where: string): number {
  if (typeof item !== "bigint") throw refused(where, "a whole number", item);
  if (item < LEAST_INT || item > MOST_INT) throw refused(where, "an integer of 64 bits", item);
  return Number(item);
}

/** A finite number. */
export function float(item: Json, where: string): number {
  // A whole number of more than 1024 bits turns into infinity here.
  const value = typeof item === "bigint" ? Number(item) : item;
  if (typeof value !== "number" || !Number.isFinite(value)) throw refused(where, "a finite number", item);
  return value;
}

export function object(item: Json, where: string): JsonObject {
  if (!(item instanceof Map)) throw refused(where, "an object", item);
  return item as JsonObject;
}

/** A list of two numbers. */
export function pair(item: Json, where: string): readonly [number, number] {
  const [low, high] = listOf(float)(item, where);
  if (!Array.isArray(item) || item.length !== 2 || low === undefined || high === undefined) {
    throw refused(where, "two numbers", item);
  }
  return [low, high];
}

export function listOf<T>(convert: Convert<T>): Convert<readonly T[]> {
  return (item, where) => {
    if (!Array.isArray(item)) throw refused(where, "a list", item);
    return item.map((one: Json, number) => convert(one, `${where}[${number}]`));
  };
}

export function orNull<T>(convert: Convert<T>): Convert<T | null> {
  return (item, where) => (item === null ? null : convert(item, where));
}

export function oneOf<T extends string>(choices: readonly T[]): Convert<T> {
  return (item, where) => {
    const found = choices.find((choice) => choice === item);
    if (found === undefined) throw refused(where, `one of ${choices.join(", ")}`, item);
    return found;
  };
}
