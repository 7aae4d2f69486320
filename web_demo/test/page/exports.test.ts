import assert from "node:assert/strict";
import test from "node:test";
import { exportBench, exportCaptures, type Origin, type Stored } from "../../src/page/exports.ts";
import { newId, recordOf } from "../../src/page/record.ts";
import { ZipWriter } from "../../src/page/zip.ts";
import { LOADED, verdictOf } from "./world.ts";
import { text, unzip } from "./unzip.ts";

const ORIGIN: Origin = { app: "edgekit.web 0.1.0", device: 'Maker "X", 7', install: "4e81c2d0" };
const TAKEN = new Date("2026-11-30T07:13:55.123Z");

function stored(truth: string | null, lens: Stored["lens"], second = 0): Stored {
  const taken = new Date(TAKEN.getTime() + 1000 * second);
  const judged = { verdict: verdictOf(0.9), rotation: 90, thumbnail: new Blob(), format: "jpg" } as const;
  const capture = { judged, taken, source: lens === null ? "gallery" : "shutter", kept: "as-is" } as const;
  const record = recordOf(
    capture,
    newId(taken, Uint8Array.of(1, 2, 3, second)),
    { ...LOADED, file: null, isPicked: false },
    ORIGIN,
  );
  return { record: { ...record, truth }, lens };
}

async function membersOf(zip: Blob): Promise<Map<string, Uint8Array>> {
  return unzip(new Uint8Array(await zip.arrayBuffer()));
}

function exportOf(captures: readonly Stored[], mostBytes?: number) {
  const photo = async (): Promise<Blob> => new Blob(["x"]);
  return exportCaptures(captures, photo, ORIGIN, TAKEN, () => undefined, mostBytes);
}

test("a record has the keys of its format in order, and the time of its id", () => {
  const { record } = stored(null, "back");
  assert.deepEqual(Object.keys(record), [
    "schema",
    "id",
    "photo",
    "taken",
    "source",
    "kept",
    "label",
    "score",
    "probabilities",
    "crops",
    "ms",
    "size_wh",
    "rotation",
    "model",
    "device",
    "app",
    "engine",
    "threads",
    "truth",
  ]);
  assert.equal(record.id, "20261130T071355123Z-01020300");
  assert.deepEqual(record.ms, { decode_ms: 4, crop_ms: 1, invoke_ms: 2, vote_ms: 0.5 });
  assert.deepEqual(record.crops[0], { box: [0, 0, 96, 96], probabilities: [1 - 0.9, 0.9] });
});

test("an export keeps photos with a truth apart from those without, and names them with group and camera", async () => {
  const captures = [stored("genuine", "back"), stored(null, "front", 1), stored("recapture", null, 2)];
  const steps: number[] = [];
  const { zip, photos } = await exportCaptures(
    captures,
    async (id) => new Blob([`photo ${id}`]),
    ORIGIN,
    TAKEN,
    (done) => steps.push(done),
  );
  const members = await membersOf(zip);
  const ids = captures.map(({ record }) => record.id);
  assert.deepEqual(
    [...members.keys()],
    [
      `photos/${ids[0]}.jpg`,
      `unlabelled/${ids[1]}.jpg`,
      `photos/${ids[2]}.jpg`,
      "export.json",
      "manifest.csv",
      "verdicts.jsonl",
    ],
  );
  assert.deepEqual(text(members.get("manifest.csv")).split("\n"), [
    "path,label,group,camera",
    `photos/${ids[0]}.jpg,genuine,4e81c2d0-20261130,"Maker ""X"", 7 back"`,
    `photos/${ids[2]}.jpg,recapture,4e81c2d0-20261130,`,
    "",
  ]);
  assert.equal(text(members.get(`photos/${ids[0]}.jpg`)), `photo ${ids[0]}`);
  const about = JSON.parse(text(members.get("export.json")));
  assert.deepEqual(
    [about.kind, about.captures, about.models],
    ["captures", 3, [{ name: "test-model", sha256: LOADED.sha256 }]],
  );
  const lines = text(members.get("verdicts.jsonl")).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    captures.map(({ record }) => ({
      ...record,
      crops: record.crops.map((crop) => ({ ...crop, probabilities: [0.1, 0.9] })),
    })),
  );
  assert.deepEqual([steps, photos], [[0, 1, 2], 3]);
});

test("a crop's scores are told by the shortest numbers that give the same float32", async () => {
  const one = stored(null, "back");
  const [crop] = one.record.crops;
  const probabilities = [Math.fround(0.9), Math.fround(0.1)];
  const members = await membersOf(
    (await exportOf([{ ...one, record: { ...one.record, crops: [{ ...crop!, probabilities }] } }])).zip,
  );
  const line = text(members.get("verdicts.jsonl"));
  assert.ok(line.includes('"probabilities":[0.9,0.1]'), line);
});

test("an export ends at as many photos as its readers take of verdicts", async () => {
  const captures = [stored("genuine", "back"), stored(null, "front", 1), stored("recapture", null, 2)];
  const bytes = (await membersOf((await exportOf(captures.slice(0, 2))).zip)).get("verdicts.jsonl")!.byteLength;
  for (const [mostBytes, expected] of [
    [bytes, 2],
    [bytes - 1, 1],
  ] as const) {
    const { zip, photos } = await exportOf(captures, mostBytes);
    const members = await membersOf(zip);
    assert.equal(photos, expected);
    assert.ok(members.get("verdicts.jsonl")!.byteLength <= mostBytes);
    assert.equal(members.size, expected + 3);
    assert.equal(JSON.parse(text(members.get("export.json"))).captures, expected);
  }
  await assert.rejects(exportOf(captures, 10), /one verdict must have at most 10 bytes/);
});

test("without a truth the manifest is its head alone", async () => {
  const members = await membersOf((await exportOf([stored(null, "back")])).zip);
  assert.equal(text(members.get("manifest.csv")), "path,label,group,camera\n");
});

test("a benchmark's rows begin with the hash of the very bytes of its job", async () => {
  const job = {
    format: 2,
    model: { name: "m", sha256: "a".repeat(64) },
    photos: [],
    crops: 1,
    timed: [],
    settings: [],
    pace: {
      warmup_runs: 1,
      warmup_s: 0,
      min_runs: 2,
      min_s: 0,
      repeats: 1,
      cool_down_s: 0,
    },
    seed: 0,
  } as const;
  const photo = {
    about: { path: "photos/one.jpg", sha256: "b".repeat(64), label: "genuine", group: "g" },
    content: new Blob(["1"]),
  };
  const made = {
    job,
    jobJson: "the bytes",
    jobSha256: "c".repeat(64),
    rows: [{ type: "end", rows: 0 }] as const,
    photos: [photo],
    isQuick: true,
  };
  const members = await membersOf(await exportBench(made, ORIGIN, TAKEN));
  assert.deepEqual([...members.keys()], ["export.json", "job.json", "manifest.csv", "rows.jsonl", "photos/one.jpg"]);
  assert.equal(text(members.get("job.json")), "the bytes");
  assert.equal(
    text(members.get("rows.jsonl")),
    `{"type":"header","job":"${"c".repeat(64)}"}\n{"type":"end","rows":0}\n`,
  );
  const about = JSON.parse(text(members.get("export.json")));
  assert.deepEqual([about.platform, about.quick, about.job], ["web", true, "c".repeat(64)]);
});

test("a zip's checksum is the standard one, and a name stands once", async () => {
  const zip = new ZipWriter();
  await zip.add("numbers", "123456789", TAKEN);
  await assert.rejects(zip.add("numbers", "", TAKEN), /one member of a name, got numbers twice/);
  const content = new DataView(await zip.finish().arrayBuffer());
  assert.equal(content.getUint32(14, true), 0xcbf43926);
});

test("more than one file can hold is refused before it is read", async () => {
  const huge = { size: 0xffff_ffff, stream: () => assert.fail("it must not be read") } as unknown as Blob;
  await assert.rejects(new ZipWriter().add("huge", huge, TAKEN), {
    name: "ZipLimitError",
    message: /must have at most/,
  });
});
