// Builds what is served, into dist/app, or with `node build.mjs test` the tests, into dist/test.
//
// dist/app: everything of public/, the page (src/page/*.ts, one script each: main.js, sw.js, scorer.js), worker.js, which runs
// LiteRT.js, and LiteRT.js's own wasm files with the notices of their licences.

import { build } from "esbuild";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { finishPage } from "./tools/page_files.mjs";

const HOME = path.dirname(fileURLToPath(import.meta.url));
const APP = path.join(HOME, "dist", "app");
const TEST = path.join(HOME, "dist", "test");
// The plain variant needs relaxed SIMD; the other one is for browsers without. A browser fetches one of them. Threads
// would need headers that most servers don't send (COOP, COEP): a worker a crop does as much.
const WASM = ["litert_wasm_internal", "litert_wasm_compat_internal"].flatMap((name) => [`${name}.js`, `${name}.wasm`]);

const COMMON = { bundle: true, sourcemap: true, target: "es2022", logLevel: "warning", absWorkingDir: HOME };

/** Scripts of the page: those in src/page that stand for themselves. */
function pageScripts() {
  return ["main.ts", "sw.ts", "scorer.ts"].map((name) => path.join(HOME, "src", "page", name)).filter((file) => existsSync(file));
}

async function buildApp() {
  await rm(APP, { recursive: true, force: true });
  await mkdir(path.join(APP, "wasm"), { recursive: true });
  const files = path.join(HOME, "public");
  if (existsSync(files)) await cp(files, APP, { recursive: true });
  // LiteRT.js loads its script by importScripts, which only classic workers have.
  const classic = [path.join(HOME, "src", "runtime", "worker.ts"), ...pageScripts()].filter((file) => existsSync(file));
  await build({ ...COMMON, entryPoints: classic, outdir: APP, entryNames: "[name]", format: "iife", minify: true, legalComments: "linked" });
  const litert = path.join(HOME, "node_modules", "@litertjs", "core");
  for (const name of WASM) await cp(path.join(litert, "wasm", name), path.join(APP, "wasm", name));
  await finishPage(APP);
}

/** Each test file becomes a module of its own; what it imports from node_modules stays there. */
async function buildTests() {
  await rm(TEST, { recursive: true, force: true });
  const found = await readdir(path.join(HOME, "test"), { recursive: true });
  const entryPoints = found.filter((name) => /\.(test|main)\.ts$/.test(name)).map((name) => path.join(HOME, "test", name));
  await build({
    ...COMMON,
    entryPoints,
    outdir: TEST,
    outbase: path.join(HOME, "test"),
    outExtension: { ".js": ".mjs" },
    format: "esm",
    platform: "node",
    packages: "external",
  });
  // What tests in a browser call there.
  const inPage = path.join(HOME, "test", "runtime", "inpage.ts");
  await build({ ...COMMON, entryPoints: [inPage], outfile: path.join(TEST, "inpage.js"), format: "iife" });
}

await (process.argv[2] === "test" ? buildTests() : buildApp());
