/** What a file is, by its first bytes. Its name says nothing: phones, mail and websites rename what they pass on. */

import { bigEndian, latin, littleEndian, standsAt } from "./bytes.ts";

/** Formats that a photo may have: browsers read the first five of them alike. */
export type Kind = "JPEG" | "PNG" | "WEBP" | "BMP" | "GIF" | "TIFF" | "HEIC" | "AVIF";

/** What a file is, in words, and what to do about it. */
export interface Instead {
  readonly what: string;
  readonly remedy: string;
}

// Where all that tells kinds apart lies, a TIFF's first directory included in what cameras write.
const HEAD_BYTES = 4096;
const TIFF_STARTS = ["II*\0", "MM\0*", "MM*\0", "II\0*", "MM\0+", "II+\0"];
const BMP_HEADERS = [12, 16, 40, 52, 56, 64, 108, 124];
const AVIF_BRANDS = ["avif", "avis"];
const HEIC_BRANDS = ["heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs", "heif"];
// A picture that doesn't say how it is coded, and what videos may name beside it.
const PICTURE_BRANDS = ["mif1", "msf1", "mif2", "miaf"];
// Tags of TIFF's first directory, and values of two of them.
const [SUBFILE, PHOTOMETRIC, INNER_DIRECTORIES, DNG_VERSION] = [254, 262, 330, 50706];
const [COLOUR_FILTERS, LINEAR_RAW] = [32803, 34892];
// Bytes of a value by its type: bytes, 16, 32 and 64 bits, and directories.
const TIFF_WIDTHS: ReadonlyMap<number, number> = new Map([[1, 1], [3, 2], [4, 4], [13, 4], [16, 8], [18, 8]]);

const RAW: Instead = { what: "a camera's raw file", remedy: "export it as JPEG" };
const AGAIN = "download the photo itself again";
const AS_JPEG = "save it as JPEG";
const IMPORT = "give it to edgekit data import";
const PICTURES = "export its pictures as JPEG";
// What begins so, what that is, and what to do about it.
const STARTS: readonly (readonly [start: string, what: string, remedy: string])[] = [
  ["version https://git-lfs.github.com/spec/", "a Git LFS pointer", "fetch the photo with git lfs pull"],
  ["/annex/objects/", "a git-annex pointer", "fetch the photo with git annex get"],
  ["\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture", AS_JPEG],
  ["\xff\x4f\xff\x51", "a JPEG 2000 picture", AS_JPEG],
  ["\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", AS_JPEG],
  ["\xff\x0a", "a JPEG XL picture", AS_JPEG],
  ["II\xbc", "a JPEG XR picture", AS_JPEG],
  ["8BPS", "a Photoshop document", AS_JPEG],
  ["gimp xcf", "a GIMP document", AS_JPEG],
  ["v/1\x01", "an OpenEXR picture", AS_JPEG],
  ["#?RADIANCE", "a Radiance picture", AS_JPEG],
  ["\0\0\x01\0", "an icon", AS_JPEG],
  ["DDS ", "a DirectDraw surface", AS_JPEG],
  ["qoif", "a QOI picture", AS_JPEG],
  ...["IIRO", "IIRS", "MMOR", "IIU\0", "FUJIFILMCCD-RAW", "FOVb", "\0MRM"].map(
    (start) => [start, RAW.what, RAW.remedy] as const,
  ),
  ["PK\x03\x04", "a zip archive", "unpack it, or give it to edgekit data import"],
  ["PK\x05\x06", "an empty zip archive", "pack the photos again"],
  ["Rar!", "a RAR archive", "unpack it"],
  ["7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"],
  ["\x1f\x8b", "a gzip file", "unpack it"],
  ["BZh", "a bzip2 file", "unpack it"],
  ["\xfd7zXZ\0", "an xz file", "unpack it"],
  ["(\xb5/\xfd", "a Zstandard file", "unpack it"],
  ["%PDF", "a PDF document", PICTURES],
  ["%!PS", "a PostScript document", PICTURES],
  ["\xc5\xd0\xd3\xc6", "a PostScript document", PICTURES],
  ["\xd0\xcf\x11\xe0", "a Microsoft Office document", PICTURES],
  ["{\\rtf", "an RTF document", PICTURES],
  ["\x1aE\xdf\xa3", "a Matroska or WebM video", IMPORT],
  ["\0\0\x01\xba", "an MPEG video", IMPORT],
  ["FLV\x01", "a Flash video", "convert it"],
  ["ID3", "a sound file", "remove it"],
  ["OggS", "an Ogg file", "remove it"],
  ["fLaC", "a sound file", "remove it"],
  ["bplist00", "a property list of Apple's", "remove it, or let the cloud download the photo"],
  ["\0\x05\x16\x07", "what macOS keeps beside a file (AppleDouble)", "remove it"],
  ["L\0\0\0\x01\x14\x02\0", "a shortcut of Windows", "copy the photo that it leads to"],
  ["[InternetShortcut]", "a shortcut to a website", AGAIN],
  ["SQLite format 3\0", "an SQLite database", "remove it"],
  ["\x89HDF", "an HDF5 file", "remove it"],
  ["\x93NUMPY", "a NumPy array", AS_JPEG],
  ["\x7fELF", "a program", "remove it"],
  ["MZ", "a program", "remove it"],
  ["data:image/", "a data URI (text)", "decode its base64"],
  ["/9j/", "a JPEG in base64 (text)", "decode its base64"],
  ["iVBORw0KGgo", "a PNG in base64 (text)", "decode its base64"],
  ["MIME-Version:", "an e-mail", "save its attachment"],
];
// Text that may have blanks and a byte order mark in front, in lower case.
const TEXT_STARTS: readonly (readonly [start: string, what: string, remedy: string])[] = [
  ["<!doctype html", "an HTML page", AGAIN],
  ["<html", "an HTML page", AGAIN],
  ["<head", "an HTML page", AGAIN],
  ["<svg", "an SVG drawing", "export it as PNG"],
  ["<?xml", "an XML text", AGAIN],
  ["<error", "an XML text", AGAIN],
  ["{", "a JSON text", AGAIN],
  ["[{", "a JSON text", AGAIN],
  ["http/1.", "a server's answer with its headers", AGAIN],
];

/** The format of a picture, or null for all else, cameras' raw files included. */
export function pictureFormat(content: Uint8Array): Kind | null {
  const head = content.subarray(0, HEAD_BYTES);
  if (standsAt(head, 0, "\xff\xd8\xff")) return "JPEG";
  if (standsAt(head, 0, "\x89PNG\r\n\x1a\n")) return "PNG";
  if (standsAt(head, 0, "RIFF") && standsAt(head, 8, "WEBP")) return "WEBP";
  if (standsAt(head, 0, "GIF87a") || standsAt(head, 0, "GIF89a")) return "GIF";
  if (standsAt(head, 0, "BM") && BMP_HEADERS.includes(littleEndian(head, 14, 4))) return "BMP";
  if (TIFF_STARTS.some((start) => standsAt(head, 0, start))) return isRaw(head) ? null : "TIFF";
  return formatOfBrands(brandsOf(head));
}

/** What a file is that `pictureFormat` knows no format of. */
export function whatInstead(content: Uint8Array): Instead {
  const head = content.subarray(0, HEAD_BYTES);
  if (content.length === 0) return { what: "an empty file", remedy: AGAIN };
  if (head.every((byte) => byte === 0)) {
    const what = content.every((byte) => byte === 0) ? "nothing but zeros" : "zeros at its beginning";
    return { what, remedy: "it was copied in part: copy it again" };
  }
  if (TIFF_STARTS.some((start) => standsAt(head, 0, start))) return RAW;
  for (const [start, what, remedy] of STARTS) if (standsAt(head, 0, start)) return { what, remedy };
  const brands = brandsOf(head);
  if (brands.length > 0) {
    return brands.includes("crx ") ? RAW : { what: "an MP4 or QuickTime video", remedy: IMPORT };
  }
  if (standsAt(head, 0, "RIFF")) {
    return { what: `a '${latin(head, 8, 12).trim()}' file of RIFF's kind`, remedy: "remove it" };
  }
  if (standsAt(head, 128, "DICM")) return { what: "a DICOM file", remedy: AS_JPEG };
  return describeText(head);
}

function describeText(head: Uint8Array): Instead {
  const order = standsAt(head, 0, "\xff\xfe") ? "utf-16le" : standsAt(head, 0, "\xfe\xff") ? "utf-16be" : "utf-8";
  // A character may be cut in two where the head ends.
  const text = new TextDecoder(order).decode(head).replace(/\ufffd+$/, "").trimStart();
  const start = text.slice(0, 64).toLowerCase();
  for (const [known, what, remedy] of TEXT_STARTS) {
    if (!start.startsWith(known)) continue;
    const isDrawing = known === "<?xml" && text.toLowerCase().includes("<svg");
    return isDrawing ? { what: "an SVG drawing", remedy: "export it as PNG" } : { what, remedy };
  }
  if (text !== "" && !/[^\s\P{C}]|\ufffd/u.test(text)) {
    return { what: `text that begins with ${JSON.stringify(text.slice(0, 24))}`, remedy: "remove it, or put the photo in its place" };
  }
  const bytes = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return { what: `an unknown format that begins with ${bytes}`, remedy: AS_JPEG };
}

/** The major and then the compatible brands of a file of ISO's base media format; none for any other. */
function brandsOf(head: Uint8Array): readonly string[] {
  if (!standsAt(head, 4, "ftyp")) return [];
  const end = Math.min(head.length, Math.max(16, bigEndian(head, 0, 4)));
  const brands = [latin(head, 8, 12)];
  for (let at = 16; at < end - 3; at += 4) brands.push(latin(head, at, at + 4));
  return brands;
}

function formatOfBrands(brands: readonly string[]): Kind | null {
  const [first = ""] = brands;
  const isPicture = PICTURE_BRANDS.includes(first);
  // The first brand is what the file is best taken for: videos name pictures' brands behind it.
  for (const brand of isPicture ? brands : [first]) {
    if (AVIF_BRANDS.includes(brand)) return "AVIF";
    if (HEIC_BRANDS.includes(brand)) return "HEIC";
  }
  return isPicture ? "HEIC" : null;
}

/** Whether a TIFF is a camera's raw file, whose first picture is a small preview of what was shot. */
function isRaw(head: Uint8Array): boolean {
  if (standsAt(head, 8, "CR")) return true;
  const found = firstDirectory(head);
  const photometric = found.get(PHOTOMETRIC) ?? 0;
  const isPreview = ((found.get(SUBFILE) ?? 0) & 1) === 1 && found.has(INNER_DIRECTORIES);
  return found.has(DNG_VERSION) || photometric === COLOUR_FILTERS || photometric === LINEAR_RAW || isPreview;
}

/** Tags of a TIFF's first directory whose values are whole numbers, and the first of them; 0 where it lies beyond. */
function firstDirectory(content: Uint8Array): ReadonlyMap<number, number> {
  const read = standsAt(content, 0, "II") ? littleEndian : bigEndian;
  // BigTIFF has numbers of 64 bits where TIFF 6.0 has 32.
  const wide = latin(content, 0, 4).includes("+") ? 8 : 4;
  const start = read(content, wide, wide);
  const first = start + (wide === 8 ? 8 : 2);
  const size = 4 + 2 * wide;
  const found = new Map<number, number>();
  const end = first + size * read(content, start, first - start);
  for (let at = first; at < end && at + 4 + 2 * wide <= content.length; at += size) {
    const width = TIFF_WIDTHS.get(read(content, at + 2, 2)) ?? 0;
    const own = at + 4 + wide;
    // Where its values lie, which may be anywhere.
    const place = read(content, at + 4, wide) * width > wide ? read(content, own, wide) : own;
    if (width > 0) found.set(read(content, at, 2), place + width <= content.length ? read(content, place, width) : 0);
  }
  return found;
}
