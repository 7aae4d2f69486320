/** Tests are bundled elsewhere before they run: the project's folder is where they are started. */
import { existsSync } from "node:fs";
import path from "node:path";

function find(folder: string): string {
  if (existsSync(path.join(folder, "build.mjs"))) return folder;
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error("tests must be started inside web_demo");
  return find(parent);
}

export const HOME = find(process.cwd());
