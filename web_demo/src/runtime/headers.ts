/**
 * What a coded picture's headers say, before anything is decoded: its size, how much work it is, and whether it is whole.
 *
 * A browser's decoder shows what it gets of a file that breaks off; a verdict on half a photo would be a guess.
 */

import { crc32 } from "./crc32.ts";
import { bigEndian, latin, littleEndian, standsAt } from "./bytes.ts";
import type { SizeWh } from "./crops.ts";
import { PhotoError } from "./errors.ts";
import type { Kind } from "./kinds.ts";
import { MAX_BLOCKS, MAX_SCANNED_PIXELS, MAX_SCANS, MAX_SEGMENTS, checkSize } from "./limits.ts";

/** What headers say of a picture. */
export interface Outline {
  /** Width and height in pixels, as they are stored. */
  readonly sizeWh: SizeWh;
  /** Why it can't be read, and what to do; empty where nothing is known. */
  readonly fault: string;
  /** The content of its EXIF block, prefix included; empty without. */
  readonly exif: Uint8Array;
  /** Where the four letters stand that mark the pieces of its EXIF. */
  readonly exifMarks: readonly number[];
}

/** One segment of a JPEG: its marker, and where its length stands, which counts itself. */
interface Segment {
  readonly code: number;
  readonly body: number;
  readonly length: number;
}

const NOTHING: Uint8Array = new Uint8Array(0);
const NO_EXIF = { exif: NOTHING, exifMarks: [] };
const EXIF_PREFIX = "Exif\0\0";
// As a PNG's chunk it is one that nobody must know.
const HIDDEN_MARK = "noNe";
const CUT = "it breaks off before the end of its picture; copy it again";
const [APP1, SCAN, END] = [0xe1, 0xda, 0xd9];
// Markers of frames, and what is special about them; baseline, extended and progressive ones have nothing.
const FRAMES: ReadonlyMap<number, string> = new Map([
  ...[0xc0, 0xc1, 0xc2].map((code) => [code, ""] as const),
  ...[0xc3, 0xcb].map((code) => [code, "lossless"] as const),
  ...[0xc5, 0xc6, 0xc7, 0xcd, 0xce, 0xcf].map((code) => [code, "hierarchical"] as const),
  ...[0xc9, 0xca].map((code) => [code, "arithmetic-coded"] as const),
  [0xf7, "lossless (JPEG-LS)"],
]);
const INK_CHANNELS = 4;

/**
 * What the headers of a picture say.
 *
 * @param kind - The format, as `pictureFormat` says.
 * @param content - Content of the file.
 * @throws PhotoError - More pixels, scans, segments or chunks than the limits allow.
 */
export function outlineOf(kind: Kind, content: Uint8Array): Outline {
  const outline = READERS[kind](content);
  checkSize(`a ${kind}`, outline.sizeWh, "; save it smaller");
  return outline;
}

/**
 * The same file without EXIF, for a decoder that would turn the picture by itself, and nobody knows by which rule.
 *
 * @returns A copy with the marks of its EXIF changed; the file itself where it has none.
 */
export function hideExif(
  kind: Kind,
  content: Uint8Array<ArrayBuffer>,
  { exifMarks }: Outline,
): Uint8Array<ArrayBuffer> {
  if (exifMarks.length === 0) return content;
  const hidden = content.slice();
  for (const at of exifMarks) {
    for (let place = 0; place < HIDDEN_MARK.length; place += 1) hidden[at + place] = HIDDEN_MARK.charCodeAt(place);
    if (kind !== "PNG") continue;
    const end = at + 4 + bigEndian(content, at - 4, 4);
    new DataView(hidden.buffer).setUint32(end, crc32(hidden.subarray(at, end)));
  }
  return hidden;
}

const READERS: Readonly<Record<Kind, (content: Uint8Array) => Outline>> = {
  JPEG: outlineJpeg,
  PNG: outlinePng,
  WEBP: outlineWebp,
  GIF: outlineGif,
  BMP: outlineBmp,
  TIFF: () => unread("TIFF"),
  HEIC: () => unread("HEIC"),
  AVIF: () => unread("AVIF"),
};

function unread(kind: Kind): never {
  throw new PhotoError(`a ${kind} photo is not read by all browsers alike; save it as JPEG`);
}

function outlineJpeg(content: Uint8Array): Outline {
  const exif: Uint8Array[] = [];
  const exifMarks: number[] = [];
  let [scans, isWhole, frame] = [0, false, null as Segment | null];
  for (const segment of segmentsOf(content)) {
    const { code, body, length } = segment;
    if (code === END) isWhole = true;
    if (code === SCAN) scans += 1;
    if (scans > MAX_SCANS) throw new PhotoError(`a JPEG must have at most ${MAX_SCANS} scans, got more; save it anew`);
    if (FRAMES.has(code)) frame ??= segment;
    // Decoders are less strict about what is EXIF than its rule.
    if (code === APP1 && standsAt(content, body + 2, "Exif")) exifMarks.push(body + 2);
    if (code === APP1 && scans === 0 && standsAt(content, body + 2, EXIF_PREFIX)) {
      // A long block goes on in the next segment, behind another prefix.
      exif.push(content.subarray(body + 2 + (exif.length > 0 ? EXIF_PREFIX.length : 0), body + length));
    }
  }
  if (frame === null) throw new PhotoError(`not a whole JPEG picture: ${CUT}`);
  const [height, width] = [bigEndian(content, frame.body + 3, 2), bigEndian(content, frame.body + 5, 2)];
  if (scans * width * height > MAX_SCANNED_PIXELS) {
    throw new PhotoError(
      `the scans of a JPEG must go through at most ${MAX_SCANNED_PIXELS} pixels in all, got ${scans} of ` +
        `${width}x${height}; save it anew, not progressive, or smaller`,
    );
  }
  const [special, bits] = [FRAMES.get(frame.code) ?? "", content[frame.body + 2] ?? 0];
  const isInk = content[frame.body + 7] === INK_CHANNELS;
  let fault = isWhole && scans > 0 ? "" : CUT;
  if (isInk) fault = "it is a JPEG in ink (CMYK), which decoders read differently; save it as RGB";
  else if (special !== "") fault = `it is a ${special} JPEG; save it as an ordinary one`;
  else if (bits !== 8) fault = `it is a JPEG of ${bits} bits a sample; save it with 8`;
  return { sizeWh: [width, height], fault, exif: joined(exif), exifMarks };
}

/**
 * A JPEG's segments up to its end. What looks like one inside another (a preview, a profile) is none.
 *
 * @throws PhotoError - More than the limit.
 */
function* segmentsOf(content: Uint8Array): Generator<Segment> {
  let count = 0;
  for (let at = 2; ;) {
    at = content.indexOf(0xff, at);
    const code = content[at + 1];
    if (at < 0 || code === undefined) return;
    // Not stuffed, no filling, none that stands alone (TEM, restarts, SOI): a marker as libjpeg finds it.
    if (code === 0x00 || code === 0x01 || (code >= 0xd0 && code <= 0xd8) || code === 0xff) {
      at += code === 0xff ? 1 : 2;
      continue;
    }
    const body = at + 2;
    const length = Math.max(2, bigEndian(content, body, 2));
    yield { code, body, length };
    if (code === END) return;
    count += 1;
    if (count > MAX_SEGMENTS) {
      throw new PhotoError(`a JPEG must have at most ${MAX_SEGMENTS} segments, got more; save it anew`);
    }
    at = body + length;
  }
}

function outlinePng(content: Uint8Array): Outline {
  let [at, isWhole, exif] = [8, false, NOTHING];
  const exifMarks: number[] = [];
  for (let count = 0; at + 12 <= content.length && !isWhole; count += 1) {
    if (count > MAX_BLOCKS) throw tooManyBlocks("PNG");
    const length = bigEndian(content, at, 4);
    const next = at + 12 + length;
    if (next > content.length) break;
    if (standsAt(content, at + 4, "IEND")) isWhole = true;
    if (standsAt(content, at + 4, "eXIf")) {
      exifMarks.push(at + 4);
      if (isIntact(content, at, length)) exif = content.subarray(at + 8, next - 4);
    }
    at = next;
  }
  const sizeWh: SizeWh = [bigEndian(content, 16, 4), bigEndian(content, 20, 4)];
  return { sizeWh, fault: isWhole && standsAt(content, 12, "IHDR") ? "" : CUT, exif, exifMarks };
}

/** Whether the check sum of a PNG's chunk is right. */
function isIntact(content: Uint8Array, at: number, length: number): boolean {
  return crc32(content.subarray(at + 4, at + 8 + length)) === bigEndian(content, at + 8 + length, 4);
}

function outlineWebp(content: Uint8Array): Outline {
  const end = 8 + littleEndian(content, 4, 4);
  let [at, exif, sizeWh] = [12, NOTHING, [0, 0] as SizeWh];
  const exifMarks: number[] = [];
  for (let count = 0; at + 8 <= Math.min(end, content.length); count += 1) {
    if (count > MAX_BLOCKS) throw tooManyBlocks("WEBP");
    const [kind, length] = [latin(content, at, at + 4), littleEndian(content, at + 4, 4)];
    if (count === 0) sizeWh = webpSize(content, kind, at + 8);
    if (kind === "EXIF") {
      exifMarks.push(at);
      if (exif.length === 0) exif = content.subarray(at + 8, at + 8 + length);
    }
    at += 8 + length + (length % 2);
  }
  return { sizeWh, fault: end <= content.length ? "" : CUT, exif, exifMarks };
}

function webpSize(content: Uint8Array, kind: string, at: number): SizeWh {
  if (kind === "VP8X") return [littleEndian(content, at + 4, 3) + 1, littleEndian(content, at + 7, 3) + 1];
  if (kind === "VP8L") {
    const bits = littleEndian(content, at + 1, 4);
    return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
  }
  return [littleEndian(content, at + 6, 2) & 0x3fff, littleEndian(content, at + 8, 2) & 0x3fff];
}

function outlineGif(content: Uint8Array): Outline {
  const flags = content[10] ?? 0;
  let at = 13 + (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let count = 0;
  const skipBlocks = (): void => {
    for (; at < content.length && content[at] !== 0; at += 1 + content[at]!) {
      count += 1;
      if (count > MAX_BLOCKS) throw tooManyBlocks("GIF");
    }
    at += 1;
  };
  while (content[at] === 0x21) {
    at += 2;
    skipBlocks();
  }
  const screen: SizeWh = [littleEndian(content, 6, 2), littleEndian(content, 8, 2)];
  if (content[at] !== 0x2c) return { sizeWh: screen, fault: CUT, ...NO_EXIF };
  const [left, top, width, height] = [1, 3, 5, 7].map((place) => littleEndian(content, at + place, 2));
  checkSize("the first frame of a GIF", [Math.max(1, left! + width!), Math.max(1, top! + height!)]);
  const own = content[at + 9] ?? 0;
  // Behind its colours stand the size of its codes, and blocks up to an empty one.
  at += 10 + (own & 0x80 ? 3 << ((own & 7) + 1) : 0) + 1;
  skipBlocks();
  return { sizeWh: screen, fault: at <= content.length ? "" : CUT, ...NO_EXIF };
}

function outlineBmp(content: Uint8Array): Outline {
  const isOld = littleEndian(content, 14, 4) === 12;
  const width = littleEndian(content, 18, isOld ? 2 : 4);
  // Rows from the top have a negative height.
  const height = Math.abs(isOld ? littleEndian(content, 20, 2) : littleEndian(content, 22, 4) | 0);
  const bits = littleEndian(content, isOld ? 24 : 28, 2);
  const isPacked = !isOld && [1, 2].includes(littleEndian(content, 30, 4));
  const bytes = isPacked ? 0 : Math.ceil((bits * width) / 32) * 4 * height;
  const isWhole = littleEndian(content, 10, 4) + bytes <= content.length;
  return { sizeWh: [width, height], fault: isWhole ? "" : CUT, ...NO_EXIF };
}

function tooManyBlocks(kind: Kind): PhotoError {
  return new PhotoError(`a ${kind} must have at most ${MAX_BLOCKS} chunks, got more; save it anew`);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first = NOTHING] = parts;
  if (parts.length < 2) return first;
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => {
    made.set(part, at);
    return at + part.length;
  }, 0);
  return made;
}
