/** The zip files that a page sends home, as `docs/phone-files.md` has them. */

import type { Job, Row } from "./bench_job.ts";
import type { CaptureRecord } from "./record.ts";
import { shortest } from "./shortest.ts";
import { ZipWriter } from "./zip.ts";

export type Lens = "back" | "front" | "external";

/** One stored capture without its photo; a gallery's photo has no lens. */
export interface Stored {
  readonly record: CaptureRecord;
  readonly lens: Lens | null;
}

export interface Origin {
  readonly app: string;
  readonly device: string;
  /** Eight hex digits that were drawn when the page was first opened here. */
  readonly install: string;
}

export interface BenchPhoto {
  readonly path: string;
  readonly sha256: string;
  readonly label: string;
  readonly group: string;
}

/** Of `verdicts.jsonl`: readers refuse more. */
const MAX_VERDICTS_BYTES = 64 * 1024 * 1024;

export interface CapturesExport {
  readonly zip: Blob;
  /** How many of the captures it has, from the first one on. */
  readonly photos: number;
}

/** A field as RFC 4180 has it. */
function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(csvField).join(",")}\n`).join("");
}

/** Where a capture's photo stands in the archive: photos whose truth nobody said are kept apart. */
function pathOf(record: CaptureRecord): string {
  return `${record.truth === null ? "unlabelled" : "photos"}/${record.photo}`;
}

function manifestRow({ record, lens }: Stored, origin: Origin): string[] {
  const day = record.taken.slice(0, 10).replaceAll("-", "");
  return [
    pathOf(record),
    record.truth ?? "",
    `${origin.install}-${day}`,
    lens === null ? "" : `${record.device} ${lens}`,
  ];
}

/** A record as one line; the scores of crops, which are most of it, in their shortest form. */
function lineOf(record: CaptureRecord): string {
  const crops = record.crops.map((crop) => ({ ...crop, probabilities: crop.probabilities.map(shortest) }));
  return `${JSON.stringify({ ...record, crops })}\n`;
}

/**
 * Captures in one archive: all of them, or the first ones, as many as its readers take.
 *
 * @param stored at least one
 * @param photo reads one stored photo, which need not be in memory before or after
 * @param progress told how many photos of how many are done
 * @throws ZipLimitError too many or too large for one archive
 */
export async function exportCaptures(
  stored: readonly Stored[],
  photo: (id: string) => Promise<Blob>,
  origin: Origin,
  created: Date,
  progress: (done: number, total: number) => void,
  mostBytes = MAX_VERDICTS_BYTES,
): Promise<CapturesExport> {
  const zip = new ZipWriter();
  const lines: string[] = [];
  let leftBytes = mostBytes;
  for (const { record } of stored) {
    progress(lines.length, stored.length);
    const line = lineOf(record);
    leftBytes -= new TextEncoder().encode(line).length;
    if (leftBytes < 0) break;
    await zip.add(pathOf(record), await photo(record.id), new Date(record.taken));
    lines.push(line);
  }
  if (lines.length === 0) throw new Error(`one verdict must have at most ${mostBytes} bytes, got more`);
  const taken = stored.slice(0, lines.length);
  const models = new Map(taken.map(({ record }) => [record.model.sha256, record.model]));
  const about = {
    schema: 1,
    kind: "captures",
    app: origin.app,
    device: origin.device,
    created: created.toISOString(),
    models: [...models.values()],
    captures: taken.length,
  };
  const labelled = taken.filter(({ record }) => record.truth !== null);
  const rows = [["path", "label", "group", "camera"], ...labelled.map((one) => manifestRow(one, origin))];
  await zip.add("export.json", `${JSON.stringify(about, null, 2)}\n`, created);
  await zip.add("manifest.csv", csv(rows), created);
  await zip.add("verdicts.jsonl", new Blob(lines), created);
  return { zip: zip.finish(), photos: taken.length };
}

export interface BenchExport {
  readonly job: Job;
  /** The very bytes whose SHA-256 is the measurement's identity. */
  readonly jobJson: string;
  readonly jobSha256: string;
  readonly rows: readonly Row[];
  readonly photos: readonly { readonly about: BenchPhoto; readonly content: Blob }[];
  readonly isQuick: boolean;
}

export async function exportBench(made: BenchExport, origin: Origin, created: Date): Promise<Blob> {
  const zip = new ZipWriter();
  const about = {
    schema: 1,
    kind: "bench",
    platform: "web",
    app: origin.app,
    device: origin.device,
    created: created.toISOString(),
    quick: made.isQuick,
    job: made.jobSha256,
  };
  await zip.add("export.json", `${JSON.stringify(about, null, 2)}\n`, created);
  await zip.add("job.json", made.jobJson, created);
  const rows = made.photos.map(({ about: one }) => [one.path, one.label, one.group]);
  await zip.add("manifest.csv", csv([["path", "label", "group"], ...rows]), created);
  const lines = [{ type: "header", job: made.jobSha256 }, ...made.rows];
  await zip.add("rows.jsonl", lines.map((row) => `${JSON.stringify(row)}\n`).join(""), created);
  for (const { about: one, content } of made.photos) await zip.add(one.path, content, created);
  return zip.finish();
}
