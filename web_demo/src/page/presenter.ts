/**
 * The page's one state machine: what people do and what camera, model and storage answer come in, UiState goes out.
 *
 * No DOM. Every state of `state.ts` is produced here and nowhere else; the view draws what it is given.
 */

import { Smoother } from "../runtime/smoothing.ts";
import { answerOf, wantsRetake } from "./answer.ts";
import { BenchDesk } from "./bench_desk.ts";
import { exportCaptures, type Lens } from "./exports.ts";
import { LatencyLog } from "./latency.ts";
import { CameraError, StorageFullError, type CameraFrame, type LoadedModel, type World } from "./ports.ts";
import { newId, recordOf, type Capture } from "./record.ts";
import { DEFAULT_SETTINGS, type Settings } from "./settings.ts";
import type { CameraInfo, CameraProblem, CaptureState, ModelInfo, Notice, Screen, UiState } from "./state.ts";

/** Long lists would make a phone draw thousands of pictures at once. */
export const PAGE_OF_HISTORY = 60;

export const START: UiState = {
  screen: "capture",
  model: { kind: "loading" },
  capture: { kind: "waiting" },
  history: { kind: "loading" },
  bench: { kind: "idle" },
  notice: null,
  latency: null,
  settings: DEFAULT_SETTINGS,
};

const messageOf = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure));

export class Presenter {
  readonly #world: World;
  readonly #show: (state: UiState) => void;
  readonly #latency = new LatencyLog();
  readonly #bench: BenchDesk;
  #state: UiState = START;
  #smoother: Smoother | null = null;
  /** Counts openings of the camera: what an earlier one still has to say is not listened to. */
  #session = 0;
  /** Counts live views, which end with a shot and begin again after it. */
  #loop = 0;
  #camera: CameraInfo | null = null;
  #decide: ((keeps: boolean) => void) | null = null;
  #shownHistory = PAGE_OF_HISTORY;

  constructor(world: World, show: (state: UiState) => void) {
    this.#world = world;
    this.#show = show;
    this.#bench = new BenchDesk(world, (bench) => this.#set({ bench }));
  }

  get state(): UiState {
    return this.#state;
  }

  #set(change: Partial<UiState>): void {
    this.#state = { ...this.#state, ...change };
    this.#show(this.#state);
  }

  #capture(capture: CaptureState): void {
    this.#set({ capture });
  }

  #tell(notice: Notice | null): void {
    this.#set({ notice });
  }

  // Start and model

  /** Loads settings, then the model: the one that the user picked, else the page's own. */
  async start(): Promise<void> {
    this.#set({ settings: await this.#world.store.settings() });
    await this.#loadAnew();
  }

  /** Takes a model file of the user's, and keeps it for the next start if it is one. */
  async pickModel(file: Blob, name: string): Promise<void> {
    this.#stopCamera();
    if (await this.#load(async () => file, true, name)) await this.#keepModel(file);
  }

  /** Goes back to the model that came with the page. */
  async forgetPickedModel(): Promise<void> {
    this.#stopCamera();
    await this.#keepModel(null);
    await this.#load(() => this.#world.bundled.model(), false);
  }

  async #keepModel(file: Blob | null): Promise<void> {
    try {
      await this.#world.store.keepModel(file);
    } catch (failure) {
      this.#tell(this.#storageNotice(failure));
    }
  }

  async #load(content: () => Promise<Blob | null>, isPicked: boolean, name = "model.tflite"): Promise<boolean> {
    this.#smoother = null;
    this.#set({ model: { kind: "loading" }, capture: { kind: "waiting" }, latency: null });
    this.#latency.clear();
    let loaded: LoadedModel;
    try {
      const file = await content();
      if (file === null) {
        this.#set({ model: { kind: "absent" } });
        return false;
      }
      loaded = await this.#world.scorer.load(file, this.#state.settings.threads);
    } catch (failure) {
      this.#set({ model: { kind: "refused", name, reason: messageOf(failure) } });
      return false;
    }
    const model: ModelInfo = { ...loaded, isPicked };
    this.#set({ model: { kind: "ready", model } });
    if (this.#state.screen === "capture") await this.#approachCamera();
    return true;
  }

  get #model(): ModelInfo | null {
    return this.#state.model.kind === "ready" ? this.#state.model.model : null;
  }

  // Camera

  /** Opens the camera where the browser won't ask for it, else says first what it is for. */
  async #approachCamera(): Promise<void> {
    const session = ++this.#session;
    const permission = await this.#world.camera.permission();
    // A file may have been picked meanwhile: the camera is approached again after it.
    if (session !== this.#session || this.#isBusy) return;
    if (permission === "denied") this.#capture({ kind: "blocked", problem: "denied" });
    else if (permission === "prompt") this.#capture({ kind: "rationale" });
    else await this.openCamera();
  }

  /** Opens the camera; also what "try again" does. */
  async openCamera(which: "same" | "next" = "same"): Promise<void> {
    const model = this.#model;
    if (model === null) return;
    const session = ++this.#session;
    this.#loop += 1;
    this.#capture({ kind: "opening" });
    let info: CameraInfo;
    try {
      info = await this.#world.camera.open(which, () => this.#lost(session));
    } catch (failure) {
      if (session === this.#session && !this.#isBusy) {
        this.#capture({ kind: "blocked", problem: problemOf(failure) });
      }
      return;
    }
    if (session !== this.#session) return;
    // Another view is another scene: what was seen before says nothing of it.
    this.#smoother = new Smoother(model.contract);
    // A photo that was picked while the camera opened is judged, and asked about, first.
    if (this.#isBusy) this.#camera = info;
    else this.#live(info);
  }

  /** Whether a photo is judged or asked about: nothing else may take the place of that. */
  get #isBusy(): boolean {
    const { kind } = this.#state.capture;
    return kind === "judging" || kind === "question";
  }

  async switchCamera(): Promise<void> {
    if (this.#state.capture.kind === "live") await this.openCamera("next");
  }

  async toggleTorch(): Promise<void> {
    const { capture } = this.#state;
    if (capture.kind !== "live") return;
    const session = this.#session;
    try {
      const camera = await this.#world.camera.torch(!capture.camera.isTorchOn);
      if (session !== this.#session) return;
      this.#camera = camera;
      const now = this.#state.capture;
      if (now.kind === "live") this.#capture({ ...now, camera });
    } catch {
      this.#tell({ kind: "torch-failed" });
    }
  }

  #live(camera: CameraInfo): void {
    this.#camera = camera;
    this.#capture({ kind: "live", camera, answer: null });
    void this.#watch(++this.#loop);
  }

  /** Scores frame after frame; the next one is asked for when the last is done, so none is ever old. */
  async #watch(loop: number): Promise<void> {
    const model = this.#model;
    while (model !== null) {
      let frame: CameraFrame | null;
      try {
        frame = await this.#world.camera.frame();
      } catch {
        // A picture that can't be taken out of the video: the camera went in this moment.
        if (loop === this.#loop) this.#lost(this.#session);
        return;
      }
      if (frame === null || loop !== this.#loop) return;
      try {
        const verdict = await this.#world.scorer.frame(frame, { crops: this.#state.settings.crops });
        const { capture } = this.#state;
        if (loop !== this.#loop || this.#smoother === null || capture.kind !== "live") return;
        const answer = answerOf(this.#smoother.add(verdict, frame.timeS), model.contract);
        this.#set({ latency: this.#latency.add(verdict.ms), capture: { ...capture, answer } });
      } catch (failure) {
        if (loop !== this.#loop) return;
        this.#stopCamera();
        this.#set({ model: { kind: "refused", name: model.contract.name, reason: messageOf(failure) } });
        return;
      }
    }
  }

  #lost(session: number): void {
    if (session !== this.#session) return;
    this.#stopCamera();
    // A question about a photo that is there already is still answered.
    if (this.#state.capture.kind !== "question") this.#capture({ kind: "blocked", problem: "lost" });
  }

  #stopCamera(): void {
    this.#session += 1;
    this.#loop += 1;
    this.#camera = null;
    this.#world.camera.close();
    if (this.#state.capture.kind !== "question") this.#capture({ kind: "waiting" });
  }

  /** The page is no longer seen: the camera is somebody else's meanwhile. */
  pause(): void {
    const { kind } = this.#state.capture;
    this.#bench.leave();
    if (kind !== "live" && kind !== "opening" && kind !== "question") return;
    this.#stopCamera();
    // A question stays until it is answered; the camera is opened again after it.
    if (kind !== "question") this.#capture({ kind: "paused" });
  }

  async resume(): Promise<void> {
    if (this.#state.capture.kind === "paused" && this.#state.screen === "capture") await this.openCamera();
  }

  // Photos

  /** The shutter. */
  async shoot(): Promise<void> {
    if (this.#state.capture.kind !== "live") return;
    const session = this.#session;
    const taken = this.#world.now();
    this.#loop += 1;
    this.#capture({ kind: "judging", camera: this.#camera });
    try {
      const still = await this.#world.camera.still();
      await this.#consider(still.photo, { taken, source: "shutter" }, still.lens);
    } catch (failure) {
      if (session !== this.#session) return;
      if (failure instanceof CameraError) {
        this.#lost(session);
        return;
      }
      this.#tell({ kind: "photo-refused", reason: messageOf(failure) });
    }
    await this.#backToCamera();
  }

  /** Photos out of files, one after the other. */
  async pickPhotos(files: readonly Blob[]): Promise<void> {
    if (this.#model === null || this.#isBusy) return;
    for (const file of files) {
      this.#loop += 1;
      this.#capture({ kind: "judging", camera: this.#camera });
      try {
        await this.#consider(file, { taken: this.#world.now(), source: "gallery" }, null);
      } catch (failure) {
        this.#tell({ kind: "photo-refused", reason: messageOf(failure) });
      }
    }
    await this.#backToCamera();
  }

  async #backToCamera(): Promise<void> {
    if (this.#state.screen !== "capture") this.#capture({ kind: "waiting" });
    else if (this.#camera !== null) this.#live(this.#camera);
    else {
      this.#capture({ kind: "waiting" });
      await this.#approachCamera();
    }
  }

  /** Judges a photo, asks where it should be taken again, and keeps it. */
  async #consider(photo: Blob, how: Pick<Capture, "taken" | "source">, lens: Lens | null): Promise<void> {
    const model = this.#model;
    if (model === null) return;
    const judged = await this.#world.scorer.photo(photo, { crops: this.#state.settings.crops });
    this.#set({ latency: this.#latency.add(judged.verdict.ms) });
    const answer = answerOf(judged.verdict, model.contract);
    const asks = wantsRetake(answer);
    if (asks && !(await this.#ask({ kind: "question", photo, answer, source: how.source }))) {
      this.#tell({ kind: "not-kept" });
      return;
    }
    const kept = asks ? "kept-anyway" : "as-is";
    const record = recordOf(
      { ...how, judged, kept },
      newId(how.taken, this.#world.random(4)),
      model,
      this.#world.origin,
    );
    try {
      await this.#world.store.add({ record, lens, thumbnail: judged.thumbnail }, photo);
      this.#tell({ kind: "saved" });
    } catch (failure) {
      this.#tell(this.#storageNotice(failure));
    }
  }

  #ask(question: CaptureState): Promise<boolean> {
    return new Promise((decide) => {
      this.#decide = decide;
      this.#capture(question);
    });
  }

  /** The answer to "take it again or keep it anyway?". */
  answerQuestion(keeps: boolean): void {
    const decide = this.#decide;
    this.#decide = null;
    decide?.(keeps);
  }

  // Screens and settings

  async goTo(screen: Screen): Promise<void> {
    if (screen === this.#state.screen || this.#state.bench.kind === "running") return;
    this.#set({ screen });
    if (screen === "capture") {
      if (this.#model !== null && this.#state.capture.kind === "waiting") await this.#approachCamera();
      return;
    }
    if (!this.#isBusy) this.#stopCamera();
    if (screen === "history") await this.showHistory();
  }

  async changeSettings(change: Partial<Settings>): Promise<void> {
    const before = this.#state.settings;
    const settings = { ...before, ...change };
    this.#latency.clear();
    this.#set({ settings, latency: null });
    try {
      await this.#world.store.keepSettings(settings);
    } catch (failure) {
      this.#tell(this.#storageNotice(failure));
    }
    if (settings.threads !== before.threads && this.#model !== null) await this.#loadAnew();
  }

  async #loadAnew(): Promise<void> {
    const picked = await this.#world.store.pickedModel();
    await this.#load(async () => picked ?? (await this.#world.bundled.model()), picked !== null);
  }

  dismissNotice(): void {
    this.#tell(null);
  }

  /** A newer page was fetched and waits. */
  updateIsReady(): void {
    this.#tell({ kind: "update-ready" });
  }

  #storageNotice(failure: unknown): Notice {
    return failure instanceof StorageFullError
      ? { kind: "storage-full" }
      : { kind: "storage-failed", reason: messageOf(failure) };
  }

  // History

  async showHistory(): Promise<void> {
    try {
      const entries = await this.#world.store.entries();
      const items = entries.slice(0, this.#shownHistory);
      const labelled = entries.filter(({ record }) => record.truth !== null).length;
      this.#set({
        history: items.length === 0 ? { kind: "empty" } : { kind: "list", items, total: entries.length, labelled },
      });
    } catch (failure) {
      this.#set({ history: { kind: "unreadable", reason: messageOf(failure) } });
    }
  }

  async showMoreHistory(): Promise<void> {
    this.#shownHistory += PAGE_OF_HISTORY;
    await this.showHistory();
  }

  /** "That was right", "it was …", or null for neither. */
  async setTruth(id: string, truth: string | null): Promise<void> {
    await this.#changeHistory(() => this.#world.store.setTruth(id, truth));
  }

  async removeCaptures(ids: readonly string[]): Promise<void> {
    await this.#changeHistory(() => this.#world.store.remove(ids));
  }

  /** All that are stored, also those beyond the list. */
  async removeAll(): Promise<void> {
    await this.#changeHistory(async () => {
      const entries = await this.#world.store.entries();
      await this.#world.store.remove(entries.map(({ record }) => record.id));
    });
  }

  async #changeHistory(change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (failure) {
      this.#tell(this.#storageNotice(failure));
    }
    await this.showHistory();
  }

  photoOf(id: string): Promise<Blob> {
    return this.#world.store.photo(id);
  }

  async exportHistory(): Promise<void> {
    if (this.#state.history.kind !== "list") return;
    try {
      const entries = await this.#world.store.entries();
      const tell = (done: number): void => this.#set({ history: { kind: "exporting", done, total: entries.length } });
      tell(0);
      const created = this.#world.now();
      const photo = (id: string): Promise<Blob> => this.#world.store.photo(id);
      const zip = await exportCaptures(entries, photo, this.#world.origin, created, tell);
      this.#world.save(zip, `edgekit-captures-${newId(created, this.#world.random(2))}.zip`);
      this.#tell({ kind: "exported", photos: entries.length });
    } catch (failure) {
      this.#tell({ kind: "export-failed", reason: messageOf(failure) });
    }
    await this.showHistory();
  }

  // Bench

  async startBench(isQuick: boolean): Promise<void> {
    if (this.#model !== null && this.#state.bench.kind !== "running") await this.#bench.run(this.#model, isQuick);
  }

  stopBench(): void {
    this.#bench.leave();
  }

  async exportBench(): Promise<void> {
    try {
      await this.#bench.export();
    } catch (failure) {
      this.#tell({ kind: "export-failed", reason: messageOf(failure) });
    }
  }
}

function problemOf(failure: unknown): CameraProblem {
  if (failure instanceof CameraError) return failure.problem;
  throw failure;
}
