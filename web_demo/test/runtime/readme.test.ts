/** The code of the README compiles against the runtime as it is. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import ts from "typescript";

import { ROOT } from "./vectors.ts";

const HOME = path.join(ROOT, "web_demo");

test("the ten lines of the README compile", () => {
  const code = /```ts\n([\s\S]*?)```/.exec(readFileSync(path.join(HOME, "README.md"), "utf8"))?.[1];
  assert.ok(code !== undefined, "README.md must have code");
  const file = path.join(HOME, "dist", "test", "readme", "readme.ts");
  mkdirSync(path.dirname(file), { recursive: true });
  // What the reader has at hand.
  writeFileSync(file, `declare const file: File;\n${code.replace('"./src/', '"../../../src/')}`);
  const { config } = ts.readConfigFile(path.join(HOME, "tsconfig.json"), ts.sys.readFile) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, HOME);
  const program = ts.createProgram([file], options);
  const mistakes = ts.getPreEmitDiagnostics(program).map((one) => ts.flattenDiagnosticMessageText(one.messageText, "\n"));
  assert.deepEqual(mistakes, []);
});
