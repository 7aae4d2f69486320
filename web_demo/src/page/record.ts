/** The record of one capture, as `docs/phone-files.md` has it: `ID.json` beside its photo. */

import type { Contract, Verdict } from "../runtime/index.ts";
import type { Format, Rotation } from "./photo_file.ts";
import type { ModelInfo } from "./state.ts";

export interface CaptureRecord {
  readonly schema: 1;
  readonly id: string;
  readonly photo: string;
  readonly taken: string;
  readonly source: "shutter" | "gallery";
  readonly kept: "as-is" | "kept-anyway";
  readonly label: string;
  readonly score: number;
  readonly probabilities: Readonly<Record<string, number>>;
  readonly crops: readonly {
    readonly box: readonly [number, number, number, number];
    readonly probabilities: readonly number[];
  }[];
  readonly ms: {
    readonly decode_ms: number;
    readonly crop_ms: number;
    readonly invoke_ms: number;
    readonly vote_ms: number;
  };
  readonly size_wh: readonly [number, number];
  readonly rotation: Rotation;
  readonly model: { readonly name: string; readonly sha256: string };
  readonly device: string;
  readonly app: string;
  readonly engine: string;
  readonly threads: number;
  readonly truth: string | null;
}

/**
 * Whether files that a page sends home have a place for a model's answers: one answer a photo, and probabilities of labels
 * that sum to one. Of a rule for what is unknown they have the answer, and the model's output for it.
 */
export function isRecordable({ regions, multiLabel }: Contract): boolean {
  return regions === null && multiLabel === null;
}

/** A photo that was judged, before anybody decided to keep it. */
export interface Judged<Answered = Verdict> {
  readonly verdict: Answered;
  readonly rotation: Rotation;
  /** A small JPEG for lists. */
  readonly thumbnail: Blob;
  /** null: the photo is of a kind that is not kept. */
  readonly format: Format | null;
}

/** A photo that may be kept. */
export type Keepable = Judged & { readonly format: Format };

/** UTC time and chance: sorts by time, and no two captures share one. */
export function newId(taken: Date, random: Uint8Array): string {
  const time = taken.toISOString().replace(/[-:.]/g, "");
  return `${time}-${Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export interface Capture {
  readonly judged: Keepable;
  readonly taken: Date;
  readonly source: CaptureRecord["source"];
  readonly kept: CaptureRecord["kept"];
}

/** A model as files of the page name it: of a contract without a name the kind of thing that it is. */
export function modelOf({ contract, sha256 }: Pick<ModelInfo, "contract" | "sha256">): CaptureRecord["model"] {
  return { name: contract.name.trim() === "" ? "model" : contract.name, sha256 };
}

export function recordOf(
  capture: Capture,
  id: string,
  model: ModelInfo,
  who: { device: string; app: string },
): CaptureRecord {
  const { verdict, rotation, format } = capture.judged;
  const said = verdict.toPlain();
  return {
    schema: 1,
    id,
    photo: `${id}.${format}`,
    taken: capture.taken.toISOString(),
    source: capture.source,
    kept: capture.kept,
    label: said.label,
    score: said.score,
    probabilities: said.probabilities,
    crops: said.crops,
    ms: said.ms,
    size_wh: [verdict.sizeWh[0], verdict.sizeWh[1]],
    rotation,
    model: modelOf(model),
    device: who.device,
    app: who.app,
    engine: model.engine,
    threads: model.threads,
    truth: null,
  };
}
