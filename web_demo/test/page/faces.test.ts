/** The page with a model of faces, in Chromium: bright squares on black are what its detector takes for faces. */

import assert from "node:assert/strict";
import path from "node:path";
import test, { after, before } from "node:test";
import type { Browser, Page } from "playwright-core";
import { contrastFaults, focusFaults, nameFaults, overflowPx, smallTargets } from "./accessible.ts";
import { clean, clipOf, launch, open, python, serveModel, SKIP, temporary, type How, type Served } from "./browser.ts";
import { HOME } from "./home.ts";

const MARKS = path.join(HOME, "..", "tests", "models", "marks.tflite");
const WAIT = { timeout: 30_000 };
/** In a photo of 640x480, by column and row of cells of 80 px. */
const [RED_AT, BLUE_AT] = [
  [1, 2],
  [5, 3],
] as const;
/** A mark of 80 px is found with 10 px around it. */
const boxAt = ([column, row]: readonly [number, number]): number[] => [
  80 * column - 10,
  80 * row - 10,
  80 * column + 90,
  80 * row + 90,
];

let served: Served;
const files: Record<string, string> = {};
const browsers = new Map<string, Browser>();

before(async () => {
  if (SKIP) return;
  python(
    "-c",
    `
import json, sys
from PIL import Image
for name, marks in json.loads(sys.argv[2]).items():
    photo = Image.new("RGB", (640, 480))
    for column, row, colour in marks:
        photo.paste(colour, (80 * column, 80 * row, 80 * column + 80, 80 * row + 80))
    photo.save(f"{sys.argv[1]}/{name}.png")
`,
    temporary,
    JSON.stringify({ two: [[...RED_AT, "#f00"], [...BLUE_AT, "#00f"]], none: [] }),
  );
  for (const name of ["two", "none"]) files[name] = path.join(temporary, `${name}.png`);
  served = await serveModel(MARKS, "faces");
});

after(async () => {
  for (const browser of browsers.values()) await browser.close();
  await served?.stop();
  clean();
});

async function browserFor(photo: string): Promise<Browser> {
  const browser = browsers.get(photo) ?? (await launch(clipOf(photo, 1, files[photo]!)));
  browsers.set(photo, browser);
  return browser;
}

/** One test in a page of its own, which must end without a word on its console. */
function inPage(name: string, photo: string, how: How, act: (page: Page) => Promise<void>): void {
  test(name, { skip: SKIP || false, timeout: 120_000 }, async () => {
    const { page, context, complaints } = await open(await browserFor(photo), served.address, how);
    try {
      await act(page);
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
    }
  });
}

const says = (page: Page, id: string, wanted: RegExp) =>
  page.waitForFunction(
    ([one, source]) => new RegExp(source!).test(document.getElementById(one!)!.innerText),
    [id, wanted.source],
    WAIT,
  );
const bothSeen = (page: Page) => says(page, "verdict-text", /^2 faces: genuine, recapture$/);

/** Where boxes are drawn, in pixels of the picture that they lie over, and what stands at them. */
const drawn = (page: Page, picture: string, layer: string) =>
  page.evaluate(
    ([one, other]) => {
      const shown = document.getElementById(one!)!;
      const frame = shown.getBoundingClientRect();
      const [wide, high] =
        shown instanceof HTMLVideoElement
          ? [shown.videoWidth, shown.videoHeight]
          : [(shown as HTMLImageElement).naturalWidth, (shown as HTMLImageElement).naturalHeight];
      const scale = Math.min(frame.width / wide, frame.height / high);
      const [x, y] = [frame.x + (frame.width - wide * scale) / 2, frame.y + (frame.height - high * scale) / 2];
      return [...document.getElementById(other!)!.children].map((box) => {
        const place = box.getBoundingClientRect();
        const edges = [place.left - x, place.top - y, place.right - x, place.bottom - y].map((edge) => edge / scale);
        return { edges, text: (box as HTMLElement).innerText, tone: (box as HTMLElement).dataset["tone"] };
      });
    },
    [picture, layer],
  );

function near(found: readonly number[], expected: readonly number[]): void {
  assert.ok(
    found.every((edge, at) => Math.abs(edge - expected[at]!) < 3),
    `${found.join(", ")} must be ${expected.join(", ")} within 3 px of the picture`,
  );
}

inPage("boxes and names lie over the faces of the live picture, in words as well", "two", {}, async (page) => {
  await bothSeen(page);
  const boxes = await drawn(page, "video", "live-boxes");
  assert.deepEqual(
    boxes.map(({ text, tone }) => [text, tone]),
    [
      ["genuine", "genuine"],
      ["recapture", "attack"],
    ],
  );
  near(boxes[0]!.edges, boxAt(RED_AT));
  near(boxes[1]!.edges, boxAt(BLUE_AT));
  assert.match(await page.innerText("#verdict-detail"), /^from the left: genuine · 100.%, recapture · 100.%$/);
  assert.equal(await page.innerText("#announcer"), "2 faces: genuine, recapture");
  assert.equal(await page.getAttribute("#verdict", "data-tone"), "attack");
  // Screen readers have the words; boxes would say them once more.
  assert.equal(await page.locator(".stage .boxes").getAttribute("aria-hidden"), "true");
});

inPage(
  "over a front camera's picture, which is shown the other way round, boxes are as well",
  "two",
  {
    before: () => {
      const settings = MediaStreamTrack.prototype.getSettings;
      MediaStreamTrack.prototype.getSettings = function () {
        return { ...settings.call(this), facingMode: "user" };
      };
    },
  },
  async (page) => {
    // As the picture shows them: the red one, which is genuine, is on the right.
    await says(page, "verdict-text", /^2 faces: recapture, genuine$/);
    assert.match(await page.innerText("#verdict-detail"), /^from the left: recapture · 100.%, genuine · 100.%$/);
    const [left, top, right, bottom] = boxAt(RED_AT) as [number, number, number, number];
    near((await drawn(page, "video", "live-boxes"))[1]!.edges, [640 - right, top, 640 - left, bottom]);
  },
);

inPage("that there is no face is said", "none", {}, async (page) => {
  await says(page, "verdict-text", /^No face$/);
  assert.equal(await page.innerText("#announcer"), "No face");
  assert.equal(await page.locator("#live-boxes > *").count(), 0);
  await page.click("#shutter");
  await page.waitForSelector("#shown[open]", WAIT);
  assert.deepEqual([await page.innerText("#shown-title"), await page.locator("#shown-list li").count()], ["No face", 0]);
});

inPage("a photo is shown with its faces, by the keyboard alone, and nothing is kept", "two", {}, async (page) => {
  await bothSeen(page);
  await page.focus("#shutter");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#shown[open]", WAIT);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "shown-close");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#shown", { state: "hidden" });
  await bothSeen(page);
  await page.click('nav button[data-screen="history"]');
  await page.waitForSelector("#history-empty:visible", WAIT);
});

inPage("faces of a photo's file are where Python finds them, with its answers", "none", {}, async (page) => {
  const said = JSON.parse(
    python(
      "-c",
      `
import json, sys
from edgekit.runtime import Classifier
with Classifier.load(sys.argv[1]) as classifier:
    print(json.dumps(classifier.classify_regions(sys.argv[2]).to_dict()))
`,
      MARKS,
      files["two"]!,
    ),
  );
  await says(page, "verdict-text", /^No face$/);
  await page.setInputFiles("#photo-file", files["two"]!);
  await page.waitForSelector("#shown[open]", WAIT);
  await page.waitForFunction(() => (document.getElementById("shown-photo") as HTMLImageElement).naturalWidth > 0);
  const boxes = await drawn(page, "shown-photo", "shown-boxes");
  assert.equal(said.regions.length, 2);
  for (const [at, one] of said.regions.entries()) {
    near(boxes[at]!.edges, one.region.box);
    assert.equal(boxes[at]!.text, one.verdict.label);
  }
  assert.match(await page.innerText("#shown-list"), /genuine · 100.%\s+recapture · 100.%/);
  await page.click("#shown-close");
  await says(page, "verdict-text", /^No face$/);
});

inPage("several threads find and judge faces as one does", "two", {}, async (page) => {
  await bothSeen(page);
  await page.click('nav button[data-screen="settings"]');
  await says(page, "contract", /each face \(blazeface-short\)/);
  await page.selectOption("#set-threads", "2");
  await page.click('nav button[data-screen="capture"]');
  await bothSeen(page);
});

inPage("the benchmark says what to do with such a model", "two", {}, async (page) => {
  await bothSeen(page);
  await page.click('nav button[data-screen="bench"]');
  await page.click("#bench-quick");
  await says(page, "bench-line", /measure it by edgekit bench/);
});

for (const [widthPx, heightPx, dark, locale] of [
  [360, 740, false, "en-GB"],
  [360, 740, true, "de-DE"],
  [1280, 800, true, "en-GB"],
  [740, 360, false, "en-GB"],
] as const) {
  inPage(
    `at ${widthPx} px${dark ? ", dark" : ""}, ${locale}, faces fit, live and shown, with names, contrast and room`,
    "two",
    { widthPx, heightPx, dark, locale },
    async (page) => {
      await says(page, "verdict-text", /^2 (faces|Gesichter): genuine, recapture$/);
      const check = async (what: string): Promise<void> => {
        assert.deepEqual(await nameFaults(page), [], `${what}: names`);
        assert.deepEqual(await contrastFaults(page), [], `${what}: contrast`);
        assert.deepEqual(await smallTargets(page), [], `${what}: targets`);
        assert.equal(await overflowPx(page), 0, `${what}: overflow`);
      };
      await check("live");
      assert.deepEqual(await focusFaults(page), []);
      await page.click("#shutter");
      await page.waitForSelector("#shown[open]", WAIT);
      await check("shown");
    },
  );
}
