/** LiteRT.js itself: once a page or a worker, on the processor, and quiet. */

import { Environment, loadLiteRt, supportsFeature } from "@litertjs/core";

/** Name and version of the engine; a test holds it to the package's. */
export const ENGINE = "litert.js-2.5.3";

const PLAIN_SCRIPT = "litert_wasm_internal.js";
const COMPAT_SCRIPT = "litert_wasm_compat_internal.js";
const MAX_SAID = 3;

/** What Emscripten's scripts take from the global scope. */
interface EmscriptenOptions {
  readonly locateFile: (name: string) => string;
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
}

const said: string[] = [];
let loading: Promise<string> | null = null;

// It would ask for the device's fast graphics processor, which is not used: its arithmetic is another one.
const create = Environment.create.bind(Environment);
Environment.create = (options = {}) => create({ webGpuDevice: null, ...options });

/**
 * Load the engine, where that has not been done yet.
 *
 * @param wasmUrl - The folder of LiteRT.js's wasm files, ending in a slash, or the script of one of its variants.
 * @returns Name, version and variant, such as `litert.js-2.5.3 wasm relaxed-simd`.
 */
export function loadEngine(wasmUrl: string): Promise<string> {
  loading ??= load(wasmUrl).catch((failure: unknown) => {
    // The next call may find a network again.
    loading = null;
    throw failure;
  });
  return loading;
}

async function load(wasmUrl: string): Promise<string> {
  const url = new URL(wasmUrl, globalThis.document?.baseURI ?? location.href);
  // Relaxed SIMD is younger than the rest: some browsers lack it. Where it is, scores have been equal to the bit.
  const script = url.pathname.endsWith(".js")
    ? url
    : new URL((await supportsFeature("relaxedSimd")) ? PLAIN_SCRIPT : COMPAT_SCRIPT, url);
  const options: EmscriptenOptions = {
    // Else a worker looks for it beside its own script.
    locateFile: (name) => new URL(name, script).href,
    print: () => undefined,
    printErr: note,
  };
  Object.assign(globalThis, { Module: options });
  await loadLiteRt(script.href);
  return `${ENGINE} wasm ${script.pathname.endsWith(COMPAT_SCRIPT) ? "simd" : "relaxed-simd"}`;
}

/** Of what the engine writes, which is a line for each thing it does, errors are kept. */
function note(line: string): void {
  if (!line.startsWith("ERROR")) return;
  said.push(line);
  if (said.length > MAX_SAID) said.shift();
}

/** The last errors that the engine wrote, for a message; then they are forgotten. */
export function whatEngineSaid(): string {
  const lines = said.splice(0);
  return lines.length > 0 ? ` (${lines.join(" ")})` : "";
}
