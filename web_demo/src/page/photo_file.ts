/** What a photo's file says of itself, beyond its pixels. */

import { orientationOf, type Orientation } from "../runtime/exif.ts";
import { outlineOf } from "../runtime/headers.ts";
import { pictureFormat, type Kind } from "../runtime/kinds.ts";

export type Format = "jpg" | "png" | "webp";
export type Rotation = 0 | 90 | 180 | 270;

const FORMATS: Partial<Record<Kind, Format>> = { JPEG: "jpg", PNG: "png", WEBP: "webp" };
/** The turn alone: what orientations 2, 4, 5 and 7 mirror besides has no place in a record. */
const TURNS: Readonly<Record<Orientation, Rotation>> = { 1: 0, 2: 0, 3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270 };

/** The kinds of files that an export has; null: another one. */
export function formatOf(content: Uint8Array): Format | null {
  const kind = pictureFormat(content);
  return kind === null ? null : (FORMATS[kind] ?? null);
}

/** Degrees clockwise by which the pixels are turned to stand upright. */
export function rotationOf(content: Uint8Array): Rotation {
  const kind = pictureFormat(content);
  return kind === null ? 0 : TURNS[orientationOf(outlineOf(kind, content).exif)];
}
