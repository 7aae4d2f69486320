// Draws the page's icons into public/icons: `node tools/icons.mjs`. PNG by hand, so that nothing has to be installed.
// A test holds that the committed files are what this draws.

import { writeFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 as nodeCrc32, deflateSync } from "node:zlib";

const GROUND = [20, 23, 28];
const MARK = [168, 199, 250];
const ROUND = 0.22;
const STROKE = 0.075;

// Segments in a square of 1: the corners of a viewfinder and a tick, as #i-logo of index.html has them.
const LINES = [
  [
    [0.29, 0.16],
    [0.19, 0.16],
    [0.16, 0.19],
    [0.16, 0.29],
  ],
  [
    [0.71, 0.16],
    [0.81, 0.16],
    [0.84, 0.19],
    [0.84, 0.29],
  ],
  [
    [0.29, 0.84],
    [0.19, 0.84],
    [0.16, 0.81],
    [0.16, 0.71],
  ],
  [
    [0.71, 0.84],
    [0.81, 0.84],
    [0.84, 0.81],
    [0.84, 0.71],
  ],
  [
    [0.34, 0.52],
    [0.45, 0.63],
    [0.67, 0.385],
  ],
];

function distance([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/** Share of ink, mark and ground, at a point; scale shrinks the mark into a maskable icon's safe circle. */
function at(x, y, { isMaskable }, pixel) {
  const scale = isMaskable ? 0.72 : 1;
  const point = [0.5 + (x - 0.5) / scale, 0.5 + (y - 0.5) / scale];
  const nearest = Math.min(...LINES.flatMap((line) => line.slice(1).map((end, i) => distance(point, line[i], end))));
  const ink = Math.min(1, Math.max(0, (STROKE / 2 - nearest) * (scale / pixel) + 0.5));
  const corner = Math.hypot(Math.max(0, Math.abs(x - 0.5) - 0.5 + ROUND), Math.max(0, Math.abs(y - 0.5) - 0.5 + ROUND));
  const ground = isMaskable ? 1 : Math.min(1, Math.max(0, (ROUND - corner) / pixel + 0.5));
  return { ink, ground };
}

const crc32 =
  nodeCrc32 ??
  ((bytes) => {
    let crc = -1;
    for (const byte of bytes) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    return ~crc >>> 0;
  });

function chunk(kind, content) {
  const body = Buffer.concat([Buffer.from(kind), content]);
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  size.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, sum]);
}

/** One icon as the bytes of a PNG. */
export function png(side, options) {
  const rows = Buffer.alloc(side * (1 + 4 * side));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const { ink, ground } = at((x + 0.5) / side, (y + 0.5) / side, options, 1 / side);
      const place = y * (1 + 4 * side) + 1 + 4 * x;
      for (let c = 0; c < 3; c++) rows[place + c] = Math.round(GROUND[c] + ink * (MARK[c] - GROUND[c]));
      rows[place + 3] = Math.round(255 * ground);
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 6], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The same mark for where vectors are drawn. */
export function svg() {
  const rgb = (colour) => `rgb(${colour.join(" ")})`;
  const lines = LINES.map(
    (line) => `M${line.map((point) => point.map((one) => Math.round(one * 1000) / 10).join(" ")).join("L")}`,
  ).join("");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="100" rx="${ROUND * 100}" fill="${rgb(GROUND)}"/>` +
    `<path d="${lines}" fill="none" stroke="${rgb(MARK)}" stroke-width="${STROKE * 100}" stroke-linecap="round" stroke-linejoin="round"/></svg>\n`
  );
}

/** Every icon by its file name. */
export const ICONS = {
  "icon.svg": () => svg(),
  "icon-180.png": () => png(180, { isMaskable: true }),
  "icon-192.png": () => png(192, { isMaskable: false }),
  "icon-512.png": () => png(512, { isMaskable: false }),
  "icon-maskable-512.png": () => png(512, { isMaskable: true }),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "public", "icons");
  await mkdir(folder, { recursive: true });
  for (const [name, draw] of Object.entries(ICONS)) await writeFile(path.join(folder, name), draw());
}
