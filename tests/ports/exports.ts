// Writes exports with the page's own code, for Python to read: what is faked is the model, the clock and the camera.
//
// node exports.mjs ABOUT.json OUT, where ABOUT has the contract's JSON, the model's SHA-256 and photos to be exported.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { knowing, newWorld, verdictOf } from "../../web_demo/test/page/world.ts";
import { BenchDesk } from "../../web_demo/src/page/bench_desk.ts";
import { exportCaptures, type Stored } from "../../web_demo/src/page/exports.ts";
import { newId, recordOf } from "../../web_demo/src/page/record.ts";
import { Contract } from "../../web_demo/src/runtime/index.ts";

interface About {
  readonly contract: string;
  /** Of a model that tells what is unknown by an output of its own. */
  readonly knowing: string;
  readonly sha256: string;
  readonly photos: readonly { readonly file: string; readonly label: string; readonly attack: number }[];
}

const [aboutFile, out] = process.argv.slice(2) as [string, string];
const about = JSON.parse(readFileSync(aboutFile, "utf8")) as About;
const contract = Contract.fromJson(about.contract);
const model = { contract, sha256: about.sha256, bytes: 1, engine: "litert.js 2.5.3, not told", threads: 1, file: null, isPicked: false };
const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
const contents = about.photos.map(({ file }) => readFileSync(file));
const world = newWorld();

const stored = about.photos.map(({ label, attack }, number): Stored => {
  const taken = new Date(Date.UTC(2026, 10, 30, 7, 13, 55, 100 + number));
  const judged = { verdict: verdictOf(attack), rotation: 90, thumbnail: new Blob(), format: "jpg" } as const;
  const capture = { judged, taken, source: "shutter", kept: "as-is" } as const;
  const record = recordOf(capture, newId(taken, Uint8Array.of(1, 2, 3, number)), model, world.origin);
  // The last one is a photo of which nobody said anything.
  return { record: { ...record, truth: number + 1 < about.photos.length ? label : null }, lens: number === 0 ? "front" : "back" };
});
const byId = new Map(stored.map(({ record }, number) => [record.id, new Blob([contents[number]!])]));
const { zip } = await exportCaptures(stored, async (id) => byId.get(id)!, world.origin, world.now(), () => undefined);
writeFileSync(`${out}/captures.zip`, new Uint8Array(await zip.arrayBuffer()));

// A photo that is unknown, and one that is not.
const taken = new Date(Date.UTC(2026, 10, 30, 7, 13, 55, 100));
const told = [0.8, 0.1].map((unknown, number): Stored => {
  const judged = { verdict: knowing(unknown), rotation: 90, thumbnail: new Blob(), format: "jpg" } as const;
  const capture = { judged, taken, source: "shutter", kept: "as-is" } as const;
  const of = { ...model, contract: Contract.fromJson(about.knowing) };
  return { record: { ...recordOf(capture, `told-${number}`, of, world.origin), truth: "apple" }, lens: "back" };
});
const content = new Blob([contents[0]!]);
const unknown = await exportCaptures(told, async () => content, world.origin, world.now(), () => undefined);
writeFileSync(`${out}/unknown.zip`, new Uint8Array(await unknown.zip.arrayBuffer()));

Object.assign(world, {
  sha256: async (text: string) => sha256(text),
  bundled: {
    ...world.bundled,
    benchPhotos: async () =>
      about.photos.map(({ label }, number) => ({
        about: { path: `photos/${number}.jpg`, sha256: sha256(contents[number]!), label, group: `g${number}` },
        content: new Blob([contents[number]!]),
      })),
  },
});
const states: string[] = [];
const desk = new BenchDesk(world, (state) => states.push(state.kind === "failed" ? `failed: ${state.reason}` : state.kind));
await desk.run(model, true);
if (states.at(-1) !== "finished") throw new Error(`the sweep ended as ${states.at(-1)}`);
await desk.export();
writeFileSync(`${out}/bench.zip`, new Uint8Array(await world.saved[0]!.content.arrayBuffer()));
