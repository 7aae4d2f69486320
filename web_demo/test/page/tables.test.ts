import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { inflateSync } from "node:zlib";
import { LatencyLog, quantiles } from "../../src/page/latency.ts";
import { readDevice, readState, type Teller } from "../../src/page/machine.ts";
import { formatOf } from "../../src/page/photo_file.ts";
import { modelOf } from "../../src/page/record.ts";
import { DEFAULT_SETTINGS, settingsFrom } from "../../src/page/settings.ts";
import { KEYS, languageFor, sayer } from "../../src/page/strings.ts";
import { APP } from "../../src/page/version.ts";
import { seenIn } from "../../src/page/answer.ts";
import { asShown, contractRows, seenDetail, seenText, seenTone, storedTone } from "../../src/page/words.ts";
import { Contract, Decision, RegionsVerdict, Unknown, Verdict } from "../../src/runtime/index.ts";
import { HOME } from "./home.ts";
import { CONTRACT, facesOf, LOADED, OF_FACES, verdictOf } from "./world.ts";

test("exports name the version of the package", () => {
  const { version } = JSON.parse(readFileSync(path.join(HOME, "package.json"), "utf8"));
  assert.equal(APP, `edgekit.web ${version}`);
});

test("percentiles lie between values as numpy has them", () => {
  assert.deepEqual(quantiles([4, 1, 3, 2]), { p50: 2.5, p95: 3.8499999999999996 });
  assert.deepEqual(quantiles([7]), { p50: 7, p95: 7 });
});

test("latency is of the last two hundred verdicts", () => {
  const log = new LatencyLog();
  for (let i = 0; i < 200; i++) log.add({ decode: 100, crop: 0, invoke: 0, vote: 0 });
  const latency = log.add({ decode: 1, crop: 1, invoke: 1, vote: 1 });
  assert.deepEqual([latency.verdicts, latency.total.p50], [200, 100]);
});

for (const [why, raw, expected] of [
  ["nothing", undefined, DEFAULT_SETTINGS],
  ["another page's values", { crops: 0, threads: 99, language: "fr", theme: 3 }, DEFAULT_SETTINGS],
  [
    "what was kept",
    { crops: 5, threads: 2, language: "de", theme: "dark" },
    { crops: 5, threads: 2, language: "de", theme: "dark" },
  ],
] as const) {
  test(`settings out of ${why}`, () => assert.deepEqual(settingsFrom(raw), expected));
}

test("both languages have the same places for values, and no text is empty", () => {
  const given = new Proxy({}, { get: (_, name) => `<${String(name)}>` });
  const places = (text: string) => (text.match(/<\w+>/g) ?? []).sort();
  for (const key of KEYS) {
    const [english, german] = (["en", "de"] as const).map((language) => sayer(language)(key, given));
    assert.ok(english && german, key);
    assert.deepEqual(places(english), places(german), key);
  }
});

test("a text without its value is a mistake, not a hole", () => {
  assert.throws(() => sayer("en")("exported"), /needs a value for photos/);
});

test("every text is used, and every text that the page's HTML names is there", () => {
  const sources = readdirSync(path.join(HOME, "src", "page")).filter((name) => name !== "strings.ts");
  const html = readFileSync(path.join(HOME, "public", "index.html"), "utf8");
  const all = sources.map((name) => readFileSync(path.join(HOME, "src", "page", name), "utf8")).join("") + html;
  const named = [...html.matchAll(/data-say(?:-label|-title|-alt)?="([\w-]+)"/g)].map(([, key]) => key);
  assert.deepEqual(
    named.filter((key) => !(KEYS as string[]).includes(key!)),
    [],
  );
  // Keys that are put together: a tone, a camera's problem, what was not kept, what is looked for, a rule for unknown.
  const built = /^(face|rule|verdict|insecure|denied|none|in-use|lost|unreadable|unkept)-/;
  const unused = KEYS.filter((key) => !built.test(key) && !all.includes(`"${key}"`));
  assert.deepEqual(unused, []);
});

test("the browser's languages choose the page's", () => {
  assert.deepEqual(
    [languageFor(["de-AT", "en"]), languageFor(["fr", "de"]), languageFor(["fr"]), languageFor([])],
    ["de", "de", "en", "en"],
  );
});

const CHROME: Teller = {
  userAgent: "Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0.0.0 Mobile Safari/537.36",
  hardwareConcurrency: 8,
  userAgentData: {
    brands: [
      { brand: "Not=A?Brand", version: "8" },
      { brand: "Chromium", version: "140" },
      { brand: "Google Chrome", version: "140" },
    ],
    platform: "Android",
    getHighEntropyValues: async () => ({
      model: "Pixel 7\n",
      platformVersion: "14.0.0",
      architecture: "arm",
      bitness: "64",
    }),
  },
};
const FIREFOX: Teller = { userAgent: "Mozilla/5.0 (Android 14; Mobile; rv:131.0) Gecko/131.0 Firefox/131.0" };
const SAFARI: Teller = {
  userAgent:
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
};

for (const [why, teller, name, system, kernel, architecture] of [
  ["Chrome tells all", CHROME, "Pixel 7", "Android 14", "Chrome 140", "aarch64"],
  ["Firefox tells its name", FIREFOX, "Firefox on Android", "Android", "Firefox 131", "unknown"],
  ["Safari tells its name", SAFARI, "Safari on iOS", "iOS", "Safari 17", "unknown"],
] as const) {
  test(`${why}: the device is ${name}`, async () => {
    const device = await readDevice(teller);
    assert.deepEqual(
      [device.name, device.machine.system, device.machine.kernel, device.machine.architecture],
      [name, system, kernel, architecture],
    );
  });
}

test("a battery is told where there is one", async () => {
  const state = await readState({ ...CHROME, getBattery: async () => ({ level: 0.57, charging: false }) });
  assert.deepEqual([state.battery_percent, state.battery], [57, "discharging"]);
  assert.equal((await readState(FIREFOX)).battery, null);
});

test("of ten thousand labels the settings show some, and how many there are", () => {
  const shown = (labels: number) => {
    const contract = new Contract({
      name: "",
      labels: Array.from({ length: labels }, (_, i) => `<b>${i}</b>`),
      sidePx: 96,
      precision: "int8",
      modelSha256: "a".repeat(64),
    });
    return new Map(contractRows(sayer("en"), { ...LOADED, contract, file: "own.tflite", isPicked: false })).get("labels")!;
  };
  assert.equal(shown(3), "<b>0</b>, <b>1</b>, <b>2</b>");
  assert.ok(shown(10_000).endsWith("<b>59</b>, … (10000)"));
});

test("a contract without a name makes no record without one, which edgekit would refuse", () => {
  for (const [name, told] of [
    ["", "model"],
    ["  ", "model"],
    ["shelf", "shelf"],
  ]) {
    const contract = new Contract({ ...CONTRACT, name: name! });
    assert.deepEqual(modelOf({ ...LOADED, contract }), { name: told, sha256: LOADED.sha256 });
  }
});

test("a photo's kind is told by its first bytes", () => {
  const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  assert.deepEqual(
    ["\xff\xd8\xff\xe0", "\x89PNG\r\n\x1a\n", "RIFF\x10\0\0\0WEBP", "GIF89a", ""].map((head) => formatOf(bytes(head))),
    ["jpg", "png", "webp", null, null],
  );
});

/** A drawn PNG's head and rows; other files as they are. */
function pixels(content: Buffer): Buffer {
  const at = content.indexOf("IDAT");
  return at < 0
    ? content
    : Buffer.concat([content.subarray(0, 33), inflateSync(content.subarray(at + 4, content.length - 16))]);
}

test("the committed icons are those that the script draws", async () => {
  const { ICONS } = (await import(path.join(HOME, "tools", "icons.mjs"))) as {
    ICONS: Record<string, () => string | Buffer>;
  };
  for (const [name, draw] of Object.entries(ICONS)) {
    const file = path.join(HOME, "public", "icons", name);
    assert.ok(existsSync(file), name);
    // Another zlib may pack the same pixels otherwise.
    assert.deepEqual(pixels(readFileSync(file)), pixels(Buffer.from(draw())), name);
  }
});

test("the app's manifest names icons that are there", () => {
  const manifest = JSON.parse(readFileSync(path.join(HOME, "public", "manifest.webmanifest"), "utf8"));
  for (const { src } of manifest.icons) assert.ok(existsSync(path.join(HOME, "public", src)), src);
  assert.ok(
    manifest.icons.some(
      (icon: { sizes: string; purpose?: string }) => icon.sizes === "512x512" && icon.purpose === "maskable",
    ),
  );
});

// Contrast, as WCAG 2 computes it.

function luminance(hex: string): number {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/g, "$&$&") : hex;
  const [r, g, b] = [1, 3, 5]
    .map((at) => parseInt(full.slice(at, at + 2), 16) / 255)
    .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}

const css = readFileSync(path.join(HOME, "public", "style.css"), "utf8");
const colours = (block: string | undefined): Record<string, string> =>
  Object.fromEntries(
    [...(block ?? "").matchAll(/--([\w-]+): (#[0-9a-f]{3,6})/g)].map(([, name, hex]) => [name!, hex!]),
  );
const LIGHT = colours(/^:root \{([^}]*)\}/m.exec(css)?.[1]);
const DARK = { ...LIGHT, ...colours(/:root\[data-theme="dark"\] \{([^}]*)\}/.exec(css)?.[1]) };

for (const [theme, palette] of [
  ["light", LIGHT],
  ["dark", DARK],
] as const) {
  for (const [front, back, least] of [
    ["text", "ground", 7],
    ["text", "raised", 7],
    ["muted", "ground", 4.5],
    ["muted", "raised", 4.5],
    ["accent", "raised", 4.5],
    ["on-accent", "accent", 4.5],
    ["danger", "raised", 4.5],
    ["ground", "text", 7],
    ["focus", "ground", 3],
    ["on-tone", "genuine", 4.5],
    ["on-tone", "attack", 4.5],
    ["on-tone", "unsure", 4.5],
    ["on-tone", "plain", 4.5],
    ["on-tone", "none", 4.5],
  ] as const) {
    test(`${theme}: ${front} on ${back} reaches ${least}:1`, () => {
      const reached = contrast(palette[front]!, palette[back]!);
      assert.ok(reached >= least, `got ${reached.toFixed(2)}`);
    });
  }
}

test("dark by the system and dark by choice are the same colours", () => {
  assert.deepEqual(
    colours(/:root:not\(\[data-theme="light"\]\) \{([^}]*)\}/.exec(css)?.[1]),
    colours(/:root\[data-theme="dark"\] \{([^}]*)\}/.exec(css)?.[1]),
  );
});

test("the style knows no left and right, so that it also reads from right to left", () => {
  assert.deepEqual(
    css.match(/[^-\w](?:left|right|margin-top|padding-left|padding-right|margin-left|margin-right)\s*:/g),
    null,
  );
});

const SEVERAL = new Contract({
  ...CONTRACT,
  bonaFide: null,
  decision: new Decision(),
  multiLabel: [0.5, 0.25],
});
const KNOWING = new Contract({
  ...CONTRACT,
  bonaFide: null,
  decision: new Decision(),
  unknown: new Unknown({ rule: "probability", threshold: 0.4 }),
});

/** A verdict with another label, and with the labels that a photo has: 0.9 is the one's probability, 0.1 the other's. */
function said(label: string, score: number, labels: readonly string[] | null = null): Verdict {
  return new Verdict({ ...verdictOf(0.1), answer: { label, score }, labels });
}

for (const [what, answer, contract, tone, text, detail] of [
  ["a photo", verdictOf(0.1), CONTRACT, "genuine", "Genuine photo", "genuine · 90 %"],
  ["no face", facesOf(), OF_FACES, "none", "No face", ""],
  ["one face", facesOf([9, 0.05]), OF_FACES, "genuine", "Genuine photo", "genuine · 95 %"],
  [
    "two faces, the gravest first",
    facesOf([300, 0.05], [20, 0.95]),
    OF_FACES,
    "attack",
    "2 faces: recapture, genuine",
    "from the left: recapture · 95 %, genuine · 95 %",
  ],
  ["several labels", said("genuine|recapture", 0.8, ["genuine", "recapture"]), SEVERAL, "plain", "genuine, recapture", "genuine · 90 %, recapture · 10 %"],
  ["none of several labels", said("none", 0.2, []), SEVERAL, "plain", "none of the labels", "none of the labels · up to 20 %"],
  ["what is unknown", said("unknown", 0.6), KNOWING, "plain", "unknown", "unknown · 60 %"],
  ["what is under a floor", said("unknown", 0.6), CONTRACT, "unsure", "Not sure: take it again", "unknown · 60 %"],
] as const satisfies readonly (readonly [string, Verdict | RegionsVerdict, Contract, string, string, string])[]) {
  test(`${what} in words`, () => {
    const seen = seenIn(answer, contract);
    const say = sayer("en");
    assert.deepEqual([seenTone(seen), seenText(say, seen), seenDetail(say, seen)], [tone, text, detail.replaceAll(" %", "\u00a0%")]);
  });
}

test("a contract's rows tell of faces, of what is unknown and of several labels", () => {
  const rows = (contract: Contract) =>
    new Map(contractRows(sayer("en"), { ...LOADED, contract, file: "own.tflite", isPicked: false }));
  assert.equal(rows(OF_FACES).get("classifies"), "each face (blazeface-short, eyes level)");
  assert.equal(rows(KNOWING).get("decision"), "the most probable label, unknown from 0.4 by probability");
  assert.equal(rows(SEVERAL).get("decision"), "each label from its own threshold, 0.25 to 0.5");
  assert.equal(rows(CONTRACT).has("classifies"), false);
});

for (const [what, label, own, outputs, model, tone] of [
  ["an attack by the model in use", "recapture", true, 2, CONTRACT, "attack"],
  ["an attack by an earlier one with its labels", "recapture", false, 2, CONTRACT, "attack"],
  ["a label of another model", "pear", false, 2, CONTRACT, "plain"],
  ["a floor's unknown by the model in use", "unknown", true, 2, CONTRACT, "unsure"],
  ["a rule's unknown by the model in use", "unknown", true, 2, KNOWING, "plain"],
  ["a rule's unknown by another model", "unknown", false, 3, CONTRACT, "plain"],
  ["a floor's unknown by another model", "unknown", false, 2, KNOWING, "unsure"],
  ["a rule's unknown without a model", "unknown", false, 3, null, "plain"],
  ["a photo to take again, by another model", "retake", false, 2, SEVERAL, "unsure"],
] as const) {
  test(`what a stored verdict meant: ${what}`, () => {
    const record = {
      label,
      probabilities: { genuine: 0.5, recapture: 0.5 },
      crops: [{ box: [0, 0, 9, 9], probabilities: Array.from({ length: outputs }, () => 1 / outputs) }],
      model: { name: "m", sha256: own ? LOADED.sha256 : "c".repeat(64) },
    };
    const used = model === null ? null : { contract: model, sha256: LOADED.sha256 };
    assert.equal(storedTone(record as unknown as Parameters<typeof storedTone>[0], used), tone);
  });
}

test("a mirrored picture's faces are told from its left, one within another too", () => {
  const wide = facesOf([10, 0.05], [0, 0.95]);
  const [near, far] = wide.regions as [(typeof wide.regions)[0], (typeof wide.regions)[0]];
  const nested = new RegionsVerdict({
    ...wide,
    regions: [near, { ...far, region: { ...far.region, box: { left: 0, top: 0, right: 640, bottom: 300 } } }],
  });
  const lefts = (isMirrored: boolean) => {
    const seen = asShown(seenIn(nested, OF_FACES), isMirrored);
    return seen !== null && "regions" in seen ? seen.regions.map(({ box }) => box.left) : [];
  };
  assert.deepEqual(lefts(false), [10, 0]);
  assert.deepEqual(lefts(true), [0, 10]);
});
