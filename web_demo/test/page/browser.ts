/** A real Chromium on the real page, as `edgekit web` wrote and serves it. */

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { findChromium } from "../runtime/chromium.ts";
import { HOME } from "./home.ts";

const ROOT = path.join(HOME, "..");
export const MODEL = path.join(ROOT, "models", "demo-int8.tflite");
export const BENCH = path.join(HOME, "public", "bench");
const BUILT = path.join(HOME, "dist", "app");
const CHROMIUM = findChromium();
/** What a headless browser needs here, and nothing that it fetches by itself. */
const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

const environment = { ...process.env, PYTHONPATH: ROOT };
const candidates = [process.env["EDGEKIT_PYTHON"], path.join(ROOT, ".venv", "bin", "python"), "python3"];
const PYTHON = candidates.find(
  (one) => one && spawnSync(one, ["-c", "import edgekit.web.publish, typer"], { env: environment }).status === 0,
);

/** Why these tests can't run here; empty where they can. */
export const SKIP =
  CHROMIUM === null
    ? "needs Chromium: apt-get install chromium, or its path in EDGEKIT_CHROMIUM"
    : PYTHON === undefined
      ? "no Python has edgekit with its command line; name one in EDGEKIT_PYTHON"
      : existsSync(path.join(BUILT, "sw.js"))
        ? ""
        : "the page is not built; run node build.mjs";

export function python(...words: string[]): string {
  const done = spawnSync(PYTHON!, words, { env: environment, encoding: "utf8", maxBuffer: 1 << 26 });
  if (done.status !== 0) throw new Error(`${words.join(" ")} ended with ${done.status}:\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

export const temporary = mkdtempSync(path.join(tmpdir(), "edgekit-page-"));

/** Photos of the page's bench, or others by their whole paths, in turn, some seconds each, as the fake camera shows them. */
export function clipOf(name: string, seconds: number, ...photos: string[]): string {
  const clip = path.join(temporary, `${name}.y4m`);
  python(
    path.join(HOME, "test", "page", "clip.py"),
    clip,
    String(seconds),
    ...photos.map((one) => path.resolve(BENCH, one)),
  );
  return clip;
}

export interface Served {
  readonly address: string;
  readonly folder: string;
  stop(): Promise<void>;
}

/** `edgekit web … --serve` in a process of its own. */
export function serve(name: string, port = 0, ...words: string[]): Promise<Served> {
  return serveModel(MODEL, name, port, ...words);
}

/** The same with another model. */
export async function serveModel(model: string, name: string, port = 0, ...words: string[]): Promise<Served> {
  const folder = path.join(temporary, name);
  const command = [
    "-m",
    "edgekit",
    "web",
    model,
    "--out",
    folder,
    "--page",
    BUILT,
    "--overwrite",
    "--serve",
    "--port",
    String(port),
    ...words,
  ];
  const child = spawn(PYTHON!, command, {
    env: { ...environment, COLUMNS: "300" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const address = await addressOf(child);
  return { address, folder, stop: () => stopped(child) };
}

const SERVE_BOTH = `
import sys
from pathlib import Path
from edgekit.web.serve import PageServer
server = PageServer(Path(sys.argv[1]))
print(server.address, file=sys.stderr, flush=True)
try:
    server.serve()
except KeyboardInterrupt:
    pass
`;

/** Two pages below one address, each in a folder of its name. */
export async function serveBoth(...names: readonly [string, string]): Promise<Served> {
  const folder = mkdtempSync(path.join(temporary, "both-"));
  for (const name of names) python("-m", "edgekit", "web", MODEL, "--out", path.join(folder, name), "--page", BUILT);
  // What is served must be a page itself.
  writeFileSync(path.join(folder, "index.html"), "<!doctype html>");
  const child = spawn(PYTHON!, ["-c", SERVE_BOTH, folder], {
    env: environment,
    stdio: ["ignore", "ignore", "pipe"],
  });
  return { address: await addressOf(child), folder, stop: () => stopped(child) };
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const found = /http:\/\/localhost:\d+\//.exec(said);
      if (found) resolve(found[0]);
    });
    child.on("exit", () => reject(new Error(`edgekit web ended: ${said}`)));
  });
}

function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.removeAllListeners("exit");
    child.on("exit", () => resolve());
    child.kill("SIGINT");
  });
}

const FAKE = "--use-fake-device-for-media-stream";

/** A browser whose camera shows a clip; with a number, one with so many cameras that show Chromium's own test picture. */
export function launch(clip: string | number): Promise<Browser> {
  const camera =
    typeof clip === "string"
      ? [FAKE, `--use-file-for-fake-video-capture=${clip}`]
      : clip > 0
        ? [`${FAKE}=device-count=${clip}`]
        : [];
  return chromium.launch({ executablePath: CHROMIUM!, args: [...FLAGS.split(" "), ...camera] });
}

export interface Opened {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page said on its console that is no mere note, and what it asked of other hosts. */
  readonly complaints: string[];
}

export interface How {
  readonly camera?: "granted" | "denied" | "prompt";
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly locale?: string;
  readonly dark?: boolean;
  /** All that the browser lets the page store; without a service worker, which would need more. */
  readonly quotaBytes?: number;
  /** Runs in the page before its own script. */
  readonly before?: () => void;
}

export async function open(browser: Browser, address: string, how: How = {}): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: how.widthPx ?? 360, height: how.heightPx ?? 740 },
    locale: how.locale ?? "en-GB",
    colorScheme: how.dark ? "dark" : "light",
    acceptDownloads: true,
    serviceWorkers: how.quotaBytes === undefined ? "allow" : "block",
    // Where something else is granted, the camera is refused; where nothing is, it is asked for.
    permissions: { granted: ["camera"], denied: ["geolocation"], prompt: [] }[how.camera ?? "granted"],
  });
  const page = await context.newPage();
  if (how.quotaBytes !== undefined) {
    const session = await context.newCDPSession(page);
    await session.send("Storage.overrideQuotaForOrigin", {
      origin: new URL(address).origin,
      quotaSize: how.quotaBytes,
    });
  }
  const complaints: string[] = [];
  page.on("console", (message) => {
    const isOurs = !message.text().includes("blocked by Playwright");
    if (isOurs && ["error", "warning"].includes(message.type()))
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (failure) => complaints.push(String(failure)));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== new URL(address).origin) complaints.push(`asked ${url}`);
  });
  if (how.before !== undefined) await page.addInitScript(how.before);
  await page.goto(address);
  return { context, page, complaints };
}

export function clean(): void {
  rmSync(temporary, { recursive: true, force: true });
}
