/**
 * Pictures of every screen, for eyes: `node dist/test/page/screenshots.main.mjs FOLDER [MODEL PHOTO]`, the last two a model of
 * faces and a photo with faces, of even sides.
 */

import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { BENCH, clean, clipOf, launch, MODEL, open, serve, serveModel, SKIP, type How, type Served } from "./browser.ts";

if (SKIP) throw new Error(SKIP);
const folder = process.argv[2] ?? "screenshots";
mkdirSync(folder, { recursive: true });

const WAIT = { timeout: 30_000 };
const tone = (page: Page, wanted: string) => page.waitForSelector(`#verdict[data-tone="${wanted}"]:visible`, WAIT);
const goTo = (page: Page, screen: string) => page.click(`nav button[data-screen="${screen}"]`);

async function keep(page: Page, photo: string): Promise<void> {
  await page.setInputFiles("#photo-file", path.join(BENCH, photo));
  await page.waitForSelector("#question[open], #notice:not([hidden])", WAIT);
  if (await page.isVisible("#question")) await page.click("#keep-anyway");
  await page.click("#notice-close", WAIT);
}

type Shot = (name: string) => Promise<unknown>;

async function ofGenuine(page: Page, shot: Shot): Promise<void> {
  await tone(page, "genuine");
  await page.waitForTimeout(800);
  await shot("live-genuine");
  await page.click(".latency summary");
  await shot("live-latency");
  for (const label of ["genuine", "recapture"])
    for (const screen of ["laptop-ips", "print-magazine"]) await keep(page, `${label}-${screen}.jpg`);
  await goTo(page, "history");
  await page.waitForSelector("#history-list li:nth-child(4)", WAIT);
  await page.waitForTimeout(300);
  await shot("history");
  await page.click("#history-list button");
  await page.click("#details-truth button >> nth=1");
  await page.waitForTimeout(300);
  await shot("details");
  await page.click("#details-close");
  await goTo(page, "settings");
  await shot("settings");
  const changed = readFileSync(MODEL);
  changed[30_000] = changed[30_000]! ^ 1;
  await page.setInputFiles("#model-file", {
    name: "changed.tflite",
    mimeType: "application/octet-stream",
    buffer: changed,
  });
  await page.waitForSelector("#model-refused:visible", WAIT);
  await goTo(page, "capture");
  await shot("refused");
  await page.click("#card-actions button >> nth=1");
  await tone(page, "genuine");
  await goTo(page, "bench");
  await page.click("#bench-quick");
  await page.waitForTimeout(4000);
  await shot("bench-running");
  await page.waitForSelector("#bench-export:visible", { timeout: 120_000 });
  await shot("bench");
}

async function ofRecapture(page: Page, shot: Shot): Promise<void> {
  await tone(page, "attack");
  await page.waitForTimeout(800);
  await shot("live-attack");
  await page.click("#shutter");
  await page.waitForSelector("#question[open]", WAIT);
  await page.waitForTimeout(300);
  await shot("question");
}

async function ofFaces(page: Page, shot: Shot): Promise<void> {
  await page.waitForFunction(() => document.getElementById("live-boxes")!.childElementCount > 0, null, WAIT);
  await page.waitForTimeout(800);
  await shot("faces-live");
  await page.click("#shutter");
  await page.waitForSelector("#shown[open]", WAIT);
  await page.waitForTimeout(300);
  await shot("faces-shown");
}

const served = await serve("site");
const browsers: Browser[] = [];
async function pictures(
  clip: string | number,
  mark: string,
  how: How,
  act: (page: Page, shot: Shot) => Promise<void>,
  from: Served = served,
): Promise<void> {
  const browser = await launch(clip);
  browsers.push(browser);
  const { page } = await open(browser, from.address, how);
  await act(page, (name) => page.screenshot({ path: path.join(folder, `${mark}-${name}.png`) }));
  await browser.close();
}

const genuine = clipOf("genuine", 1, "genuine-laptop-ips.jpg");
const recapture = clipOf("recapture", 1, "recapture-laptop-ips.jpg");
const ofCard = async (page: Page, shot: Shot, name: string): Promise<void> => {
  await page.waitForFunction(() => document.getElementById("card-actions")!.childElementCount > 0);
  await shot(name);
};
try {
  await pictures(genuine, "360", {}, ofGenuine);
  await pictures(recapture, "360-dark", { dark: true, locale: "de-DE" }, ofRecapture);
  await pictures(genuine, "1280", { widthPx: 1280, heightPx: 800 }, ofGenuine);
  await pictures(recapture, "1280-dark", { widthPx: 1280, heightPx: 800, dark: true }, ofRecapture);
  await pictures(genuine, "740", { widthPx: 740, heightPx: 360 }, async (page, shot) => {
    await tone(page, "genuine");
    await shot("live");
  });
  await pictures(genuine, "360", { camera: "denied" }, (page, shot) => ofCard(page, shot, "denied"));
  await pictures(0, "360-dark", { dark: true }, (page, shot) => ofCard(page, shot, "no-camera"));
  const [facesModel, facesPhoto] = process.argv.slice(3);
  if (facesModel !== undefined && facesPhoto !== undefined) {
    const faces = await serveModel(facesModel, "faces");
    const clip = clipOf("faces", 1, path.resolve(facesPhoto));
    try {
      await pictures(clip, "360", {}, ofFaces, faces);
      await pictures(clip, "1280-dark", { widthPx: 1280, heightPx: 800, dark: true }, ofFaces, faces);
    } finally {
      await faces.stop();
    }
  }
} finally {
  for (const browser of browsers) await browser.close();
  await served.stop();
  clean();
}
