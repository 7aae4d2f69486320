/** The zip files that a page sends home, as `docs/phone-files.md` has them. */

import type { Job, Row } from "./bench_job.ts";
import type { CaptureRecord } from "./record.ts";
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

/**
 * All captures in one archive.
 *
 * @param photo reads one stored photo, which need not be in memory before or after
 * @throws ZipLimitError too many or too large for one archive
 */
export async function exportCaptures(
  stored: readonly Stored[],
  photo: (id: string) => Promise<Blob>,
  origin: Origin,
  created: Date,
  progress: (done: number) => void,
): Promise<Blob> {
  const zip = new ZipWriter();
  const models = new Map(stored.map(({ record }) => [record.model.sha256, record.model]));
  const about = {
    schema: 1,
    kind: "captures",
    app: origin.app,
    device: origin.device,
    created: created.toISOString(),
    models: [...models.values()],
    captures: stored.length,
  };
  await zip.add("export.json", `${JSON.stringify(about, null, 2)}\n`, created);
  const labelled = stored.filter(({ record }) => record.truth !== null);
  const rows = [["path", "label", "group", "camera"], ...labelled.map((one) => manifestRow(one, origin))];
  await zip.add("manifest.csv", csv(rows), created);
  await zip.add("verdicts.jsonl", stored.map(({ record }) => `${JSON.stringify(record)}\n`).join(""), created);
  for (const [done, { record }] of stored.entries()) {
    progress(done);
    await zip.add(pathOf(record), await photo(record.id), new Date(record.taken));
  }
  return zip.finish();
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
