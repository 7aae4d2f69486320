/** A real browser for tests: Chromium, headless, and a loopback server of the built page, the vectors and the models. */

import { createReadStream, existsSync, statSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { type Browser, type Page, chromium } from "playwright-core";

import type { InPage } from "./inpage.ts";
import { ROOT } from "./vectors.ts";

const APP = path.join(ROOT, "web_demo", "dist", "app");
const SCRIPT = path.join(ROOT, "web_demo", "dist", "test", "inpage.js");
const CANDIDATES = [process.env["EDGEKIT_CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
// No sandbox: tests may run as root. The rest keeps it from calling home.
const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
];
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};
const PAGE = "<!doctype html><meta charset=utf-8><title>edgekit</title><link rel=icon href=data:,><script src=/inpage.js></script>";

/** Where Chromium is, or null. */
export function findChromium(): string | null {
  return CANDIDATES.find((one) => one !== "" && existsSync(one)) ?? null;
}

/** Why tests can't run in a browser here; false where they can. */
export function withoutChromium(): string | false {
  return findChromium() === null ? "needs Chromium: apt-get install chromium, or its path in EDGEKIT_CHROMIUM" : false;
}

/** A page with the runtime in it, and what it wrote on its console. */
export interface Session {
  readonly page: Page;
  /** Errors and warnings of the console, and errors that nothing caught. */
  readonly complaints: string[];
  /** Call a function of the page's `edgekit`. */
  call<Name extends keyof InPage>(name: Name, ...given: Parameters<InPage[Name]>): Promise<Awaited<ReturnType<InPage[Name]>>>;
  close(): Promise<void>;
}

/**
 * Start a browser on a page of its own.
 *
 * @param folders - What the server has besides the built page and the repository (`/repository/…`): by name.
 */
export async function openSession(folders: Readonly<Record<string, string>> = {}): Promise<Session> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error(String(withoutChromium()));
  const server = await serve({ repository: ROOT, ...folders });
  let browser: Browser | null = null;
  try {
    browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (failure) => complaints.push(String(failure)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const open = browser;
    return {
      page,
      complaints,
      call: (name, ...given) =>
        page.evaluate(
          ([called, values]) => (globalThis as unknown as { edgekit: Record<string, (...all: unknown[]) => never> }).edgekit[called]!(...values),
          [name, given] as const,
        ),
      close: async () => {
        await open.close();
        server.close();
      },
    };
  } catch (failure) {
    await browser?.close();
    server.close();
    throw failure;
  }
}

/** A server on this machine alone: the page at `/`, the build, and folders by their names. */
async function serve(folders: Readonly<Record<string, string>>): Promise<Server> {
  const server = createServer((request, response) => {
    const url = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = fileOf(url, folders);
    if (url === "/") {
      response.setHeader("Content-Type", TYPES[".html"]!);
      response.end(PAGE);
    } else if (file === null) {
      response.statusCode = 404;
      response.end();
    } else {
      response.setHeader("Content-Type", TYPES[path.extname(file)] ?? "application/octet-stream");
      createReadStream(file).pipe(response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function fileOf(url: string, folders: Readonly<Record<string, string>>): string | null {
  const [, first = "", ...rest] = url.split("/");
  const folder = folders[first];
  const file = url === "/inpage.js" ? SCRIPT : folder === undefined ? path.join(APP, url) : path.join(folder, ...rest);
  // No path leaves its folder.
  const isInside = [SCRIPT, APP, ...Object.values(folders)].some((home) => file === home || file.startsWith(home + path.sep));
  return isInside && existsSync(file) && statSync(file).isFile() ? file : null;
}
