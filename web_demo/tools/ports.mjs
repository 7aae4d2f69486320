// The browser's answers to jobs of benchmarks/ports.py, which says what they are: `node ports.mjs JOBS ANSWERS`.
//
// Builds what has changed and runs test/runtime/ports.main.ts. Exit code 3 where this machine lacks something.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HOME = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

function run(...words) {
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: HOME, encoding: "utf8" });
  if (status === 0) return;
  process.stderr.write(stderr ?? "");
  process.exit(status ?? 1);
}

if (!existsSync(path.join(HOME, "node_modules"))) {
  process.stderr.write("skipped: the packages are not installed: npm ci in web_demo\n");
  process.exit(3);
}
run("build.mjs");
run("build.mjs", "test");
run(path.join("dist", "test", "runtime", "ports.main.mjs"), ...process.argv.slice(2).map((one) => path.resolve(one)));
