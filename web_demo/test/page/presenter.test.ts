import assert from "node:assert/strict";
import test from "node:test";
import { Contract, Decision, PhotoError } from "../../src/runtime/index.ts";
import { PAGE_OF_HISTORY, Presenter } from "../../src/page/presenter.ts";
import type {
  BenchState,
  CameraProblem,
  CaptureState,
  HistoryState,
  ModelState,
  Notice,
  Seen,
  UiState,
} from "../../src/page/state.ts";
import { CONTRACT, facesOf, knowing, KNOWING, newWorld, OF_FACES, settle, type FakeWorld } from "./world.ts";

/** Every kind that was ever shown, by part of the state: the last test holds that none is missing. */
const seen = {
  model: new Set<string>(),
  capture: new Set<string>(),
  problem: new Set<string>(),
  history: new Set<string>(),
  bench: new Set<string>(),
  notice: new Set<string>(),
};

function note({ model, capture, history, bench, notice }: UiState): void {
  seen.model.add(model.kind);
  seen.capture.add(capture.kind);
  if (capture.kind === "blocked") seen.problem.add(capture.problem);
  seen.history.add(history.kind);
  seen.bench.add(bench.kind);
  if (notice !== null) seen.notice.add(notice.kind);
}

function open(prepare: (world: FakeWorld) => void = () => undefined) {
  const world = newWorld();
  prepare(world);
  const states: UiState[] = [];
  const presenter = new Presenter(world, (state) => {
    note(state);
    states.push(state);
  });
  note(presenter.state);
  return { world, presenter, states };
}

async function live(prepare?: (world: FakeWorld) => void) {
  const opened = open(prepare);
  await opened.presenter.start();
  await settle();
  assert.equal(opened.presenter.state.capture.kind, "live");
  return opened;
}

/** The tone of what a live view sees of whole photos. */
const toneIn = (capture: CaptureState) =>
  capture.kind === "live" && capture.seen !== null && "tone" in capture.seen ? capture.seen.tone : null;

/** Read anew each time, which the compiler does not expect of a property. */
const historyOf = (presenter: Presenter): HistoryState => presenter.state.history;

test("a page with a model and a camera that is allowed goes live", async () => {
  const { world, states } = await live();
  assert.deepEqual([...new Set(states.map(({ capture }) => capture.kind))], ["waiting", "opening", "live"]);
  assert.equal(world.camera.isOpen, true);
});

test("a camera that the browser will ask for is explained first, and opens when the user says so", async () => {
  const { world, presenter } = open((one) => (one.camera.allowed = "prompt"));
  await presenter.start();
  assert.equal(presenter.state.capture.kind, "rationale");
  assert.equal(world.camera.isOpen, false);
  await presenter.openCamera();
  assert.equal(presenter.state.capture.kind, "live");
});

for (const problem of ["insecure", "denied", "none", "in-use", "lost"] as const satisfies readonly CameraProblem[]) {
  test(`a camera that can't be had (${problem}) is told of, and can be tried again`, async () => {
    const { world, presenter } = open((one) => (one.camera.problem = problem));
    await presenter.start();
    assert.deepEqual(presenter.state.capture, { kind: "blocked", problem });
    world.camera.problem = null;
    await presenter.openCamera();
    assert.equal(presenter.state.capture.kind, "live");
  });
}

test("a camera that is refused unasked is told of before it is opened", async () => {
  const { world, presenter } = open((one) => (one.camera.allowed = "denied"));
  await presenter.start();
  assert.deepEqual([presenter.state.capture, world.camera.opened], [{ kind: "blocked", problem: "denied" }, []]);
});

test("a page without a model asks for one, and a picked one is kept for the next start", async () => {
  const { world, presenter } = open((one) => (one.ownModel = null));
  await presenter.start();
  assert.deepEqual([presenter.state.model.kind, presenter.state.capture.kind], ["absent", "waiting"]);
  const file = new Blob(["picked"]);
  await presenter.pickModel(file, "mine.tflite");
  assert.equal(presenter.state.capture.kind, "live");
  assert.ok(presenter.state.model.kind === "ready" && presenter.state.model.model.isPicked);
  assert.equal(world.store.model, file);
});

test("a model that is refused is named with the rule, is not kept, and the page's own can be taken again", async () => {
  const { world, presenter } = await live();
  world.scorer.refusal = new Error("model was changed after it was made: SHA-256 must be …");
  await presenter.pickModel(new Blob(["bad"]), "bad.tflite");
  assert.deepEqual(presenter.state.model, {
    kind: "refused",
    name: "bad.tflite",
    reason: world.scorer.refusal.message,
  });
  assert.deepEqual([world.store.model, world.camera.isOpen], [null, false]);
  world.scorer.refusal = null;
  await presenter.forgetPickedModel();
  assert.equal(presenter.state.capture.kind, "live");
});

test("the live verdict is smoothed over frames, and latency is counted", async () => {
  const { world, presenter } = await live();
  world.camera.show(0.05);
  await settle();
  const first = presenter.state.capture;
  assert.ok(toneIn(first) === "genuine");
  // One blurred frame a moment later does not turn it.
  world.camera.show(0.9, 0.01);
  await settle();
  const second = presenter.state.capture;
  assert.ok(toneIn(second) === "genuine");
  world.camera.show(0.95, 5);
  await settle();
  const third = presenter.state.capture;
  assert.ok(toneIn(third) === "attack");
  assert.equal(presenter.state.latency?.verdicts, 3);
  assert.equal(presenter.state.latency?.total.p50, 7.5);
});

test("a frame is asked for when the last one is done: what comes meanwhile is dropped, not queued", async () => {
  const { world } = await live();
  world.camera.show(0.1);
  world.camera.show(0.2);
  world.camera.show(0.3);
  await settle();
  world.camera.show(0.4);
  await settle();
  assert.deepEqual(world.scorer.frames, [0.1, 0.4]);
});

test("a model that fails on a frame is refused and the camera freed", async () => {
  const { world, presenter } = await live();
  world.scorer.frameRefusal = new Error("scores must be probabilities");
  world.camera.show(0.1);
  await settle();
  assert.deepEqual(
    [presenter.state.model.kind, presenter.state.capture.kind, world.camera.isOpen],
    ["refused", "waiting", false],
  );
});

test("the shutter keeps a genuine photo as it is, with the verdict on the photo", async () => {
  const { world, presenter } = await live();
  await presenter.shoot();
  assert.deepEqual([presenter.state.notice, presenter.state.capture.kind], [{ kind: "saved" }, "live"]);
  const [row] = [...world.store.rows.values()];
  assert.equal(await row!.photo.text(), "still");
  const { record, lens } = row!.entry;
  assert.deepEqual(
    [record.kept, record.source, record.label, record.truth, record.photo, lens],
    ["as-is", "shutter", "genuine", null, `${record.id}.jpg`, "back"],
  );
  assert.match(record.id, /^20261130T0713\d{5}Z-9f9f9f9f$/);
});

for (const [attack, tone] of [
  [0.9, "attack"],
  [0.5, "unsure"],
] as const) {
  test(`a photo that looks like ${tone} is kept only when the user says so`, async () => {
    const { world, presenter } = await live((one) => (one.scorer.attack = attack));
    const again = presenter.shoot();
    await settle();
    const question = presenter.state.capture;
    assert.ok(question.kind === "question" && question.answer.tone === tone && question.source === "shutter");
    presenter.answerQuestion(false);
    await again;
    assert.deepEqual(
      [world.store.rows.size, presenter.state.notice?.kind, presenter.state.capture.kind],
      [0, "not-kept", "live"],
    );
    const keep = presenter.shoot();
    await settle();
    presenter.answerQuestion(true);
    await keep;
    assert.deepEqual(
      [...world.store.rows.values()].map(({ entry }) => entry.record.kept),
      ["kept-anyway"],
    );
  });
}

test("frames are left alone while a photo is judged, and watched again after it", async () => {
  const { world, presenter } = await live((one) => (one.scorer.attack = 0.9));
  const shot = presenter.shoot();
  await settle();
  world.camera.show(0.1);
  await settle();
  assert.deepEqual(world.scorer.frames, []);
  presenter.answerQuestion(false);
  await shot;
  world.camera.show(0.2);
  await settle();
  assert.deepEqual(world.scorer.frames, [0.2]);
});

test("without room nothing is stored, and it is said", async () => {
  const { world, presenter } = await live((one) => (one.store.isFull = true));
  await presenter.shoot();
  assert.deepEqual(
    [presenter.state.notice, world.store.rows.size, presenter.state.capture.kind],
    [{ kind: "storage-full", what: "photo" }, 0, "live"],
  );
});

test("storage that fails is told with its reason", async () => {
  const { world, presenter } = await live();
  world.store.isBroken = true;
  await presenter.shoot();
  assert.deepEqual(presenter.state.notice, {
    kind: "storage-failed",
    what: "photo",
    reason: "the disk does not answer",
  });
  await presenter.goTo("history");
  assert.deepEqual(presenter.state.history, { kind: "unreadable", reason: "the disk does not answer" });
});

test("a photo that can't be read is refused with the rule, and the next one goes on", async () => {
  const { world, presenter } = await live();
  world.scorer.photoRefusal = new PhotoError("a photo must be opaque");
  await presenter.pickPhotos([new Blob(["x"])]);
  assert.deepEqual(presenter.state.notice, { kind: "photo-refused", reason: "a photo must be opaque" });
  world.scorer.photoRefusal = null;
  await presenter.pickPhotos([new Blob(["y"]), new Blob(["z"])]);
  const records = [...world.store.rows.values()].map(({ entry }) => entry);
  assert.deepEqual(
    records.map(({ record, lens }) => [record.source, lens]),
    [
      ["gallery", null],
      ["gallery", null],
    ],
  );
});

test("photos of files work without a camera", async () => {
  const { world, presenter } = open((one) => (one.camera.problem = "none"));
  await presenter.start();
  await presenter.pickPhotos([new Blob(["y"])]);
  assert.deepEqual([world.store.rows.size, presenter.state.capture], [1, { kind: "blocked", problem: "none" }]);
});

test("a camera that goes away is told of; one that goes while a photo is taken, too", async () => {
  const { world, presenter } = await live();
  world.camera.lose();
  assert.deepEqual([presenter.state.capture, world.camera.isOpen], [{ kind: "blocked", problem: "lost" }, false]);
  await presenter.openCamera();
  world.camera.stillProblem = "lost";
  await presenter.shoot();
  assert.deepEqual([presenter.state.capture, world.store.rows.size], [{ kind: "blocked", problem: "lost" }, 0]);
});

test("a camera whose picture can't be taken any more is lost, and the live view does not stand still", async () => {
  const { world, presenter } = await live();
  world.camera.fail(new Error("the video has no data"));
  await settle();
  assert.deepEqual([presenter.state.capture, world.camera.isOpen], [{ kind: "blocked", problem: "lost" }, false]);
});

test("what an earlier camera still says is not listened to", async () => {
  const { world, presenter } = await live();
  const loseFirst = world.camera.lose;
  await presenter.switchCamera();
  loseFirst();
  assert.deepEqual([presenter.state.capture.kind, world.camera.opened], ["live", ["same", "next"]]);
});

test("the torch is switched, and one that does not answer is told of", async () => {
  const { world, presenter } = await live();
  await presenter.toggleTorch();
  assert.ok(presenter.state.capture.kind === "live" && presenter.state.capture.camera.isTorchOn);
  world.camera.hasWorkingTorch = false;
  await presenter.toggleTorch();
  assert.equal(presenter.state.notice?.kind, "torch-failed");
});

test("a page that is out of sight frees the camera, and takes it again", async () => {
  const { world, presenter } = await live();
  presenter.pause();
  assert.deepEqual([presenter.state.capture.kind, world.camera.isOpen], ["paused", false]);
  await presenter.resume();
  assert.equal(presenter.state.capture.kind, "live");
});

test("a question outlives the camera and the page's being in front", async () => {
  const { world, presenter } = await live((one) => (one.scorer.attack = 0.9));
  const shot = presenter.shoot();
  await settle();
  presenter.pause();
  world.camera.lose();
  assert.deepEqual([presenter.state.capture.kind, world.camera.isOpen], ["question", false]);
  presenter.answerQuestion(true);
  await shot;
  assert.deepEqual([world.store.rows.size, presenter.state.capture.kind], [1, "paused"]);
  await presenter.resume();
  assert.equal(presenter.state.capture.kind, "live");
});

for (const [what, problem, kind] of [
  ["opens", null, "live"],
  ["is found to be in use", "in-use", "blocked"],
] as const) {
  test(`a photo that is picked while the camera opens is asked about, also when the camera ${what} then`, async () => {
    const { world, presenter } = await live((one) => (one.scorer.attack = 0.9));
    await presenter.goTo("settings");
    let open!: () => void;
    world.camera.opening = new Promise((resolve) => (open = resolve));
    world.camera.problem = problem;
    const going = presenter.goTo("capture");
    await settle();
    const picked = presenter.pickPhotos([new Blob(["picked"])]);
    await settle();
    assert.equal(presenter.state.capture.kind, "question");
    open();
    await going;
    assert.equal(presenter.state.capture.kind, "question");
    presenter.answerQuestion(true);
    await picked;
    assert.deepEqual([world.store.rows.size, presenter.state.capture.kind], [1, kind]);
  });
}

test("another screen frees the camera, and coming back opens it", async () => {
  const { world, presenter } = await live();
  await presenter.goTo("settings");
  assert.deepEqual([presenter.state.capture.kind, world.camera.isOpen], ["waiting", false]);
  await presenter.goTo("capture");
  assert.equal(presenter.state.capture.kind, "live");
});

test("history lists the newest first, takes truths, and shows no more than a page at once", async () => {
  const { world, presenter } = await live();
  await presenter.goTo("history");
  assert.equal(presenter.state.history.kind, "empty");
  await presenter.goTo("capture");
  for (let photo = 0; photo < PAGE_OF_HISTORY + 1; photo++) await presenter.shoot();
  await presenter.goTo("history");
  const list = historyOf(presenter);
  assert.ok(list.kind === "list");
  assert.deepEqual([list.items.length, list.total, list.labelled], [PAGE_OF_HISTORY, PAGE_OF_HISTORY + 1, 0]);
  assert.ok(list.items[0]!.record.taken > list.items[1]!.record.taken);
  await presenter.setTruth(list.items[0]!.record.id, "recapture");
  await presenter.showMoreHistory();
  const more = historyOf(presenter);
  assert.ok(more.kind === "list" && more.labelled === 1 && more.items.length === more.total);
  await presenter.removeCaptures([more.items[0]!.record.id]);
  assert.equal(world.store.rows.size, PAGE_OF_HISTORY);
  await presenter.removeAll();
  assert.equal(presenter.state.history.kind, "empty");
});

test("an export is one file of all captures; one that fails leaves none", async () => {
  const { world, presenter } = await live();
  await presenter.shoot();
  await presenter.goTo("history");
  await presenter.exportHistory();
  assert.deepEqual([world.saved.length, presenter.state.notice], [1, { kind: "exported", photos: 1, of: 1 }]);
  assert.match(world.saved[0]!.name, /^edgekit-captures-[0-9A-Za-z-]+\.zip$/);
  world.store.photo = async () => Promise.reject(new Error("the photo is no longer stored"));
  await presenter.exportHistory();
  assert.deepEqual(
    [world.saved.length, presenter.state.notice?.kind, presenter.state.history.kind],
    [1, "export-failed", "list"],
  );
});

test("a sweep runs to its export; one that is stopped leaves nothing", async () => {
  const { world, presenter } = await live();
  await presenter.goTo("bench");
  await presenter.startBench(true);
  const { bench } = presenter.state;
  assert.ok(bench.kind === "finished");
  // 1, 3, 4 (the contract's own), 5 and 10 crops and the early end, for one thread and for two.
  assert.deepEqual([bench.table.lines.length, world.scorer.runners], [12, 0]);
  await presenter.exportBench();
  assert.match(world.saved[0]!.name, /^edgekit-bench-/);
  const running = presenter.startBench(false);
  presenter.stopBench();
  await running;
  assert.deepEqual([presenter.state.bench.kind, world.scorer.runners], ["stopped", 0]);
  await presenter.exportBench();
  assert.equal(world.saved.length, 1);
});

test("a sweep that leaves the front ends, and one whose model fails says why", async () => {
  const { world, presenter } = await live();
  await presenter.goTo("bench");
  const running = presenter.startBench(false);
  presenter.pause();
  await running;
  assert.equal(presenter.state.bench.kind, "stopped");
  world.scorer.runner = () => Promise.reject(new Error("no memory"));
  await presenter.startBench(true);
  assert.deepEqual(presenter.state.bench, { kind: "failed", reason: "no memory" });
});

test("a sweep with a coarse clock is refused before it runs", async () => {
  const { presenter } = await live((one) => (one.tickMs = () => 1));
  await presenter.goTo("bench");
  await presenter.startBench(true);
  const { bench } = presenter.state;
  assert.ok(bench.kind === "failed" && /must tick every 0.1 ms or faster, got 1.00 ms; reload/.test(bench.reason));
});

test("settings are kept and used: crops for frames, threads for the model", async () => {
  const { world, presenter } = await live();
  await presenter.changeSettings({ crops: 7 });
  world.camera.show(0.1);
  await settle();
  world.camera.show(0.1);
  await settle();
  assert.equal(world.scorer.asked.at(-1), 7);
  let threads = 0;
  const load = world.scorer.load.bind(world.scorer);
  world.scorer.load = (async (_: Blob, count: number) => {
    threads = count;
    return load();
  }) as typeof world.scorer.load;
  await presenter.changeSettings({ threads: 2 });
  assert.deepEqual(
    [threads, world.store.kept.threads, world.store.kept.crops, presenter.state.capture.kind],
    [2, 2, 7, "live"],
  );
});

/** What a test lets go on when it is time. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open!: () => void;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

const FILES = ["one", "two", "three"].map((name) => new Blob([name]));

test("a page that is hidden while a photo is judged frees the camera, and opens it when it is seen again", async () => {
  const { world, presenter } = await live();
  const judging = gate();
  world.scorer.judging = judging.passed;
  const shot = presenter.shoot();
  await settle();
  presenter.pause();
  assert.deepEqual([presenter.state.capture, world.camera.isOpen], [{ kind: "judging", camera: null }, false]);
  judging.open();
  await shot;
  assert.deepEqual([presenter.state.capture.kind, world.camera.isOpen, world.store.rows.size], ["paused", false, 1]);
  await presenter.resume();
  assert.deepEqual([presenter.state.capture.kind, world.camera.isOpen], ["live", true]);
});

test("a page that is hidden while the still is taken frees the camera, and says that nothing was kept", async () => {
  const { world, presenter } = await live();
  const taking = gate();
  world.camera.taking = taking.passed;
  const shot = presenter.shoot();
  await settle();
  presenter.pause();
  assert.equal(world.camera.isOpen, false);
  taking.open();
  await shot;
  assert.deepEqual(
    [presenter.state.capture.kind, world.camera.isOpen, presenter.state.notice?.kind, world.store.rows.size],
    ["paused", false, "not-kept", 0],
  );
});

for (const screen of ["history", "bench", "settings"] as const) {
  test(`from the shutter to ${screen}: the camera stays for the still alone, and the photo is kept`, async () => {
    const { world, presenter } = await live();
    const [taking, judging] = [gate(), gate()];
    world.camera.taking = taking.passed;
    world.scorer.judging = judging.passed;
    const shot = presenter.shoot();
    await settle();
    await presenter.goTo(screen);
    assert.deepEqual([world.camera.isOpen, presenter.state.capture.kind], [true, "judging"]);
    taking.open();
    await settle();
    assert.equal(world.camera.isOpen, false);
    judging.open();
    await shot;
    assert.deepEqual(
      [world.store.rows.size, world.camera.isOpen, presenter.state.capture.kind],
      [1, false, "waiting"],
    );
    await presenter.goTo("capture");
    assert.equal(presenter.state.capture.kind, "live");
  });

  test(`from a photo that is judged to ${screen}: the camera is freed at once`, async () => {
    const { world, presenter } = await live();
    const judging = gate();
    world.scorer.judging = judging.passed;
    const shot = presenter.shoot();
    await settle();
    await presenter.goTo(screen);
    assert.equal(world.camera.isOpen, false);
    judging.open();
    await shot;
    assert.deepEqual([world.store.rows.size, world.camera.isOpen], [1, false]);
  });
}

test("a page that is hidden while its model loads opens no camera before it is seen", async () => {
  const { world, presenter } = open();
  const loading = gate();
  const load = world.scorer.load.bind(world.scorer);
  world.scorer.load = async () => (await loading.passed, load());
  const started = presenter.start();
  await settle();
  presenter.pause();
  loading.open();
  await started;
  assert.deepEqual([presenter.state.capture.kind, world.camera.opened], ["paused", []]);
  await presenter.resume();
  assert.deepEqual([presenter.state.capture.kind, world.camera.isOpen], ["live", true]);
});

test("a page that is hidden while the camera opens frees it", async () => {
  const { world, presenter } = open();
  const opening = gate();
  world.camera.opening = opening.passed;
  const started = presenter.start();
  await settle();
  presenter.pause();
  opening.open();
  await started;
  assert.deepEqual([presenter.state.capture.kind, world.camera.isOpen], ["paused", false]);
});

test("photos are judged to the last one before another model is loaded", async () => {
  const { world, presenter } = await live();
  const [judging, loading] = [gate(), gate()];
  world.scorer.judging = judging.passed;
  const load = world.scorer.load.bind(world.scorer);
  world.scorer.load = async () => (await loading.passed, load());
  const picked = presenter.pickPhotos(FILES);
  await presenter.goTo("settings");
  const changed = presenter.changeSettings({ threads: 2 });
  await settle();
  assert.deepEqual([presenter.state.model.kind, presenter.state.settings.threads], ["ready", 2]);
  judging.open();
  await settle();
  assert.deepEqual([world.store.rows.size, presenter.state.model.kind], [FILES.length, "loading"]);
  loading.open();
  await Promise.all([picked, changed]);
  assert.deepEqual([world.store.rows.size, presenter.state.model.kind], [FILES.length, "ready"]);
});

test("a question outlives a model that is picked: it is answered, then the model is loaded", async () => {
  const { world, presenter } = await live((one) => (one.scorer.attack = 0.9));
  const picked = presenter.pickPhotos(FILES);
  await settle();
  const other = presenter.pickModel(new Blob(["other"]), "other.tflite");
  await settle();
  for (const _ of FILES) {
    assert.equal(presenter.state.capture.kind, "question");
    presenter.answerQuestion(true);
    await settle();
  }
  await Promise.all([picked, other]);
  assert.equal(world.store.rows.size, FILES.length);
  assert.ok(presenter.state.model.kind === "ready" && presenter.state.model.model.file === "other.tflite");
  assert.equal(presenter.state.capture.kind, "live");
});

test("a camera that goes while picked photos are judged loses none of them", async () => {
  const { world, presenter } = await live();
  const judging = gate();
  world.scorer.judging = judging.passed;
  const picked = presenter.pickPhotos(FILES);
  await settle();
  world.camera.lose();
  assert.equal(presenter.state.capture.kind, "judging");
  await presenter.pickPhotos([new Blob(["meanwhile"])]);
  const refused = presenter.state.notice;
  assert.ok(refused?.kind === "photo-refused" && /the photo before it must be done first/.test(refused.reason));
  judging.open();
  await picked;
  assert.deepEqual([world.store.rows.size, presenter.state.capture.kind], [FILES.length, "live"]);
});

test("a photo that is picked before there is a model is refused with a word", async () => {
  const { presenter } = open((one) => (one.ownModel = null));
  await presenter.start();
  await presenter.pickPhotos(FILES);
  const { notice } = presenter.state;
  assert.ok(notice?.kind === "photo-refused" && /a model must be ready first/.test(notice.reason));
});

for (const [what, end] of [
  ["arrives", async () => ({ content: new Blob(["own"]), name: "own.tflite" })],
  ["fails", async () => Promise.reject(new Error("no network"))],
] as const) {
  test(`the page's own model that ${what} after another one was picked changes nothing`, async () => {
    const { world, presenter } = open();
    const download = gate();
    world.bundled.model = async () => (await download.passed, end());
    const started = presenter.start();
    await settle();
    const file = new Blob(["picked"]);
    await presenter.pickModel(file, "picked.tflite");
    download.open();
    await started;
    assert.ok(presenter.state.model.kind === "ready");
    assert.deepEqual(
      [presenter.state.model.model.file, presenter.state.model.model.isPicked, world.store.model],
      ["picked.tflite", true, file],
    );
    assert.equal(presenter.state.capture.kind, "live");
  });
}

test("a picture that the browser does not give as it is stops the live view, and the model stays", async () => {
  const { world, presenter } = await live();
  world.scorer.frameRefusal = new PhotoError("this browser changes the pixels");
  world.camera.show(0.1);
  await settle();
  assert.deepEqual(presenter.state.capture, {
    kind: "blocked",
    problem: "unreadable",
    reason: "this browser changes the pixels",
  });
  assert.deepEqual([presenter.state.model.kind, world.camera.isOpen], ["ready", false]);
});

test("a picture that comes after the live view has ended is freed", async () => {
  const { world, presenter } = await live();
  const judging = gate();
  world.scorer.judging = judging.passed;
  const shot = presenter.shoot();
  world.camera.show("late");
  await settle();
  assert.deepEqual(world.camera.freed, ["late"]);
  judging.open();
  await shot;
});

test("what found no room is named", async () => {
  const { world, presenter } = await live();
  await presenter.shoot();
  await presenter.goTo("history");
  world.store.isFull = true;
  const list = historyOf(presenter);
  assert.ok(list.kind === "list");
  for (const [what, act] of [
    ["truth", () => presenter.setTruth(list.items[0]!.record.id, "genuine")],
    ["settings", () => presenter.changeSettings({ crops: 3 })],
    ["model", () => presenter.pickModel(new Blob(["large"]), "large.tflite")],
  ] as const) {
    await act();
    assert.deepEqual(presenter.state.notice, { kind: "storage-full", what });
  }
  assert.ok(presenter.state.model.kind === "ready" && presenter.state.model.model.file === "large.tflite");
});

test("an export with too many verdicts ends where it must, and the next one goes on", async () => {
  const { world, presenter } = await live();
  for (let photo = 0; photo < 5; photo++) await presenter.shoot();
  // Three lines of 20 MiB fit into 64.
  const app = "x".repeat(20 * 1024 * 1024);
  for (const [id, { entry, photo }] of world.store.rows)
    world.store.rows.set(id, { photo, entry: { ...entry, record: { ...entry.record, app } } });
  await presenter.goTo("history");
  const told: unknown[] = [];
  for (let turn = 0; turn < 3; turn++) {
    await presenter.exportHistory();
    told.push(presenter.state.notice);
  }
  assert.deepEqual(told, [
    { kind: "exported", photos: 3, of: 5 },
    { kind: "exported", photos: 2, of: 2 },
    { kind: "exported", photos: 3, of: 5 },
  ]);
});

test("history that is left and shown again leaves a running export alone", async () => {
  const { world, presenter, states } = await live();
  await presenter.shoot();
  await presenter.goTo("history");
  const reading = gate();
  const photo = world.store.photo.bind(world.store);
  world.store.photo = async (id) => (await reading.passed, photo(id));
  const exported = presenter.exportHistory();
  await settle();
  const began = states.length;
  await presenter.goTo("settings");
  await presenter.goTo("history");
  await presenter.exportHistory();
  assert.ok(states.slice(began).every(({ history }) => history.kind === "exporting"));
  reading.open();
  await exported;
  assert.deepEqual([presenter.state.history.kind, world.saved.length], ["list", 1]);
});

test("a sweep that leaves the front during its last runs ends, too", async () => {
  const { world, presenter } = await live();
  await presenter.goTo("bench");
  let runs = 0;
  let leavesAt = Infinity;
  const runner = world.scorer.runner.bind(world.scorer);
  world.scorer.runner = async () => {
    const one = await runner();
    const classify: typeof one.classify = (photo, crops) => {
      if (++runs === leavesAt) presenter.pause();
      return one.classify(photo, crops);
    };
    return { ...one, classify };
  };
  await presenter.startBench(true);
  assert.equal(presenter.state.bench.kind, "finished");
  [leavesAt, runs] = [runs - 2, 0];
  await presenter.startBench(true);
  assert.equal(presenter.state.bench.kind, "stopped");
});

test("a sweep over photos of other labels than the model's is refused before it runs", async () => {
  const { world, presenter } = await live((one) => (one.benchLabels = ["genuine", "cola", "tea"]));
  await presenter.goTo("bench");
  await presenter.startBench(true);
  assert.deepEqual(presenter.state.bench, {
    kind: "failed",
    reason:
      "the photos of this page have the labels cola, tea, the model knows genuine, recapture; write the page with photos of the model's own (edgekit web --data)",
  });
  assert.equal(world.scorer.runners, 0);
});

test("a newer page is offered until it is taken or waved off, whatever else is told", async () => {
  const { world, presenter } = await live();
  presenter.updateIsReady();
  await presenter.shoot();
  presenter.dismissNotice();
  assert.deepEqual([presenter.state.hasUpdate, presenter.state.notice], [true, null]);
  presenter.takeUpdate();
  assert.deepEqual(world.updates, ["take"]);
  presenter.updateIsTaken();
  assert.deepEqual(world.updates, ["take", "reload"]);
  presenter.dismissUpdate();
  assert.equal(presenter.state.hasUpdate, false);
});

test("a newer page that another tab took waits until this one has done its photo, or is told to begin", async () => {
  const { world, presenter } = await live((one) => (one.scorer.attack = 0.9));
  const shot = presenter.shoot();
  await settle();
  presenter.updateIsTaken();
  assert.deepEqual([presenter.state.capture.kind, world.updates], ["question", []]);
  presenter.answerQuestion(true);
  await shot;
  assert.deepEqual([world.store.rows.size, world.updates], [1, ["reload"]]);
  const again = presenter.shoot();
  await settle();
  presenter.updateIsTaken();
  presenter.takeUpdate();
  assert.deepEqual(world.updates, ["reload", "reload"]);
  presenter.answerQuestion(false);
  await again;
});

test("a newer page that another tab took waits for a sweep, and for its export", async () => {
  const { world, presenter } = await live();
  await presenter.goTo("bench");
  const running = presenter.startBench(true);
  presenter.updateIsTaken();
  await running;
  assert.deepEqual([presenter.state.bench.kind, world.updates], ["finished", []]);
  await presenter.exportBench();
  assert.deepEqual(world.updates, ["reload"]);
});

/** Where faces are, and what is said of them, from left to right. */
const facesIn = (seen: Seen | null) =>
  seen !== null && "regions" in seen ? seen.regions.map(({ box, answer }) => [box.left, answer.label]) : seen;

test("faces of a live view are told from left to right, each with a steady answer of its own", async () => {
  const { world, presenter } = await live((one) => (one.scorer.contract = OF_FACES));
  const seenNow = (): Seen | null => {
    const { capture } = presenter.state;
    assert.ok(capture.kind === "live");
    return capture.seen;
  };
  world.camera.show(facesOf([300, 0.05], [20, 0.95]), 0.1);
  await settle();
  assert.deepEqual(facesIn(seenNow()), [
    [20, "recapture"],
    [300, "genuine"],
  ]);
  // One frame of another mind changes nothing, and who moves is still the same.
  world.camera.show(facesOf([40, 0.3], [310, 0.05]), 0.1);
  await settle();
  assert.deepEqual(facesIn(seenNow()), [
    [40, "recapture"],
    [310, "genuine"],
  ]);
  world.camera.show(facesOf(), 0.1);
  await settle();
  assert.deepEqual(facesIn(seenNow()), []);
  assert.equal(presenter.state.latency?.verdicts, 3);
});

test("a photo of faces is shown with what was found, is not kept, and the camera goes on after it", async () => {
  const { world, presenter } = await live((one) => (one.scorer.contract = OF_FACES));
  world.scorer.faces = facesOf([300, 0.05], [20, 0.95]);
  void presenter.shoot();
  await settle();
  const { capture } = presenter.state;
  assert.ok(capture.kind === "shown");
  assert.deepEqual(facesIn(capture.seen), [
    [20, "recapture"],
    [300, "genuine"],
  ]);
  presenter.answerQuestion(false);
  await settle();
  assert.deepEqual([presenter.state.capture.kind, world.store.rows.size, presenter.state.notice], ["live", 0, null]);
});

test("photos of files are shown one after the other", async () => {
  const { world, presenter } = await live((one) => (one.scorer.contract = OF_FACES));
  void presenter.pickPhotos([new Blob(["one"]), new Blob(["two"])]);
  for (const faces of [facesOf(), facesOf([20, 0.1])]) {
    world.scorer.faces = faces;
    await settle();
    assert.equal(presenter.state.capture.kind, "shown");
    presenter.answerQuestion(false);
  }
  await settle();
  assert.equal(presenter.state.capture.kind, "live");
});

test("what is unknown by a rule is kept as it is answered, and nobody is asked to take it again", async () => {
  const { world, presenter } = await live((one) => (one.scorer.contract = KNOWING));
  for (const [unknown, label, score] of [
    [0.8, "unknown", 0.8],
    [0.1, "apple", 0.75],
  ] as const) {
    world.scorer.said = knowing(unknown);
    await presenter.shoot();
    const { record } = (await world.store.entries()).find((one) => one.record.label === label)!;
    assert.equal(record.score, score);
    assert.deepEqual(record.crops.map((crop) => crop.probabilities.length), [3, 3]);
    assert.deepEqual(Object.keys(record.probabilities), KNOWING.labels);
    assert.ok(!("unknown" in record));
  }
});

test("what is only shown may be of any kind that can be decoded, what is kept may not", async () => {
  for (const [contract, kind] of [
    [OF_FACES, "shown"],
    [CONTRACT, "live"],
  ] as const) {
    const { world, presenter } = await live((one) => (one.scorer.contract = contract));
    world.scorer.format = null;
    void presenter.pickPhotos([new Blob(["GIF89a"])]);
    await settle();
    assert.equal(presenter.state.capture.kind, kind);
    const { notice } = presenter.state;
    if (contract === OF_FACES) assert.equal(notice, null);
    else assert.match(notice?.kind === "photo-refused" ? notice.reason : "", /must be a JPEG, PNG or WebP file/);
    presenter.answerQuestion(false);
    await settle();
    assert.equal(world.store.rows.size, 0);
  }
});

test("a photo whose answers no record has a place for is shown, and not kept", async () => {
  const multiLabel = [0.5, 0.5];
  const contract = new Contract({ ...CONTRACT, bonaFide: null, decision: new Decision(), multiLabel });
  const { world, presenter } = await live((one) => (one.scorer.contract = contract));
  void presenter.shoot();
  await settle();
  const { capture } = presenter.state;
  assert.ok(capture.kind === "shown" && "tone" in capture.seen && capture.seen.tone === "plain");
  presenter.answerQuestion(false);
  await settle();
  assert.equal(world.store.rows.size, 0);
});

test("a benchmark of a model of faces says what to do instead", async () => {
  const { presenter } = await live((one) => (one.scorer.contract = OF_FACES));
  await presenter.startBench(true);
  const { bench } = presenter.state;
  assert.ok(bench.kind === "failed" && /measure it by edgekit bench/.test(bench.reason));
});

test("every state has a producer", () => {
  // The compiler holds that each table has all kinds, this test that each was shown.
  const model: Record<ModelState["kind"], true> = { loading: true, absent: true, refused: true, ready: true };
  const capture: Record<CaptureState["kind"], true> = {
    waiting: true,
    rationale: true,
    opening: true,
    blocked: true,
    paused: true,
    live: true,
    judging: true,
    question: true,
    shown: true,
  };
  const problem: Record<CameraProblem, true> = {
    insecure: true,
    denied: true,
    none: true,
    "in-use": true,
    lost: true,
    unreadable: true,
  };
  const history: Record<HistoryState["kind"], true> = {
    loading: true,
    empty: true,
    list: true,
    exporting: true,
    unreadable: true,
  };
  const bench: Record<BenchState["kind"], true> = {
    idle: true,
    running: true,
    finished: true,
    stopped: true,
    failed: true,
  };
  const notice: Record<Notice["kind"], true> = {
    saved: true,
    "not-kept": true,
    "photo-refused": true,
    "storage-full": true,
    "storage-failed": true,
    exported: true,
    "export-failed": true,
    "torch-failed": true,
  };
  for (const [part, kinds] of Object.entries({ model, capture, problem, history, bench, notice })) {
    assert.deepEqual([...seen[part as keyof typeof seen]].sort(), Object.keys(kinds).sort(), part);
  }
});
