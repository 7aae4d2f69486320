import assert from "node:assert/strict";
import test from "node:test";
import { isStep, QUICK_PACE, settingsFor, stepsOf, type Job, type Row } from "../../src/page/bench_job.ts";
import { sweep, type Bench } from "../../src/page/bench_sweep.ts";
import { tableOf } from "../../src/page/bench_table.ts";
import { shortest } from "../../src/page/shortest.ts";
import { CONTRACT, newWorld } from "./world.ts";

const JOB: Job = {
  format: 2,
  model: { name: "m", sha256: "a".repeat(64) },
  photos: [
    { path: "photos/1.jpg", sha256: "b".repeat(64) },
    { path: "photos/2.jpg", sha256: "c".repeat(64) },
  ],
  crops: 10,
  timed: [1, 0],
  settings: settingsFor(CONTRACT, [1, 2]),
  pace: { ...QUICK_PACE, repeats: 2 },
  seed: 3,
};

async function rowsOf(job: Job): Promise<{ rows: Row[]; timed: [number, number | null][] }> {
  const world = newWorld();
  const timed: [number, number | null][] = [];
  const bench: Bench = {
    job,
    load: async () => {
      const runner = await world.scorer.runner();
      const classify = runner.classify.bind(runner);
      return { ...runner, classify: (photo, crops) => (timed.push([photo, crops]), classify(photo, crops)) };
    },
    now: world.ticks,
    machine: world.machine,
    state: world.deviceState,
    isStopped: async () => false,
  };
  const rows: Row[] = [];
  await sweep(bench, (row) => rows.push(row));
  assert.equal(world.scorer.runners, 0, "every model that was loaded is freed");
  return { rows, timed };
}

test("the usual sweep has the contract's number, and its early end where it has one", () => {
  assert.deepEqual(
    settingsFor(CONTRACT, [1]).map(({ crops, stops_early }) => [crops, stops_early]),
    [
      [1, false],
      [3, false],
      [4, false],
      [5, false],
      [10, false],
      [4, true],
    ],
  );
});

test("rows come in the order of the format, and the last one counts them", async () => {
  const { rows } = await rowsOf(JOB);
  assert.deepEqual(
    rows.slice(0, 4).map(({ type }) => type),
    ["hello", "scores", "scores", "begin"],
  );
  assert.deepEqual(rows.at(-1), { type: "end", rows: rows.length - 1 });
  assert.equal(rows.filter(isStep).length, stepsOf(JOB));
  const blocks = rows.filter((row) => row.type === "runs");
  // 20 runs at least and 0.2 s of 7.5 ms each: three blocks of ten for each setting in each repeat.
  assert.equal(blocks.length, 2 * 12 * 3);
  assert.ok(blocks.every(({ ns, crops }) => ns.length === 10 && crops.length === 10));
  assert.ok(
    blocks.every((row, i) => i === 0 || row.repeat !== blocks[i - 1]!.repeat || row.at_ns >= blocks[i - 1]!.at_ns),
  );
  const first = blocks.slice(0, 12).map(({ setting }) => setting);
  assert.deepEqual(
    [...first].sort((a, b) => a - b),
    [...Array(12).keys()],
    "all settings take turns",
  );
  assert.notDeepEqual(first, [...Array(12).keys()], "in an order that is drawn");
});

test("a setting that stops early asks for the contract's own number", async () => {
  const { timed } = await rowsOf(JOB);
  assert.ok(timed.some(([, crops]) => crops === null));
  assert.deepEqual(
    timed.slice(0, 2),
    [
      [0, 10],
      [1, 10],
    ],
    "scores take the most crops",
  );
});

test("what the page shows is of the runs that count", async () => {
  const { rows } = await rowsOf(JOB);
  const table = tableOf(JOB, rows);
  assert.equal(table.runs, 720);
  assert.deepEqual(
    [table.lines[0]!.totalMs, table.lines[0]!.stagesMs, table.lines[1]!.meanCrops],
    [{ p50: 7.5, p95: 7.5 }, [4, 1, 2, 0.5], 3],
  );
});

for (const [value, short] of [
  [Math.fround(0.1), 0.1],
  [1, 1],
  [Math.fround(1 / 3), 0.33333334],
  [1.1754943508222875e-38, 1.1754944e-38],
  [0, 0],
] as const) {
  test(`${value} is told by ${short}, which gives the same float32`, () => {
    assert.deepEqual([shortest(value), Math.fround(shortest(value))], [short, Math.fround(value)]);
  });
}
