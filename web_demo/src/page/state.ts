/**
 * Everything that can be on screen, as sealed types: each `kind` has one producer in the presenter and one picture in the view.
 *
 * No DOM here and none in the presenter, so that both run under node.
 */

import type { Thing } from "../runtime/contract.ts";
import type { Box, Contract, Milliseconds, SizeWh } from "../runtime/index.ts";
import type { BenchTable } from "./bench_table.ts";
import type { CaptureRecord } from "./record.ts";
import type { Settings } from "./settings.ts";

export type Screen = "capture" | "history" | "bench" | "settings";

/** A model that is loaded, as people want to know it. */
export interface ModelInfo {
  readonly contract: Contract;
  /** SHA-256 of the whole file, which verdicts name. */
  readonly sha256: string;
  readonly bytes: number;
  /** Interpreter and version, as it turned out. */
  readonly engine: string;
  readonly threads: number;
  /** What its file was called; null where that is not known any more. */
  readonly file: string | null;
  /** Whether the user picked it, rather than the page bringing it. */
  readonly isPicked: boolean;
}

export type ModelState =
  | { readonly kind: "loading" }
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly name: string; readonly reason: string }
  | { readonly kind: "ready"; readonly model: ModelInfo };

/** How a verdict looks: words, icon and colour follow it together. */
export type Tone = "genuine" | "attack" | "unsure" | "plain";

export interface Answer {
  readonly tone: Tone;
  readonly label: string;
  /** The probability behind the label; for "retake" the attack score. */
  readonly score: number;
  /** The labels that a photo has, each with its own probability, where it may have several; null where it has exactly one. */
  readonly labels: readonly Share[] | null;
}

/** A label and the probability of that alone. */
export interface Share {
  readonly label: string;
  readonly probability: number;
}

/** What a model of regions says of a picture; that there is none is an answer, too. */
export interface Regions {
  readonly thing: Thing;
  /** Width and height of the picture in pixels. */
  readonly sizeWh: SizeWh;
  /** From left to right. */
  readonly regions: readonly { readonly box: Box; readonly answer: Answer }[];
}

/** What a model says of a picture: of the whole, or of its regions. */
export type Seen = Answer | Regions;

export interface CameraInfo {
  readonly facing: "user" | "environment" | "unknown";
  readonly widthPx: number;
  readonly heightPx: number;
  readonly hasTorch: boolean;
  readonly isTorchOn: boolean;
  readonly cameras: number;
}

export type CameraProblem = "insecure" | "denied" | "none" | "in-use" | "lost" | "unreadable";

export type CaptureState =
  /** Until a model is ready there is nothing to say of a picture. */
  | { readonly kind: "waiting" }
  /** The browser is going to ask for the camera: say why before it does. */
  | { readonly kind: "rationale" }
  | { readonly kind: "opening" }
  | { readonly kind: "blocked"; readonly problem: CameraProblem; readonly reason?: string }
  | { readonly kind: "paused" }
  | { readonly kind: "live"; readonly camera: CameraInfo; readonly seen: Seen | null }
  | { readonly kind: "judging"; readonly camera: CameraInfo | null }
  | {
      readonly kind: "question";
      readonly photo: Blob;
      readonly answer: Answer;
      readonly source: "shutter" | "gallery";
    }
  /** What was seen in a photo that is not kept. */
  | { readonly kind: "shown"; readonly photo: Blob; readonly seen: Seen };

export interface HistoryItem {
  readonly record: CaptureRecord;
  readonly thumbnail: Blob;
}

export type HistoryState =
  | { readonly kind: "loading" }
  | { readonly kind: "empty" }
  | { readonly kind: "list"; readonly items: readonly HistoryItem[]; readonly total: number; readonly labelled: number }
  | { readonly kind: "exporting"; readonly done: number; readonly total: number }
  | { readonly kind: "unreadable"; readonly reason: string };

export type BenchState =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly done: number; readonly total: number }
  | { readonly kind: "finished"; readonly table: BenchTable }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly reason: string };

/** What may find no room or no storage. */
export type Storable = "photo" | "model" | "truth" | "settings" | "removal";

/** A line that tells what happened; it stays until the next one comes or it is closed. */
export type Notice =
  | { readonly kind: "saved" }
  | { readonly kind: "not-kept" }
  | { readonly kind: "photo-refused"; readonly reason: string }
  | { readonly kind: "storage-full"; readonly what: Storable }
  | { readonly kind: "storage-failed"; readonly what: Storable; readonly reason: string }
  | { readonly kind: "exported"; readonly photos: number; readonly of: number }
  | { readonly kind: "export-failed"; readonly reason: string }
  | { readonly kind: "torch-failed" };

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
}

/** Of the last verdicts, each stage in milliseconds. */
export interface Latency {
  readonly verdicts: number;
  readonly total: Quantiles;
  readonly stages: Readonly<Record<keyof Milliseconds, Quantiles>>;
}

export interface UiState {
  readonly screen: Screen;
  readonly model: ModelState;
  readonly capture: CaptureState;
  readonly history: HistoryState;
  readonly bench: BenchState;
  readonly notice: Notice | null;
  /** Whether a newer page waits, and nobody has waved it off. */
  readonly hasUpdate: boolean;
  readonly latency: Latency | null;
  readonly settings: Settings;
}
