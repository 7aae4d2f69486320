/** Draws UiState and turns presses into calls of the presenter. Nothing is decided here. */

import { drawBoxes } from "./boxes.ts";
import { byId, icon, make, setHidden, setIcon, setText, showBlob, tableOf } from "./elements.ts";
import type { Presenter } from "./presenter.ts";
import { MAX_CROPS } from "./settings.ts";
import type { Answer, HistoryItem, HistoryState, Screen, Seen, UiState } from "./state.ts";
import { languageFor, sayer, type Key, type Language, type Say } from "./strings.ts";
import * as words from "./words.ts";

/** More labels than these are a list to choose from. */
const MOST_BUTTONS = 12;
const SCREENS: readonly Screen[] = ["capture", "history", "bench", "settings"];

export class View {
  #say: Say = sayer("en");
  #language: Language | null = null;
  #shown: UiState | null = null;
  #presenter: Presenter | null = null;
  #spoken: string | null = null;
  #opened: HistoryItem | null = null;

  /** Connects every control; the presenter must be the one whose states are drawn. */
  connect(presenter: Presenter): void {
    this.#presenter = presenter;
    const on = (id: string, act: () => unknown): void => byId(id).addEventListener("click", act);
    on("shutter", () => presenter.shoot());
    on("torch", () => presenter.toggleTorch());
    on("switch", () => presenter.switchCamera());
    on("pick", () => byId("photo-file").click());
    on("choose-model", () => byId("model-file").click());
    on("own-model", () => presenter.forgetPickedModel());
    on("export", () => presenter.exportHistory());
    on("history-more", () => presenter.showMoreHistory());
    on("remove-all", () => this.#removeAll());
    on("bench-quick", () => presenter.startBench(true));
    on("bench-usual", () => presenter.startBench(false));
    on("bench-stop", () => presenter.stopBench());
    on("bench-export", () => presenter.exportBench());
    on("notice-close", () => presenter.dismissNotice());
    on("update-close", () => presenter.dismissUpdate());
    on("update-take", () => presenter.takeUpdate());
    on("take-again", () => presenter.answerQuestion(false));
    on("keep-anyway", () => presenter.answerQuestion(true));
    on("shown-close", () => presenter.answerQuestion(false));
    on("details-close", () => this.#closeDetails());
    on("details-remove", () => this.#removeOpened());
    for (const button of document.querySelectorAll<HTMLButtonElement>("nav button")) {
      button.addEventListener("click", () => void presenter.goTo(button.dataset["screen"] as Screen));
    }
    this.#connectFiles(presenter);
    this.#connectSettings(presenter);
    // Escape is the answer that keeps nothing.
    for (const id of ["question", "shown"]) {
      byId(id).addEventListener("cancel", (event) => {
        event.preventDefault();
        presenter.answerQuestion(false);
      });
    }
    byId("details").addEventListener("close", () => this.#closeDetails());
  }

  #connectFiles(presenter: Presenter): void {
    const take = (id: string, use: (files: File[]) => void): void => {
      const input = byId<HTMLInputElement>(id);
      input.addEventListener("change", () => {
        const files = [...(input.files ?? [])];
        // The same file may be chosen again.
        input.value = "";
        if (files.length > 0) use(files);
      });
    };
    take("photo-file", (files) => void presenter.pickPhotos(files));
    take("model-file", ([file]) => file && void presenter.pickModel(file, file.name));
  }

  #connectSettings(presenter: Presenter): void {
    const crops = byId<HTMLInputElement>("set-crops");
    const own = byId<HTMLInputElement>("crops-auto");
    crops.addEventListener("input", () => this.#writeCrops(Number(crops.value)));
    crops.addEventListener("change", () => void presenter.changeSettings({ crops: Number(crops.value) }));
    own.addEventListener(
      "change",
      () => void presenter.changeSettings({ crops: own.checked ? null : Number(crops.value) }),
    );
    const select = (id: string, use: (value: string) => void): void => {
      const element = byId<HTMLSelectElement>(id);
      element.addEventListener("change", () => use(element.value));
    };
    select("set-threads", (value) => void presenter.changeSettings({ threads: Number(value) }));
    select(
      "set-language",
      (value) => void presenter.changeSettings({ language: value === "" ? null : (value as Language) }),
    );
    select("set-theme", (value) => void presenter.changeSettings({ theme: value as "system" | "light" | "dark" }));
  }

  show(state: UiState): void {
    const before = this.#shown;
    this.#shown = state;
    const isTranslated = this.#translate(state.settings.language ?? languageFor(navigator.languages));
    const isNew = (part: keyof UiState): boolean => isTranslated || before === null || before[part] !== state[part];
    if (isNew("screen")) this.#drawScreen(state, before);
    if (isNew("capture") || isNew("model")) this.#drawCapture(state);
    if (isNew("latency")) this.#drawLatency(state);
    if (isNew("history")) this.#drawHistory(state.history);
    if (isNew("bench") || isNew("model")) this.#drawBench(state);
    if (isNew("settings") || isNew("model")) this.#drawSettings(state);
    if (isNew("notice")) this.#drawNotice(state);
    if (isNew("hasUpdate")) setHidden(byId("update"), !state.hasUpdate);
  }

  /** Writes all fixed texts when the language changed. */
  #translate(language: Language): boolean {
    if (language === this.#language) return false;
    this.#language = language;
    this.#say = sayer(language);
    document.documentElement.lang = language;
    const write = (name: string, put: (element: HTMLElement, text: string) => void): void => {
      for (const element of document.querySelectorAll<HTMLElement>(`[data-${name}]`)) {
        put(element, this.#say(element.getAttribute(`data-${name}`) as Key));
      }
    };
    write("say", setText);
    write("say-label", (element, text) => element.setAttribute("aria-label", text));
    write("say-title", (element, text) => element.setAttribute("title", text));
    write("say-alt", (element, text) => element.setAttribute("alt", text));
    return true;
  }

  #drawScreen({ screen }: UiState, before: UiState | null): void {
    for (const one of SCREENS) setHidden(byId(`screen-${one}`), one !== screen);
    for (const button of document.querySelectorAll<HTMLButtonElement>("nav button")) {
      if (button.dataset["screen"] === screen) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    }
    document.title = `${this.#say(screen)} – ${this.#say("title")}`;
    if (before !== null && before.screen !== screen) scrollTo({ top: 0 });
  }

  #drawCapture({ model, capture }: UiState): void {
    const say = this.#say;
    const camera = capture.kind === "live" || capture.kind === "judging" ? capture.camera : null;
    const isMirrored = camera?.facing === "user";
    const video = byId<HTMLVideoElement>("video");
    setHidden(video, camera === null);
    video.classList.toggle("is-mirrored", isMirrored);
    this.#drawCard(words.cardOf(say, model, capture));
    const seen = words.asShown(capture.kind === "live" ? capture.seen : null, isMirrored);
    const isShown = camera !== null && model.kind === "ready";
    setHidden(byId("verdict"), !isShown);
    if (isShown) this.#drawVerdict(seen, capture.kind === "judging");
    this.#drawBoxes("live-boxes", seen, isMirrored);
    this.#announce(seen);
    byId<HTMLButtonElement>("shutter").disabled = capture.kind !== "live";
    byId<HTMLButtonElement>("pick").disabled =
      model.kind !== "ready" || ["judging", "question", "shown"].includes(capture.kind);
    const torch = byId("torch");
    setHidden(torch, !camera?.hasTorch);
    torch.setAttribute("aria-pressed", String(camera?.isTorchOn ?? false));
    setHidden(byId("switch"), (camera?.cameras ?? 0) < 2);
    const chip = byId("model-chip");
    setHidden(chip, model.kind !== "ready");
    if (model.kind === "ready") setText(chip, model.model.contract.name);
    this.#drawQuestion(capture);
    this.#drawShown(capture);
  }

  #drawVerdict(seen: Seen | null, isJudging: boolean): void {
    const tone = words.seenTone(seen);
    byId("verdict").dataset["tone"] = tone;
    setIcon(byId<SVGElement>("verdict-icon"), words.ICON_OF[tone]);
    setText(byId("verdict-text"), isJudging ? this.#say("judging") : words.seenText(this.#say, seen));
    setText(byId("verdict-detail"), words.seenDetail(this.#say, seen));
  }

  #drawBoxes(id: string, seen: Seen | null, isMirrored: boolean): void {
    drawBoxes(byId(id), seen, isMirrored, (answer) => words.labelText(this.#say, answer));
  }

  /** Speaks a verdict when it is another one than before, not with every frame. */
  #announce(seen: Seen | null): void {
    if (seen === null) return;
    const text = words.seenText(this.#say, seen);
    if (text !== this.#spoken) setText(byId("announcer"), text);
    this.#spoken = text;
  }

  #drawCard(card: words.Card | null): void {
    setHidden(byId("card"), card === null);
    if (card === null) return;
    setIcon(byId<SVGElement>("card-icon"), card.icon);
    setText(byId("card-title"), card.title);
    setText(byId("card-text"), card.text);
    const reason = byId("card-reason");
    setHidden(reason, card.reason === null);
    setText(reason, card.reason ?? "");
    const does = {
      open: () => void this.#presenter?.openCamera(),
      "pick-photo": () => byId("photo-file").click(),
      "choose-model": () => byId("model-file").click(),
      "own-model": () => void this.#presenter?.forgetPickedModel(),
    };
    byId("card-actions").replaceChildren(
      ...card.actions.map((action, place) =>
        make("button", {
          type: "button",
          textContent: action.text,
          className: place === 0 ? "main" : "",
          onclick: does[action.does],
        }),
      ),
    );
    const isAlarm = card.reason !== null;
    if (isAlarm) setText(byId("announcer"), `${card.title}. ${card.reason}`);
  }

  #drawQuestion(capture: UiState["capture"]): void {
    const dialog = byId<HTMLDialogElement>("question");
    if (capture.kind !== "question") {
      if (dialog.open) {
        dialog.close();
        showBlob(byId<HTMLImageElement>("question-photo"), null);
      }
      return;
    }
    const { answer, source, photo } = capture;
    const isAttack = answer.tone === "attack";
    setText(byId("question-title"), this.#say(isAttack ? "question-attack" : "question-unsure"));
    setText(byId("question-text"), this.#say(isAttack ? "question-attack-text" : "question-unsure-text"));
    setText(byId("take-again"), this.#say(source === "shutter" ? "take-again" : "leave-out"));
    this.#drawPill(byId("question-verdict"), answer, words.verdictDetail(this.#say, answer));
    if (!dialog.open) {
      showBlob(byId<HTMLImageElement>("question-photo"), photo);
      dialog.showModal();
    }
  }

  #drawShown(capture: UiState["capture"]): void {
    const dialog = byId<HTMLDialogElement>("shown");
    const photo = byId<HTMLImageElement>("shown-photo");
    if (capture.kind !== "shown") {
      if (!dialog.open) return;
      dialog.close();
      showBlob(photo, null);
      return;
    }
    const { seen } = capture;
    setText(byId("shown-title"), words.seenText(this.#say, seen));
    this.#drawBoxes("shown-boxes", seen, false);
    const answers = "regions" in seen ? seen.regions.map(({ answer }) => answer) : [seen];
    byId("shown-list").replaceChildren(
      ...answers.map((answer) => {
        const pill = make("li", { className: "pill" });
        this.#drawPill(pill, answer, words.verdictDetail(this.#say, answer));
        return pill;
      }),
    );
    if (dialog.open) return;
    showBlob(photo, capture.photo);
    dialog.showModal();
  }

  #drawPill(pill: HTMLElement, { tone }: Pick<Answer, "tone">, text: string): void {
    pill.dataset["tone"] = tone;
    pill.replaceChildren(icon(words.ICON_OF[tone]), text);
  }

  #drawLatency({ latency }: UiState): void {
    const say = this.#say;
    setText(byId("latency-line"), words.latencyLine(say, latency));
    byId("latency-table").replaceChildren(
      latency === null
        ? say("latency-none")
        : tableOf(
            say("latency-title"),
            [say("stage"), say("median-ms"), say("p95-ms")],
            words.latencyRows(say, latency),
          ),
    );
  }

  #drawHistory(history: HistoryState): void {
    const say = this.#say;
    const list = byId("history-list");
    for (const image of list.querySelectorAll("img")) showBlob(image, null);
    const items = history.kind === "list" ? history.items : [];
    list.replaceChildren(...items.map((item) => make("li", {}, this.#historyButton(item))));
    setHidden(byId("history-empty"), history.kind !== "empty");
    setHidden(byId("history-more"), history.kind !== "list" || history.items.length >= history.total);
    for (const id of ["export", "remove-all"]) byId<HTMLButtonElement>(id).disabled = history.kind !== "list";
    setText(byId("history-line"), this.#historyLine(history, say));
    const opened = this.#opened;
    if (opened !== null && history.kind === "list") {
      const now = items.find(({ record }) => record.id === opened.record.id);
      if (now !== undefined) this.#drawDetails(now);
    }
  }

  #historyLine(history: HistoryState, say: Say): string {
    switch (history.kind) {
      case "loading":
        return say("history-loading");
      case "empty":
        return "";
      case "list":
        return say("history-count", { count: history.total, labelled: history.labelled });
      case "exporting":
        return say("exporting", { done: history.done, total: history.total });
      case "unreadable":
        return say("history-unreadable", { reason: history.reason });
    }
  }

  get #model() {
    const model = this.#shown?.model;
    return model?.kind === "ready" ? model.model : null;
  }

  #time(record: HistoryItem["record"]): string {
    return new Date(record.taken).toLocaleString(this.#language ?? "en", { dateStyle: "short", timeStyle: "short" });
  }

  #historyButton(item: HistoryItem): HTMLButtonElement {
    const { record, thumbnail } = item;
    const tone = words.storedTone(record, this.#model);
    const answer: Answer = { tone, label: record.label, score: record.score, labels: null };
    const verdict = words.verdictText(this.#say, answer);
    const image = make("img", { alt: "" });
    showBlob(image, thumbnail);
    const pill = make("span", { className: "pill" });
    this.#drawPill(pill, answer, words.verdictDetail(this.#say, answer));
    const notes = [
      this.#time(record),
      ...(record.truth === null ? [] : [this.#say("truth-set", { label: record.truth })]),
      ...(record.kept === "kept-anyway" ? [this.#say("kept-anyway")] : []),
    ];
    const button = make(
      "button",
      { type: "button", onclick: () => void this.#openDetails(item) },
      image,
      pill,
      make("small", { textContent: notes.join(" · ") }),
    );
    button.setAttribute(
      "aria-label",
      this.#say("open-photo", { verdict: `${verdict}, ${words.labelText(this.#say, answer)}`, time: notes.join(", ") }),
    );
    return button;
  }

  async #openDetails(item: HistoryItem): Promise<void> {
    this.#opened = item;
    this.#drawDetails(item);
    const image = byId<HTMLImageElement>("details-photo");
    showBlob(image, item.thumbnail);
    byId<HTMLDialogElement>("details").showModal();
    const photo = await this.#presenter?.photoOf(item.record.id).catch(() => null);
    if (photo && this.#opened?.record.id === item.record.id) showBlob(image, photo);
  }

  #drawDetails({ record }: HistoryItem): void {
    const say = this.#say;
    const tone = words.storedTone(record, this.#model);
    const answer: Answer = { tone, label: record.label, score: record.score, labels: null };
    this.#drawPill(
      byId("details-verdict"),
      answer,
      `${words.verdictText(say, answer)} · ${words.verdictDetail(say, answer)}`,
    );
    byId<HTMLImageElement>("details-photo").alt = words.verdictText(say, answer);
    const milliseconds = Object.values(record.ms).reduce((sum, one) => sum + one, 0);
    setText(
      byId("details-line"),
      [
        this.#time(record),
        `${record.size_wh[0]} × ${record.size_wh[1]} px`,
        `${say("crops")}: ${record.crops.length}`,
        `${milliseconds.toFixed(0)} ms`,
        record.model.name,
        ...(record.source === "gallery" ? [say("from-gallery")] : []),
        ...(record.kept === "kept-anyway" ? [say("kept-anyway")] : []),
      ].join(" · "),
    );
    const labels = Object.keys(record.probabilities);
    const option = (text: string, truth: string | null): HTMLButtonElement => {
      const button = make("button", {
        type: "button",
        textContent: text,
        onclick: () => void this.#presenter?.setTruth(record.id, truth),
      });
      button.setAttribute("aria-pressed", String(record.truth === truth));
      return button;
    };
    const wrong = labels.filter((label) => label !== record.label);
    const others =
      wrong.length > MOST_BUTTONS
        ? [this.#truthList(record, wrong)]
        : wrong.map((label) => option(say("truth-was", { label }), label));
    const right = labels.includes(record.label) ? [option(say("truth-right"), record.label)] : [];
    this.#replaceKeepingFocus(byId("details-truth"), [...right, ...others, option(say("truth-none"), null)]);
  }

  /** Of many labels a list, the most probable first: a phone would draw ten thousand buttons for seconds. */
  #truthList(record: HistoryItem["record"], labels: readonly string[]): HTMLSelectElement {
    const say = this.#say;
    const shares = record.probabilities;
    const sorted = [...labels].sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0));
    const list = make(
      "select",
      { onchange: () => void this.#presenter?.setTruth(record.id, list.value === "" ? null : list.value) },
      make("option", { value: "", textContent: say("truth-other") }),
      ...sorted.map((label) => make("option", { value: label, textContent: label })),
    );
    list.setAttribute("aria-label", say("truth-other"));
    if (record.truth !== null && record.truth !== record.label) list.value = record.truth;
    return list;
  }

  /** The pressed button is made anew with its state: the keyboard must not fall out of the dialog. */
  #replaceKeepingFocus(parent: HTMLElement, children: HTMLElement[]): void {
    const at = [...parent.children].indexOf(document.activeElement as Element);
    parent.replaceChildren(...children);
    if (at >= 0) children[at]?.focus();
  }

  #closeDetails(): void {
    this.#opened = null;
    const dialog = byId<HTMLDialogElement>("details");
    if (dialog.open) dialog.close();
    showBlob(byId<HTMLImageElement>("details-photo"), null);
  }

  #removeOpened(): void {
    const opened = this.#opened;
    if (opened === null || !confirm(this.#say("remove-sure", { count: 1 }))) return;
    this.#closeDetails();
    void this.#presenter?.removeCaptures([opened.record.id]);
  }

  #removeAll(): void {
    const history = this.#shown?.history;
    if (history?.kind === "list" && confirm(this.#say("remove-sure", { count: history.total })))
      void this.#presenter?.removeAll();
  }

  #drawBench({ bench, model }: UiState): void {
    const say = this.#say;
    const isRunning = bench.kind === "running";
    for (const id of ["bench-quick", "bench-usual"]) {
      setHidden(byId(id), isRunning);
      byId<HTMLButtonElement>(id).disabled = model.kind !== "ready";
    }
    setHidden(byId("bench-stop"), !isRunning);
    setHidden(byId("bench-export"), bench.kind !== "finished");
    for (const button of document.querySelectorAll<HTMLButtonElement>("nav button")) button.disabled = isRunning;
    const progress = byId<HTMLProgressElement>("bench-progress");
    setHidden(progress, !isRunning);
    if (isRunning) Object.assign(progress, { max: bench.total, value: bench.done });
    const lines = {
      idle: () => (model.kind === "ready" ? "" : say("bench-no-model")),
      running: () => (bench.kind === "running" ? say("bench-running", { done: bench.done, total: bench.total }) : ""),
      finished: () => (bench.kind === "finished" ? say("bench-finished", { runs: bench.table.runs }) : ""),
      stopped: () => say("bench-stopped"),
      failed: () => (bench.kind === "failed" ? say("bench-failed", { reason: bench.reason }) : ""),
    };
    setText(byId("bench-line"), lines[bench.kind]());
    const head = [
      say("crops"),
      say("threads"),
      say("median-ms"),
      say("p95-ms"),
      say("decode"),
      say("crop"),
      say("invoke"),
      say("vote"),
    ];
    byId("bench-table").replaceChildren(
      ...(bench.kind === "finished" ? [tableOf(say("latency-title"), head, words.benchRows(say, bench.table))] : []),
    );
  }

  #writeCrops(count: number): void {
    setText(byId("crops-value"), this.#say("crops-exact", { crops: count }));
  }

  #drawSettings({ settings, model }: UiState): void {
    const say = this.#say;
    const planned = model.kind === "ready" ? model.model.contract.plan.crops : null;
    const crops = byId<HTMLInputElement>("set-crops");
    crops.max = String(MAX_CROPS);
    crops.value = String(settings.crops ?? planned ?? 10);
    byId<HTMLInputElement>("crops-auto").checked = settings.crops === null;
    if (settings.crops === null) setText(byId("crops-value"), say("crops-auto", { crops: planned ?? "–" }));
    else this.#writeCrops(settings.crops);
    byId<HTMLSelectElement>("set-threads").value = String(settings.threads);
    byId<HTMLSelectElement>("set-language").value = settings.language ?? "";
    byId<HTMLSelectElement>("set-theme").value = settings.theme;
    if (settings.theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = settings.theme;
    const refused = byId("model-refused");
    setHidden(refused, model.kind !== "refused");
    setText(refused, model.kind === "refused" ? `${model.name}: ${model.reason}` : "");
    const rows = model.kind === "ready" ? words.contractRows(say, model.model) : [];
    byId("contract").replaceChildren(
      ...rows.flatMap(([name, value]) => [
        make("dt", { textContent: name }),
        make("dd", { textContent: value, dir: "auto" }),
      ]),
    );
    setHidden(byId("own-model"), model.kind === "ready" && !model.model.isPicked);
  }

  #drawNotice({ notice }: UiState): void {
    setHidden(byId("notice"), notice === null);
    setText(byId("notice-text"), notice === null ? "" : words.noticeText(this.#say, notice));
  }
}
