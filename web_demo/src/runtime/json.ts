/**
 * JSON as Python's `json.loads` reads it, so that a contract which one port refuses is refused by all.
 *
 * `JSON.parse` differs where it matters: it turns `1` and `1.0` into the same number, where a contract asks for a whole
 * one, and has no bounds on depth and digits.
 */

/** A JSON value: whole numbers are bigint, those with a fraction or an exponent number; one beyond doubles is infinite. */
export type Json = null | boolean | bigint | number | string | readonly Json[] | JsonObject;

/** A JSON object; of a key that comes twice the last value counts, as in every reader of JSON that people know. */
export type JsonObject = ReadonlyMap<string, Json>;

/** A text is not JSON; the message says where. */
export class JsonError extends Error {}

// Python's own limits: on nesting by its stack, on digits by what turning them into a number costs.
const MAX_NESTING = 900;
const MAX_DIGITS = 4300;

const BLANK = /[ \t\n\r]*/y;
const NUMBER = /(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const HEX = /[0-9A-Fa-f]{4}/y;
const WORDS: readonly (readonly [string, Json])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
];
const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }),
);

/**
 * Read one JSON value.
 *
 * @param text - Without a byte order mark.
 * @throws JsonError - It is not JSON, is nested too deep, or goes on behind its value.
 */
export function readJson(text: string): Json {
  if (text.startsWith("\ufeff")) throw new JsonError("a byte order mark stands in front of it");
  return new Reader(text).whole();
}

/** What a value is, in the words of messages. */
export function describeJson(value: Json): string {
  return truncated(spell(value), 80);
}

/** A text, cut where it is longer than a message should have. */
export function truncated(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

function spell(value: Json): string {
  if (typeof value === "string") return JSON.stringify(value);
  // A whole number among the others keeps its point: that is what a message is often about.
  if (typeof value === "number") return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
  if (Array.isArray(value)) return `[${value.slice(0, 80).map(spell).join(", ")}]`;
  if (value instanceof Map) {
    return `{${[...value].slice(0, 80).map(([key, one]) => `${JSON.stringify(key)}: ${spell(one as Json)}`).join(", ")}}`;
  }
  return String(value);
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  whole(): Json {
    this.blank();
    const value = this.value(0);
    this.blank();
    if (this.at < this.text.length) throw this.fail("it goes on behind its value");
    return value;
  }

  private value(depth: number): Json {
    if (depth > MAX_NESTING) throw this.fail(`it is nested more than ${MAX_NESTING} deep`);
    const first = this.text[this.at];
    if (first === "{") return this.object(depth);
    if (first === "[") return this.array(depth);
    if (first === '"') return this.string();
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  private object(depth: number): JsonObject {
    const found = new Map<string, Json>();
    this.open();
    if (this.close("}")) return found;
    do {
      this.blank();
      if (this.text[this.at] !== '"') throw this.fail("a key in double quotes must come");
      const key = this.string();
      this.blank();
      this.take(":");
      this.blank();
      found.set(key, this.value(depth + 1));
      this.blank();
    } while (this.goesOn("}"));
    return found;
  }

  private array(depth: number): Json[] {
    const found: Json[] = [];
    this.open();
    if (this.close("]")) return found;
    do {
      this.blank();
      found.push(this.value(depth + 1));
      this.blank();
    } while (this.goesOn("]"));
    return found;
  }

  private string(): string {
    const parts: string[] = [];
    this.at += 1;
    for (;;) {
      parts.push(this.match(PLAIN)?.[0] ?? "");
      const next = this.text[this.at];
      this.at += 1;
      if (next === '"') return parts.join("");
      if (next !== "\\") throw this.fail("a string must end, and hold no control characters");
      const code = this.text[this.at] ?? "";
      this.at += 1;
      const plain = ESCAPES.get(code);
      const hex = code === "u" ? this.match(HEX) : null;
      if (plain === undefined && hex === null) throw this.fail(`\\${code} is no escape`);
      // Two halves of a pair that follow each other are one character by themselves.
      parts.push(plain ?? String.fromCharCode(Number.parseInt(hex?.[0] ?? "", 16)));
    }
  }

  private number(): Json {
    const found = this.match(NUMBER);
    if (found === null) throw this.fail("a value must come");
    const [text, whole = "", fraction, exponent] = found;
    if (fraction !== undefined || exponent !== undefined) return Number(text);
    if (whole.replace("-", "").length > MAX_DIGITS) throw this.fail(`a number must have at most ${MAX_DIGITS} digits`);
    return BigInt(whole);
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at = pattern.lastIndex;
    return found;
  }

  private blank(): void {
    this.match(BLANK);
  }

  private open(): void {
    this.at += 1;
    this.blank();
  }

  private close(end: string): boolean {
    if (this.text[this.at] !== end) return false;
    this.at += 1;
    return true;
  }

  private goesOn(end: string): boolean {
    if (this.close(end)) return false;
    this.take(",");
    return true;
  }

  private take(expected: string): void {
    if (!this.close(expected)) throw this.fail(`a ${expected} must come`);
  }

  private fail(what: string): JsonError {
    return new JsonError(`${what}, at character ${this.at} of ${this.text.length}`);
  }
}
