/**
 * Keeps the page for use without a network: every file once, each held against its SHA-256, so that a cache never mixes
 * two versions. The list of files stands in front of this script; another list is another version.
 */

/** What is used of a service worker's global; TypeScript's DOM has a page's alone. */
interface WorkerGlobal {
  /** Path below this script's folder to SHA-256 in base64. */
  readonly EDGEKIT_FILES?: Readonly<Record<string, string>>;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(
    name: "install" | "activate",
    act: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(name: "message", act: (event: MessageEvent) => void): void;
  addEventListener(name: "fetch", act: (event: FetchEventLike) => void): void;
}

interface FetchEventLike {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}

const worker = globalThis as unknown as WorkerGlobal;
const files = worker.EDGEKIT_FILES ?? {};
const HOME = new URL("./", location.href);
/** Caches belong to an origin, on which other pages may lie; no path has a space. */
const PREFIX = `edgekit ${HOME.pathname} `;
/** Of the list itself: FNV-1a is enough to tell two lists apart. */
const CACHE =
  PREFIX +
  Array.from(JSON.stringify(files))
    .reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0, 2166136261)
    .toString(16);

const urlOf = (file: string): string => new URL(file, HOME).href;

/** Lets the page use several threads and a fine clock wherever it is served. */
function isolated(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

/** The smallest module with an instruction of relaxed SIMD: by it LiteRT.js chooses one of its two builds. */
const RELAXED_SIMD = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  15,
  1,
  13,
  0,
  65,
  1,
  253,
  15,
  65,
  2,
  253,
  15,
  253,
  128,
  2,
  11,
);

/** Of nine megabytes twice, those that this browser will ask for. */
function isNeeded(file: string): boolean {
  if (!file.startsWith("wasm/")) return true;
  return file.includes("_compat_") !== WebAssembly.validate(RELAXED_SIMD);
}

/** What the browser fetched for the page a moment ago will do, if it is the listed file; else the server's own. */
async function fetched(file: string, sha256: string): Promise<Response> {
  const how = { integrity: `sha256-${sha256}`, credentials: "same-origin" } as const;
  const response = await fetch(urlOf(file), how).catch(() => fetch(urlOf(file), { ...how, cache: "reload" }));
  if (!response.ok) throw new Error(`${file} must be beside the page, the server answers ${response.status}`);
  return response;
}

async function fill(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const [file, sha256] of Object.entries(files)) {
    if (!isNeeded(file)) continue;
    if ((await cache.match(urlOf(file))) !== undefined) continue;
    await cache.put(urlOf(file), isolated(await fetched(file, sha256)));
  }
}

async function clear(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)),
  );
  await worker.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  const file = url.pathname === HOME.pathname ? urlOf("index.html") : url.origin + url.pathname;
  const kept = await (await caches.open(CACHE)).match(file);
  return kept ?? fetch(request);
}

worker.addEventListener("install", (event) => event.waitUntil(fill()));
worker.addEventListener("activate", (event) => event.waitUntil(clear()));
worker.addEventListener("message", ({ data }) => {
  if (data === "take-over") void worker.skipWaiting();
});
worker.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && event.request.url.startsWith(HOME.href))
    event.respondWith(answer(event.request));
});
