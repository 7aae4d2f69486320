/** A small world for the presenter: a camera, a model and storage that do what a test tells them. */

import { Contract, CropPlan, Decision, RegionPlan, RegionsVerdict, Unknown, Verdict } from "../../src/runtime/index.ts";
import type { Said } from "../../src/page/answer.ts";
import type { Runner } from "../../src/page/bench_sweep.ts";
import {
  CameraError,
  StorageFullError,
  type Camera,
  type CameraFrame,
  type LoadedModel,
  type Scorer,
  type Store,
  type StoredEntry,
  type World,
} from "../../src/page/ports.ts";
import type { Judged } from "../../src/page/record.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src/page/settings.ts";
import type { CameraInfo, CameraProblem } from "../../src/page/state.ts";

export const CONTRACT = new Contract({
  name: "test-model",
  labels: ["genuine", "recapture"],
  bonaFide: "genuine",
  sidePx: 96,
  plan: new CropPlan({ cycle: ["native"], crops: 4 }),
  decision: new Decision({ threshold: 0.5, abstain: [0.4, 0.6], earlyStop: [3, 2, 1] }),
  precision: "int8",
  modelSha256: "a".repeat(64),
});

/** A verdict by its attack score. */
export function verdictOf(attack: number, crops = 2): Verdict {
  const label = attack >= 0.6 ? "recapture" : attack >= 0.4 ? "retake" : "genuine";
  const probabilities = new Map([
    ["genuine", 1 - attack],
    ["recapture", attack],
  ]);
  const one = { box: { left: 0, top: 0, right: 96, bottom: 96 }, probabilities: [1 - attack, attack] };
  return new Verdict({
    answer: { label, score: label === "genuine" ? 1 - attack : attack },
    probabilities,
    crops: Array.from({ length: crops }, () => one),
    ms: { decode: 4, crop: 1, invoke: 2, vote: 0.5 },
    sizeWh: [640, 480],
  });
}

/** A model that tells what none of its labels is of, by an output of its own. */
export const KNOWING = new Contract({
  ...CONTRACT,
  labels: ["apple", "pear"],
  bonaFide: null,
  decision: new Decision(),
  unknown: new Unknown({ rule: "energy", threshold: 0.5 }),
});

/** What that says of a photo: so much of its outputs is that of unknown. */
export function knowing(unknown: number): Verdict {
  const scores = [0.75 * (1 - unknown), 0.25 * (1 - unknown), unknown];
  const crop = { box: { left: 0, top: 0, right: 96, bottom: 96 }, probabilities: scores };
  return new Verdict({
    ...verdictOf(0.25),
    answer: unknown < 0.5 ? { label: "apple", score: 0.75 } : { label: "unknown", score: unknown },
    probabilities: new Map([
      ["apple", 0.75],
      ["pear", 0.25],
    ]),
    unknown,
    crops: [crop, crop],
  });
}

/** The same model, for faces. */
export const OF_FACES = new Contract({
  ...CONTRACT,
  regions: new RegionPlan({ detector: "blazeface-short", detectorSha256: "c".repeat(64), align: "eyes" }),
});

/** Faces at places from the left, each with its attack score, the surest detection first. */
export function facesOf(...faces: readonly (readonly [left: number, attack: number])[]): RegionsVerdict {
  return new RegionsVerdict({
    thing: "face",
    sizeWh: [640, 480],
    regions: faces.map(([left, attack]) => ({
      region: {
        box: { left, top: 48, right: left + 64, bottom: 112 },
        score: 0.9,
        middleXy: [2 * left + 64, 160],
        sidePx: 96,
        cos: 65536,
        sin: 0,
      },
      verdict: verdictOf(attack),
    })),
    decodeMs: 3,
    detectMs: 2,
  });
}

export const LOADED: LoadedModel = {
  contract: CONTRACT,
  sha256: "b".repeat(64),
  bytes: 60_000,
  engine: "litert.js 2.5.3, XNNPACK",
  threads: 1,
};
const INFO: CameraInfo = {
  facing: "environment",
  widthPx: 640,
  heightPx: 480,
  hasTorch: true,
  isTorchOn: false,
  cameras: 2,
};

/** Gives frames when the test says so. */
export class FakeCamera implements Camera {
  allowed: "granted" | "prompt" | "denied" = "granted";
  problem: CameraProblem | null = null;
  stillProblem: CameraProblem | null = null;
  hasWorkingTorch = true;
  isOpen = false;
  opened: ("same" | "next")[] = [];
  /** What opening the camera waits for. */
  opening: Promise<void> = Promise.resolve();
  lose: () => void = () => undefined;
  /** What taking a still waits for. */
  taking: Promise<void> = Promise.resolve();
  /** Pictures that were freed without being scored. */
  freed: unknown[] = [];
  #info = INFO;
  /** Fails the next wait for a frame. */
  fail: (failure: Error) => void = () => undefined;
  #waiting: ((frame: CameraFrame | null) => void) | null = null;
  #timeS = 0;
  #turn = 0;

  async permission() {
    return this.allowed;
  }

  async open(which: "same" | "next", lost: () => void) {
    this.opened.push(which);
    const turn = ++this.#turn;
    await this.opening;
    if (turn !== this.#turn) throw new CameraError("lost", "closed meanwhile");
    if (this.problem !== null) throw new CameraError(this.problem);
    this.isOpen = true;
    this.lose = lost;
    this.#info = INFO;
    return this.#info;
  }

  frame(): Promise<CameraFrame | null> {
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      this.fail = reject;
    });
  }

  /** A new picture arrives; without anybody who waits it is gone. */
  show(picture: unknown, stepS = 1): void {
    this.#timeS += stepS;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.({ picture, timeS: this.#timeS, close: () => this.freed.push(picture) });
  }

  async still() {
    await this.taking;
    if (this.stillProblem !== null || !this.isOpen) throw new CameraError(this.stillProblem ?? "lost");
    return { photo: new Blob(["still"]), lens: "back" as const };
  }

  async torch(isOn: boolean) {
    if (!this.hasWorkingTorch) throw new CameraError("in-use");
    this.#info = { ...this.#info, isTorchOn: isOn };
    return this.#info;
  }

  close(): void {
    this.#turn += 1;
    this.isOpen = false;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(null);
  }
}

export class FakeScorer implements Scorer {
  refusal: Error | null = null;
  photoRefusal: Error | null = null;
  /** What judging a photo waits for. */
  judging: Promise<void> = Promise.resolve();
  frameRefusal: Error | null = null;
  attack = 0.1;
  contract = CONTRACT;
  format: Judged["format"] = "jpg";
  /** What is said of every photo in place of `attack`; null: nothing else. */
  said: Verdict | null = null;
  /** What is found in every photo, with a contract of faces. */
  faces: RegionsVerdict = facesOf();
  frames: unknown[] = [];
  asked: (number | null)[] = [];
  runners = 0;

  async load(): Promise<LoadedModel> {
    if (this.refusal !== null) throw this.refusal;
    return { ...LOADED, contract: this.contract };
  }

  async frame(frame: CameraFrame, { crops }: { crops: number | null }) {
    if (this.frameRefusal !== null) throw this.frameRefusal;
    this.frames.push(frame.picture);
    this.asked.push(crops);
    return frame.picture instanceof RegionsVerdict ? frame.picture : verdictOf(frame.picture as number);
  }

  async photo(): Promise<Judged<Said>> {
    await this.judging;
    if (this.photoRefusal !== null) throw this.photoRefusal;
    const verdict = this.contract.regions === null ? (this.said ?? verdictOf(this.attack)) : this.faces;
    return { verdict, rotation: 0, thumbnail: new Blob(["small"]), format: this.format };
  }

  async runner(): Promise<Runner> {
    this.runners += 1;
    return {
      interpreter: "litert.js 2.5.3",
      delegate: "not told",
      classify: async (photo, crops) => verdictOf(photo % 2 === 0 ? 0.1 : 0.9, crops ?? 2),
      close: () => void (this.runners -= 1),
    };
  }
}

export class FakeStore implements Store {
  rows = new Map<string, { entry: StoredEntry; photo: Blob }>();
  isFull = false;
  isBroken = false;
  kept: Settings = DEFAULT_SETTINGS;
  model: Blob | null = null;

  #check(): void {
    if (this.isBroken) throw new Error("the disk does not answer");
  }

  async add(entry: StoredEntry, photo: Blob) {
    this.#check();
    if (this.isFull) throw new StorageFullError("full");
    this.rows.set(entry.record.id, { entry, photo });
  }

  async entries() {
    this.#check();
    return [...this.rows.values()].map(({ entry }) => entry).reverse();
  }

  async photo(id: string) {
    return this.rows.get(id)!.photo;
  }

  async setTruth(id: string, truth: string | null) {
    if (this.isFull) throw new StorageFullError("full");
    const row = this.rows.get(id)!;
    this.rows.set(id, { ...row, entry: { ...row.entry, record: { ...row.entry.record, truth } } });
  }

  async remove(ids: readonly string[]) {
    for (const id of ids) this.rows.delete(id);
  }

  async settings() {
    return this.kept;
  }

  async keepSettings(settings: Settings) {
    this.#check();
    if (this.isFull) throw new StorageFullError("full");
    this.kept = settings;
  }

  async pickedModel() {
    return this.model;
  }

  async keepModel(content: Blob | null) {
    if (this.isFull) throw new StorageFullError("full");
    this.model = content;
  }
}

export interface FakeWorld extends World {
  readonly camera: FakeCamera;
  readonly scorer: FakeScorer;
  readonly store: FakeStore;
  readonly saved: { name: string; content: Blob }[];
  ownModel: Blob | null;
  benchLabels: readonly string[];
  tickMs: () => number;
  breathe: () => Promise<void>;
  /** What was asked of the page's newer version: to take it, to begin anew. */
  readonly updates: ("take" | "reload")[];
}

const STATE = {
  clocks_mhz: null,
  governors: null,
  temperatures: null,
  throttling: null,
  battery_percent: null,
  battery: null,
  load: null,
};

export function newWorld(): FakeWorld {
  const saved: { name: string; content: Blob }[] = [];
  const updates: FakeWorld["updates"] = [];
  let ticks = 0;
  let millis = Date.UTC(2026, 10, 30, 7, 13, 55, 123);
  const photo = (name: string, label: string) => ({
    about: { path: `photos/${name}.jpg`, sha256: "c".repeat(64), label, group: "g" },
    content: new Blob([name]),
  });
  const world: FakeWorld = {
    camera: new FakeCamera(),
    scorer: new FakeScorer(),
    store: new FakeStore(),
    saved,
    updates,
    ownModel: new Blob(["own"]),
    benchLabels: ["genuine", "recapture"],
    bundled: {
      model: async () => (world.ownModel === null ? null : { content: world.ownModel, name: "own.tflite" }),
      benchPhotos: async () => world.benchLabels.map((label, number) => photo(String(number), label)),
    },
    origin: { app: "edgekit.web 0.1.0", device: "Chrome on Android", install: "4e81c2d0" },
    cores: 2,
    now: () => new Date((millis += 1000)),
    ticks: () => (ticks += 100),
    tickMs: () => 0.005,
    breathe: async () => undefined,
    machine: async () => ({
      name: null,
      soc: null,
      architecture: "aarch64",
      system: "Android 14",
      kernel: "Chrome 140",
      libc: null,
      python: null,
      cores: 8,
      usable_cores: 8,
      clusters: null,
      memory_mb: null,
      int8_instructions: null,
      virtual: null,
      emulated: false,
      state: STATE,
    }),
    deviceState: async () => STATE,
    random: (bytes) => new Uint8Array(bytes).fill(0x9f),
    sha256: async () => "d".repeat(64),
    save: (content, name) => void saved.push({ content, name }),
    stayAwake: () => undefined,
    takeUpdate: () => void updates.push("take"),
    reload: () => void updates.push("reload"),
  };
  return world;
}

/** Lets everything that waits for nothing come to its end. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
