/** Answers jobs of `benchmarks/ports.py`, which says what they are, in a real browser: `node ports.main.mjs JOBS ANSWERS`. */

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { type Session, openSession, withoutChromium } from "./chromium.ts";
import type { BoxEdges } from "./specs.ts";

interface Classify {
  readonly do: "classify";
  readonly model: string;
  readonly photo: string;
  readonly stop_early: boolean;
  readonly crops_to: string | null;
  readonly plan: unknown;
  readonly side_px: number;
}

interface Cut {
  readonly do: "cut";
  readonly array: string;
  readonly size_wh: [number, number];
  readonly plan: unknown;
  readonly side_px: number;
  readonly runs: number;
}

type Job = Classify | Cut;

// One that is answered by an error of the page, which says what in front.
const REFUSAL = "PhotoError: ";
const WASM = "wasm/";

/** Names for the folders of files, by which the server has them. */
class Folders {
  readonly byName: Record<string, string> = {};

  urlOf(file: string): string {
    const folder = path.dirname(file);
    const known = Object.entries(this.byName).find(([, home]) => home === folder)?.[0];
    const name = known ?? `files${Object.keys(this.byName).length}`;
    this.byName[name] = folder;
    return `/${name}/${encodeURIComponent(path.basename(file))}`;
  }
}

async function classify(session: Session, job: Classify, model: string, photo: string): Promise<{ engine: string; answer: object }> {
  const setup = { model, wasm: WASM, workers: 0 };
  const found = await session.call("verdict", setup, { photo }, null, job.stop_early);
  if (typeof found === "string") {
    if (!found.startsWith(REFUSAL)) throw new Error(found);
    return { engine: "", answer: { refused: found.slice(REFUSAL.length) } };
  }
  const { engine, ...verdict } = found;
  if (job.crops_to !== null) {
    const boxes = verdict.crops.map(({ box }) => box as BoxEdges);
    const { rgb } = await session.call("tensors", { photo }, job.plan, job.side_px, boxes);
    writeFileSync(job.crops_to, Buffer.concat(rgb.map((one) => Buffer.from(one, "base64"))));
  }
  return { engine, answer: { verdict } };
}

async function main(jobsFile: string, answersFile: string): Promise<void> {
  const jobs = readFileSync(jobsFile, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Job);
  const folders = new Folders();
  const urls = jobs.map((job) => folders.urlOf(job.do === "cut" ? job.array : job.photo));
  const models = jobs.map((job) => (job.do === "cut" ? "" : folders.urlOf(job.model)));
  const session = await openSession(folders.byName);
  const answers: object[] = [];
  let engine = "none";
  try {
    for (const [at, job] of jobs.entries()) {
      if (job.do === "cut") {
        answers.push({ ms: await session.call("cut", urls[at]!, job.size_wh, job.plan, job.side_px, job.runs) });
        continue;
      }
      const one = await classify(session, job, models[at]!, urls[at]!);
      answers.push(one.answer);
      engine = one.engine || engine;
    }
    const platform = `Chromium ${session.page.context().browser()?.version() ?? ""}`.trim();
    const about = { engine, platform, decoder: "the browser's own, at full size" };
    writeFileSync(answersFile, [about, ...answers].map((one) => `${JSON.stringify(one)}\n`).join(""));
  } finally {
    await session.close();
  }
}

const [jobs, answers] = process.argv.slice(2);
if (jobs === undefined || answers === undefined) {
  process.stderr.write("usage: ports.main.mjs JOBS ANSWERS\n");
  process.exit(2);
}
const lacking = withoutChromium();
if (lacking !== false) {
  process.stderr.write(`skipped: ${lacking}\n`);
  process.exit(3);
}
await main(jobs, answers);
