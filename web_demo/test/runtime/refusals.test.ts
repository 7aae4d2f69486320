/** What is refused before it takes memory or time, and by which words. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { ENGINE } from "../../src/runtime/engine.ts";
import { PhotoError } from "../../src/runtime/errors.ts";
import { Frame, type Layout, type Plane, type Rotation } from "../../src/runtime/frames.ts";
import { type Outline, outlineOf } from "../../src/runtime/headers.ts";
import { pictureFormat } from "../../src/runtime/kinds.ts";
import { Picture } from "../../src/runtime/picture.ts";
import { ROOT, raw } from "./vectors.ts";

type Case = readonly [name: string, what: () => unknown, message: RegExp];

const plane = (bytes: number, rowStride: number, rest: Partial<Plane> = {}): Plane => ({ data: new Uint8Array(bytes), rowStride, ...rest });
const [Y, UV] = [plane(64, 8), plane(16, 4)];

const FRAMES: readonly Case[] = [
  ["a frame without bytes", () => Frame.fromBuffer(new Uint8Array(0), [8, 8], "nv21"), /Y plane .* must have 64 bytes, got 0/],
  ["a frame without pixels", () => Frame.fromPlanes([0, 8], Y, UV, UV), /1 to 80000000 pixels, got 0x8/],
  ["a stride below the width", () => Frame.fromPlanes([8, 8], plane(64, 7), UV, UV), /must hold 8 samples, got a row stride of 7/],
  ["samples on top of each other", () => Frame.fromPlanes([8, 8], Y, plane(16, 4, { pixelStride: 0 }), UV), /a pixel stride of 0/],
  ["an offset before the start", () => Frame.fromPlanes([8, 8], Y, UV, plane(16, 4, { offset: -1 })), /an offset of -1/],
  ["chroma of odd sides that is cut", () => Frame.fromPlanes([7, 7], Y, plane(15, 4), UV), /U plane .* must have 16 bytes, got 15/],
  ["another rotation", () => Frame.fromPlanes([8, 8], Y, UV, UV, 45 as Rotation), /0, 90, 180 or 270, got 45/],
  ["another layout", () => Frame.fromBuffer(new Uint8Array(96), [8, 8], "yuy2" as Layout), /one of nv21, nv12, i420, got yuy2/],
];

const PICTURES: readonly Case[] = [
  ["fewer bytes than pixels", () => Picture.fromRgb(2, 2, new Uint8Array(11)), /2x2 px must have 12 bytes, got 11/],
  ["more bytes than pixels", () => Picture.fromRgb(2, 2, new Uint8Array(16)), /must have 12 bytes, got 16/],
  ["half a pixel", () => Picture.fromRgb(2.5, 2, new Uint8Array(15)), /must have 15 bytes/],
  ["more than 80 megapixels", () => Picture.fromRgb(10_000, 8_001, new Uint8Array(0)), /1 to 80000000 pixels, got 10000x8001/],
  ["a pixel that is not opaque", () => Picture.fromRgba(1, 2, Uint8Array.of(1, 2, 3, 255, 1, 2, 3, 254)), /must be opaque, got transparent pixels/],
];

/** A JPEG whose frame says another size. */
function jpegOf(width: number, height: number): Uint8Array {
  const content = raw("444.jpg");
  const frame = Buffer.from(content).indexOf(Buffer.of(0xff, 0xc0));
  new DataView(content.buffer).setUint16(frame + 5, height);
  new DataView(content.buffer).setUint16(frame + 7, width);
  return content;
}

/** A JPEG with many more segments behind its first two bytes. */
function jpegWith(segment: Buffer, times: number): Uint8Array {
  const content = Buffer.from(raw("444.jpg"));
  return Buffer.concat([content.subarray(0, 2), ...Array<Buffer>(times).fill(segment), content.subarray(2)]);
}

/** A PNG with many more chunks in front of its pixels. */
function pngWith(times: number): Uint8Array {
  const content = Buffer.from(raw("rgb.png"));
  const empty = Buffer.from([0, 0, 0, 0, ...Buffer.from("noNe"), 0, 0, 0, 0]);
  return Buffer.concat([content.subarray(0, 33), ...Array<Buffer>(times).fill(empty), content.subarray(33)]);
}

function outlined(content: Uint8Array): Outline {
  const kind = pictureFormat(content);
  assert.ok(kind !== null);
  return outlineOf(kind, content);
}

const PHOTOS: readonly Case[] = [
  ["a photo of 200 megapixels", () => outlined(jpegOf(16_384, 12_208)), /1 to 80000000 pixels, got 16384x12208; save it smaller/],
  ["a JPEG of gigapixels", () => outlined(jpegOf(65_500, 65_500)), /at most 2000000000 pixels in all, got 1 of 65500x65500/],
  ["a JPEG of many scans", () => outlined(jpegWith(Buffer.of(0xff, 0xda, 0, 2), 101)), /at most 100 scans/],
  ["a JPEG of many segments", () => outlined(jpegWith(Buffer.of(0xff, 0xfe, 0, 2), 10_001)), /at most 10000 segments/],
  ["a PNG of many chunks", () => outlined(pngWith(100_001)), /at most 100000 chunks/],
  ["a TIFF", () => outlined(raw("cmyk.tif")), /a TIFF photo is not read by all browsers alike; save it as JPEG/],
];

for (const [name, what, message] of [...FRAMES, ...PICTURES, ...PHOTOS]) {
  test(`${name} is refused`, () => {
    assert.throws(what, (failure: unknown) => {
      assert.ok(failure instanceof PhotoError, String(failure));
      assert.match(failure.message, message);
      return true;
    });
  });
}

test("a photo that is cut has a fault", () => assert.match(outlined(raw("444.jpg").slice(0, 900)).fault, /breaks off/));
test("ink has a fault", () => assert.match(outlined(raw("cmyk.jpg")).fault, /in ink/));

test("the engine's name is that of the package that is installed", () => {
  const home = path.join(ROOT, "web_demo", "node_modules", "@litertjs", "core", "package.json");
  const { version } = JSON.parse(readFileSync(home, "utf8")) as { version: string };
  assert.equal(ENGINE, `litert.js-${version}`);
});
