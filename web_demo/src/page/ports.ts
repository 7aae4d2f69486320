/** What the presenter needs of the world; the page has the real ones, tests have small ones. */

import type { Contract } from "../runtime/index.ts";
import type { Said } from "./answer.ts";
import type { DeviceState, Machine } from "./bench_job.ts";
import type { Runner } from "./bench_sweep.ts";
import type { Lens, Origin, Stored } from "./exports.ts";
import type { Judged } from "./record.ts";
import type { Settings } from "./settings.ts";
import type { CameraInfo, CameraProblem } from "./state.ts";

/** A camera that can't be had, and why. */
export class CameraError extends Error {
  override readonly name = "CameraError";
  constructor(
    readonly problem: CameraProblem,
    detail = "",
  ) {
    super(detail || problem);
  }
}

/** The browser grants no more room; nothing was stored. */
export class StorageFullError extends Error {
  override readonly name = "StorageFullError";
}

export interface CameraFrame {
  /** What the scorer takes: in the page an ImageBitmap, which it closes. */
  readonly picture: unknown;
  readonly timeS: number;
  /** Frees a picture that the scorer is not given. */
  close(): void;
}

export interface Still {
  readonly photo: Blob;
  readonly lens: Lens;
}

/** Owns the camera alone. */
export interface Camera {
  /** "granted" where the browser will not ask, "prompt" where it will, "denied" where it refuses unasked. */
  permission(): Promise<"granted" | "prompt" | "denied">;
  /**
   * Opens the first camera, or the next one.
   *
   * @param lost is called once when the camera goes away by itself
   * @throws CameraError
   */
  open(which: "same" | "next", lost: () => void): Promise<CameraInfo>;
  /** The newest frame that was not given yet; null when the camera is closed meanwhile. */
  frame(): Promise<CameraFrame | null>;
  /** A photo of full resolution as a file. @throws CameraError */
  still(): Promise<Still>;
  /** @throws CameraError the track has no torch after all */
  torch(isOn: boolean): Promise<CameraInfo>;
  close(): void;
}

export interface ScoreOptions {
  readonly crops: number | null;
}

export interface LoadedModel {
  readonly contract: Contract;
  readonly sha256: string;
  readonly bytes: number;
  readonly engine: string;
  readonly threads: number;
}

/** Runs the model; in the page a worker. Errors have the names and messages of the runtime's. */
export interface Scorer {
  load(content: Blob, threads: number): Promise<LoadedModel>;
  frame(frame: CameraFrame, options: ScoreOptions): Promise<Said>;
  photo(photo: Blob, options: ScoreOptions): Promise<Judged<Said>>;
  /** Loads the model that is loaded once more, for a sweep over these photos. */
  runner(photos: readonly Blob[], threads: number): Promise<Runner>;
}

export interface StoredEntry extends Stored {
  readonly thumbnail: Blob;
}

export interface Store {
  /** Photo and record together or not at all. @throws StorageFullError */
  add(entry: StoredEntry, photo: Blob): Promise<void>;
  /** Newest first. */
  entries(): Promise<StoredEntry[]>;
  photo(id: string): Promise<Blob>;
  setTruth(id: string, truth: string | null): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  settings(): Promise<Settings>;
  keepSettings(settings: Settings): Promise<void>;
  /** The model that the user picked; null where he picked none. */
  pickedModel(): Promise<Blob | null>;
  keepModel(content: Blob | null): Promise<void>;
}

/** A model's file, and what it was called where that is known. */
export interface PickedModel {
  readonly content: Blob;
  readonly name: string | null;
}

/** What the page brings along; `page.json` names it. */
export interface Bundled {
  /** null: a page without a model. */
  model(): Promise<PickedModel | null>;
  benchPhotos(): Promise<{ readonly about: import("./exports.ts").BenchPhoto; readonly content: Blob }[]>;
}

export interface World {
  readonly camera: Camera;
  readonly scorer: Scorer;
  readonly store: Store;
  readonly bundled: Bundled;
  readonly origin: Origin;
  now(): Date;
  /** Processor cores that the browser tells of. */
  readonly cores: number;
  /** Milliseconds of a clock that never goes back. */
  ticks(): number;
  /** The smallest step of that clock, in milliseconds: browsers make it coarse where a page is not isolated. */
  tickMs(): number;
  /** Lets the browser do what waits: draw, take a press of a button. */
  breathe(): Promise<void>;
  machine(): Promise<Machine>;
  deviceState(): Promise<DeviceState>;
  random(bytes: number): Uint8Array;
  sha256(content: string): Promise<string>;
  /** Gives a whole file to the user. */
  save(content: Blob, name: string): void;
  /** Keeps the screen on while a sweep runs, as far as the browser can. */
  stayAwake(isAwake: boolean): void;
  /** Lets the newer page that waits answer from now on, in every tab. */
  takeUpdate(): void;
  /** Begins anew with what answers now. */
  reload(): void;
}
