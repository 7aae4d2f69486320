/**
 * The page's one state machine: what people do and what camera, model and storage answer come in, UiState goes out.
 *
 * No DOM. Every state of `state.ts` is produced here and nowhere else; the view draws what it is given.
 */

import { PhotoError } from "../runtime/errors.ts";
import { RegionsVerdict } from "../runtime/verdict.ts";
import { answerOf, seenIn, wantsRetake, Watcher } from "./answer.ts";
import { BenchDesk } from "./bench_desk.ts";
import { exportCaptures, type Lens } from "./exports.ts";
import { LatencyLog } from "./latency.ts";
import { CameraError, StorageFullError, type CameraFrame, type PickedModel, type World } from "./ports.ts";
import { isRecordable, newId, recordOf, type Capture } from "./record.ts";
import { DEFAULT_SETTINGS, type Settings } from "./settings.ts";
import type {
  CameraInfo,
  CameraProblem,
  CaptureState,
  ModelInfo,
  Notice,
  Screen,
  Storable,
  UiState,
} from "./state.ts";

/** Long lists would make a phone draw thousands of pictures at once. */
export const PAGE_OF_HISTORY = 60;

export const START: UiState = {
  screen: "capture",
  model: { kind: "loading" },
  capture: { kind: "waiting" },
  history: { kind: "loading" },
  bench: { kind: "idle" },
  notice: null,
  hasUpdate: false,
  latency: null,
  settings: DEFAULT_SETTINGS,
};

/** A model's file, and where it came from. */
interface Source extends PickedModel {
  readonly isPicked: boolean;
}

const messageOf = (failure: unknown): string => (failure instanceof Error ? failure.message : String(failure));

export class Presenter {
  readonly #world: World;
  readonly #show: (state: UiState) => void;
  readonly #latency = new LatencyLog();
  readonly #bench: BenchDesk;
  #state: UiState = START;
  #watcher: Watcher | null = null;
  /** Counts openings of the camera: what an earlier one still has to say is not listened to. */
  #session = 0;
  /** Counts live views, which end with a shot and begin again after it. */
  #loop = 0;
  #camera: CameraInfo | null = null;
  /** Whether the page is out of sight: the camera is somebody else's meanwhile. */
  #isHidden = false;
  /** Whether the camera is taking a still, which needs it open. */
  #isTaking = false;
  /** Counts loads of models: only the newest one counts. */
  #loads = 0;
  /** Photos that are judged and asked about, one job at a time. */
  #job: Promise<CameraProblem | null> | null = null;
  #decide: ((keeps: boolean) => void) | null = null;
  #shownHistory = PAGE_OF_HISTORY;
  /** The last photo of an export that had no room for all: the next one goes on behind it. */
  #exportedTo: string | null = null;
  #wantsUpdate = false;
  #isReloadDue = false;

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
    this.#reloadIfFree();
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
    if (!(await this.#load(async () => ({ content: file, name, isPicked: true })))) return;
    await Promise.all([this.#keepModel(file), this.#approachIfShown()]);
  }

  /** Goes back to the model that came with the page. */
  async forgetPickedModel(): Promise<void> {
    const isLoaded = await this.#load(async () => {
      await this.#keepModel(null);
      return this.#own();
    });
    if (isLoaded) await this.#approachIfShown();
  }

  async #loadAnew(): Promise<void> {
    const isLoaded = await this.#load(async () => {
      const content = await this.#world.store.pickedModel();
      return content === null ? this.#own() : { content, name: null, isPicked: true };
    });
    if (isLoaded) await this.#approachIfShown();
  }

  async #own(): Promise<Source | null> {
    const model = await this.#world.bundled.model();
    return model === null ? null : { ...model, isPicked: false };
  }

  async #keepModel(file: Blob | null): Promise<void> {
    try {
      await this.#world.store.keepModel(file);
    } catch (failure) {
      this.#tell(storageNotice("model", failure));
    }
  }

  /** Loads one model in place of the other; false: there is none, or another load began meanwhile. */
  async #load(find: () => Promise<Source | null>): Promise<boolean> {
    const load = ++this.#loads;
    // Photos end with the model that they began with.
    while (this.#job !== null) await this.#job;
    if (load !== this.#loads) return false;
    this.#stopCamera();
    this.#watcher = null;
    this.#latency.clear();
    this.#set({ model: { kind: "loading" }, latency: null });
    let source: Source | null = null;
    try {
      source = await find();
      if (load !== this.#loads) return false;
      if (source === null) {
        this.#set({ model: { kind: "absent" } });
        return false;
      }
      const loaded = await this.#world.scorer.load(source.content, this.#state.settings.threads);
      if (load !== this.#loads) return false;
      const model: ModelInfo = { ...loaded, file: source.name, isPicked: source.isPicked };
      this.#set({ model: { kind: "ready", model } });
      return true;
    } catch (failure) {
      const name = source?.name ?? "model.tflite";
      if (load === this.#loads) this.#set({ model: { kind: "refused", name, reason: messageOf(failure) } });
      return false;
    }
  }

  get #model(): ModelInfo | null {
    return this.#state.model.kind === "ready" ? this.#state.model.model : null;
  }

  // Camera

  async #approachIfShown(): Promise<void> {
    if (this.#state.screen === "capture") await this.#approachCamera();
  }

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
    if (this.#isHidden) {
      this.#capture({ kind: "paused" });
      return;
    }
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
    this.#watcher = new Watcher(model.contract);
    // A photo that was picked while the camera opened is judged, and asked about, first.
    if (this.#isBusy) this.#camera = info;
    else this.#live(info);
  }

  /** Whether a photo is judged or asked about: nothing else may take the place of that. */
  get #isBusy(): boolean {
    const { kind } = this.#state.capture;
    return kind === "judging" || kind === "question" || kind === "shown";
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
    this.#capture({ kind: "live", camera, seen: null });
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
      if (frame === null) return;
      if (loop !== this.#loop) {
        frame.close();
        return;
      }
      try {
        const verdict = await this.#world.scorer.frame(frame, { crops: this.#state.settings.crops });
        const { capture } = this.#state;
        if (loop !== this.#loop || this.#watcher === null || capture.kind !== "live") return;
        const seen = this.#watcher.add(verdict, frame.timeS);
        this.#set({ latency: this.#latency.add(verdict.ms), capture: { ...capture, seen } });
      } catch (failure) {
        if (loop !== this.#loop) return;
        this.#stopCamera();
        const reason = messageOf(failure);
        if (failure instanceof PhotoError) this.#capture({ kind: "blocked", problem: "unreadable", reason });
        else this.#set({ model: { kind: "refused", name: model.contract.name, reason } });
        return;
      }
    }
  }

  #lost(session: number): void {
    if (session !== this.#session) return;
    this.#freeCamera();
    // A photo that is there already is still judged, and a question about it answered.
    if (!this.#isBusy) this.#capture({ kind: "blocked", problem: "lost" });
  }

  /** Closes the camera; what is judged or asked about stays. */
  #freeCamera(): void {
    this.#session += 1;
    this.#loop += 1;
    this.#camera = null;
    this.#world.camera.close();
    if (this.#state.capture.kind === "judging") this.#capture({ kind: "judging", camera: null });
  }

  #stopCamera(): void {
    this.#freeCamera();
    if (!this.#isBusy) this.#capture({ kind: "waiting" });
  }

  /** The page is no longer seen: the camera is somebody else's meanwhile. */
  pause(): void {
    this.#isHidden = true;
    this.#bench.leave();
    const isOn = this.#isBusy || ["live", "opening"].includes(this.#state.capture.kind);
    if (!isOn) return;
    this.#freeCamera();
    // A photo is judged and a question stays until it is answered; the camera is opened again after it.
    if (!this.#isBusy) this.#capture({ kind: "paused" });
  }

  async resume(): Promise<void> {
    this.#isHidden = false;
    if (this.#state.capture.kind === "paused" && this.#state.screen === "capture") await this.openCamera();
  }

  // Photos

  /** The shutter. */
  async shoot(): Promise<void> {
    const model = this.#model;
    if (this.#state.capture.kind === "live" && model !== null) await this.#work(() => this.#take(model));
  }

  /** Photos out of files, one after the other. */
  async pickPhotos(files: readonly Blob[]): Promise<void> {
    const model = this.#model;
    if (model === null || this.#job !== null) {
      const rule = model === null ? "a model must be ready first" : "the photo before it must be done first";
      this.#tell({ kind: "photo-refused", reason: `${rule}; choose it again` });
      return;
    }
    await this.#work(async () => {
      for (const file of files) {
        this.#loop += 1;
        this.#capture({ kind: "judging", camera: this.#camera });
        const how = { taken: this.#world.now(), source: "gallery" } as const;
        await this.#consider(model, file, how, null).catch((failure: unknown) => this.#refusePhoto(failure));
      }
      return null;
    });
  }

  /** One job to its end, and back to the camera unless that failed. */
  async #work(job: () => Promise<CameraProblem | null>): Promise<void> {
    this.#job = job();
    const problem = await this.#job;
    this.#job = null;
    if (problem === null) return this.#backToCamera();
    this.#freeCamera();
    this.#capture({ kind: "blocked", problem });
  }

  async #take(model: ModelInfo): Promise<CameraProblem | null> {
    const session = this.#session;
    const taken = this.#world.now();
    this.#loop += 1;
    this.#capture({ kind: "judging", camera: this.#camera });
    try {
      this.#isTaking = true;
      const still = await this.#world.camera.still().finally(() => (this.#isTaking = false));
      // Whoever left meanwhile left the camera to the still.
      if (this.#state.screen !== "capture") this.#freeCamera();
      await this.#consider(model, still.photo, { taken, source: "shutter" }, still.lens);
    } catch (failure) {
      if (!(failure instanceof CameraError)) this.#refusePhoto(failure);
      else if (session === this.#session) return failure.problem;
      else this.#tell({ kind: "not-kept" });
    }
    return null;
  }

  #refusePhoto(failure: unknown): void {
    this.#tell({ kind: "photo-refused", reason: messageOf(failure) });
  }

  async #backToCamera(): Promise<void> {
    const isShown = this.#state.screen === "capture" && !this.#isHidden;
    if (isShown && this.#camera !== null) return this.#live(this.#camera);
    this.#freeCamera();
    this.#capture({ kind: "waiting" });
    await this.#approachIfShown();
  }

  /** Judges a photo, asks where it should be taken again, and keeps it; or shows what no record has a place for. */
  async #consider(
    model: ModelInfo,
    photo: Blob,
    how: Pick<Capture, "taken" | "source">,
    lens: Lens | null,
  ): Promise<void> {
    const judged = await this.#world.scorer.photo(photo, { crops: this.#state.settings.crops });
    const { verdict } = judged;
    this.#set({ latency: this.#latency.add(verdict.ms) });
    if (verdict instanceof RegionsVerdict || !isRecordable(model.contract)) {
      await this.#ask({ kind: "shown", photo, seen: seenIn(verdict, model.contract) });
      return;
    }
    const { format } = judged;
    if (format === null) {
      throw new PhotoError("a photo that is kept must be a JPEG, PNG or WebP file, got another kind; save it as JPEG");
    }
    const answer = answerOf(verdict, model.contract);
    const asks = wantsRetake(answer);
    if (asks && !(await this.#ask({ kind: "question", photo, answer, source: how.source }))) {
      this.#tell({ kind: "not-kept" });
      return;
    }
    const kept = asks ? "kept-anyway" : "as-is";
    const record = recordOf(
      { ...how, judged: { ...judged, verdict, format }, kept },
      newId(how.taken, this.#world.random(4)),
      model,
      this.#world.origin,
    );
    try {
      await this.#world.store.add({ record, lens, thumbnail: judged.thumbnail }, photo);
      this.#tell({ kind: "saved" });
    } catch (failure) {
      this.#tell(storageNotice("photo", failure));
    }
  }

  #ask(question: CaptureState): Promise<boolean> {
    return new Promise((decide) => {
      this.#decide = decide;
      this.#capture(question);
    });
  }

  /** The answer to "take it again or keep it anyway?"; what is only shown is put away by either. */
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
    if (!this.#isTaking) this.#stopCamera();
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
      this.#tell(storageNotice("settings", failure));
    }
    if (settings.threads !== before.threads && this.#model !== null) await this.#loadAnew();
  }

  dismissNotice(): void {
    this.#tell(null);
  }

  // Newer pages

  /** A newer page was fetched and waits. */
  updateIsReady(): void {
    this.#set({ hasUpdate: true });
  }

  dismissUpdate(): void {
    this.#set({ hasUpdate: false });
  }

  /** "Use it now". */
  takeUpdate(): void {
    this.#wantsUpdate = true;
    if (this.#isReloadDue) this.#reloadIfFree();
    else this.#world.takeUpdate();
  }

  /** A newer page answers from now on: this tab wanted it, or another one. */
  updateIsTaken(): void {
    this.#isReloadDue = true;
    this.#reloadIfFree();
  }

  /** In a tab whose user did not ask for it, a reload waits until nothing is lost by it. */
  #reloadIfFree(): void {
    if (!this.#isReloadDue || !(this.#wantsUpdate || this.#isIdle)) return;
    this.#isReloadDue = false;
    this.#world.reload();
  }

  get #isIdle(): boolean {
    const { model, history, bench } = this.#state;
    const isWorking = model.kind === "loading" || history.kind === "exporting" || bench.kind === "running";
    return this.#job === null && !isWorking && !this.#bench.isUnsaved;
  }

  // History

  async showHistory(): Promise<void> {
    // An export shows where it is, and the list when it is done.
    const isExporting = (): boolean => this.#state.history.kind === "exporting";
    if (!isExporting()) await this.#listHistory(isExporting);
  }

  /** @param isLate whether something else took the list's place while it was read */
  async #listHistory(isLate: () => boolean = () => false): Promise<void> {
    try {
      const entries = await this.#world.store.entries();
      if (isLate()) return;
      const items = entries.slice(0, this.#shownHistory);
      const labelled = entries.filter(({ record }) => record.truth !== null).length;
      this.#set({
        history: items.length === 0 ? { kind: "empty" } : { kind: "list", items, total: entries.length, labelled },
      });
    } catch (failure) {
      if (!isLate()) this.#set({ history: { kind: "unreadable", reason: messageOf(failure) } });
    }
  }

  async showMoreHistory(): Promise<void> {
    this.#shownHistory += PAGE_OF_HISTORY;
    await this.showHistory();
  }

  /** "That was right", "it was …", or null for neither. */
  async setTruth(id: string, truth: string | null): Promise<void> {
    await this.#changeHistory("truth", () => this.#world.store.setTruth(id, truth));
  }

  async removeCaptures(ids: readonly string[]): Promise<void> {
    await this.#changeHistory("removal", () => this.#world.store.remove(ids));
  }

  /** All that are stored, also those beyond the list. */
  async removeAll(): Promise<void> {
    await this.#changeHistory("removal", async () => {
      const entries = await this.#world.store.entries();
      await this.#world.store.remove(entries.map(({ record }) => record.id));
    });
  }

  async #changeHistory(what: Storable, change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (failure) {
      this.#tell(storageNotice(what, failure));
    }
    await this.showHistory();
  }

  photoOf(id: string): Promise<Blob> {
    return this.#world.store.photo(id);
  }

  /** All captures to one file, or as many as it may hold, newest first; the next export goes on behind them. */
  async exportHistory(): Promise<void> {
    const { history } = this.#state;
    if (history.kind !== "list") return;
    const tell = (done: number, total: number): void => this.#set({ history: { kind: "exporting", done, total } });
    tell(0, history.total);
    try {
      const entries = await this.#world.store.entries();
      const behind = entries.filter(({ record }) => this.#exportedTo !== null && record.id < this.#exportedTo);
      const left = behind.length > 0 ? behind : entries;
      const created = this.#world.now();
      const photo = (id: string): Promise<Blob> => this.#world.store.photo(id);
      const { zip, photos } = await exportCaptures(left, photo, this.#world.origin, created, tell);
      this.#world.save(zip, `edgekit-captures-${newId(created, this.#world.random(2))}.zip`);
      this.#exportedTo = photos < left.length ? left[photos - 1]!.record.id : null;
      this.#tell({ kind: "exported", photos, of: left.length });
    } catch (failure) {
      this.#tell({ kind: "export-failed", reason: messageOf(failure) });
    }
    await this.#listHistory();
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
    this.#reloadIfFree();
  }
}

function problemOf(failure: unknown): CameraProblem {
  if (failure instanceof CameraError) return failure.problem;
  throw failure;
}

function storageNotice(what: Storable, failure: unknown): Notice {
  return failure instanceof StorageFullError
    ? { kind: "storage-full", what }
    : { kind: "storage-failed", what, reason: messageOf(failure) };
}
