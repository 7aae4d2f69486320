/** Puts the page together: the presenter with the browser's camera, storage, worker and clock. */

import { hex, sha256 } from "../runtime/sha256.ts";
import { Awake } from "./awake.ts";
import { PageFolder } from "./bundled.ts";
import { BrowserCamera } from "./camera.ts";
import { byId } from "./elements.ts";
import { readDevice, readState, type Teller } from "./machine.ts";
import type { World } from "./ports.ts";
import { Presenter } from "./presenter.ts";
import { WorkerScorer } from "./scorer_client.ts";
import { BrowserStore } from "./store.ts";
import { APP } from "./version.ts";
import { View } from "./view.ts";

const DOWNLOAD_KEPT_MS = 60_000;

const HOME = new URL("./", location.href);

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

/** A whole file to the downloads: what is written there is never half of it. */
function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_KEPT_MS);
}

/** The smallest of some steps that the clock makes. */
function tickMs(): number {
  let smallest = Infinity;
  for (let step = 0; step < 5; step++) {
    const began = performance.now();
    let now = began;
    while (now === began) now = performance.now();
    smallest = Math.min(smallest, now - began);
  }
  return smallest;
}

/** @param takeUpdate see World */
async function worldOf(takeUpdate: () => void): Promise<World> {
  const store = new BrowserStore(HOME.pathname);
  const awake = new Awake(() => navigator.wakeLock?.request("screen"));
  const teller = navigator as unknown as Teller;
  const device = await readDevice(teller);
  const install = await store.install(() => hex(random(4)));
  return {
    camera: new BrowserCamera(byId<HTMLVideoElement>("video")),
    scorer: new WorkerScorer(new Worker("scorer.js")),
    store,
    bundled: new PageFolder(HOME.href),
    origin: { app: APP, device: device.name, install },
    cores: navigator.hardwareConcurrency ?? 1,
    now: () => new Date(),
    ticks: () => performance.now(),
    tickMs,
    breathe: () => new Promise((resolve) => setTimeout(resolve)),
    machine: async () => ({ ...device.machine, state: await readState(teller) }),
    deviceState: () => readState(teller),
    random,
    sha256: (text) => sha256(new TextEncoder().encode(text)),
    save,
    stayAwake: (isAwake) => awake.keep(isAwake),
    takeUpdate,
    reload: () => location.reload(),
  };
}

/** Fetched once, the page works without a network; a newer one waits until the user wants it. */
async function keepOffline(presenter: Presenter): Promise<ServiceWorkerRegistration | null> {
  if (!("serviceWorker" in navigator)) return null;
  const wasControlled = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (wasControlled) presenter.updateIsTaken();
  });
  const registration = await navigator.serviceWorker.register("sw.js");
  const tellOf = (worker: ServiceWorker | null): void => {
    if (worker === null) return;
    const check = (): void => {
      if (worker.state === "installed" && wasControlled) presenter.updateIsReady();
    };
    check();
    worker.addEventListener("statechange", check);
  };
  tellOf(registration.waiting);
  registration.addEventListener("updatefound", () => tellOf(registration.installing));
  return registration;
}

async function run(): Promise<void> {
  let registration: ServiceWorkerRegistration | null = null;
  const view = new View();
  const world = await worldOf(() => registration?.waiting?.postMessage("take-over"));
  const presenter = new Presenter(world, (state) => view.show(state));
  view.connect(presenter);
  view.show(presenter.state);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) presenter.pause();
    else void presenter.resume();
  });
  if (document.hidden) presenter.pause();
  await presenter.start();
  // A page that can't be kept for offline use, as on a plain address of the network, still works.
  registration = await keepOffline(presenter).catch(() => null);
}

void run();
