// Finishes a built page: page.json, which names the photos of the bench (and later the model), and in front of sw.js the
// list of files that are kept for offline use, each with its SHA-256. `edgekit web` writes both anew with a model inside.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

const sha256 = (content, encoding) => createHash("sha256").update(content).digest(encoding);
/** What a page needs no copy of: maps are for developers, licences are read online. */
const isKept = (name) => !/\.map$|\.LEGAL\.txt$|^sw\.js$|^bench\/manifest\.csv$/.test(name);

async function filesBelow(folder) {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found
    .filter((one) => one.isFile())
    .map((one) => path.relative(folder, path.join(one.parentPath ?? one.path, one.name)));
  return files.map((name) => name.split(path.sep).join("/")).sort();
}

async function pageJson(app) {
  const [head, ...rows] = (await readFile(path.join(app, "bench", "manifest.csv"), "utf8")).trim().split("\n");
  if (head !== "path,label,group")
    throw new Error(`bench/manifest.csv must have the columns path,label,group, got ${head}`);
  const photos = await Promise.all(
    rows.map(async (row) => {
      const [name, label, group] = row.split(",");
      return {
        file: `bench/${name}`,
        sha256: sha256(await readFile(path.join(app, "bench", name)), "hex"),
        label,
        group,
      };
    }),
  );
  return { schema: 1, model: null, photos };
}

/** @param app Folder of the built page, with sw.js in it. */
export async function finishPage(app) {
  await writeFile(path.join(app, "page.json"), `${JSON.stringify(await pageJson(app), null, 2)}\n`);
  const names = (await filesBelow(app)).filter(isKept);
  const hashes = await Promise.all(
    names.map(async (name) => [name, sha256(await readFile(path.join(app, name)), "base64")]),
  );
  const worker = path.join(app, "sw.js");
  await writeFile(
    worker,
    `self.EDGEKIT_FILES = ${JSON.stringify(Object.fromEntries(hashes))};\n${await readFile(worker, "utf8")}`,
  );
}
