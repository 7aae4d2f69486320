/**
 * The time of ten crops of 12 megapixels in node: `npm run build:test && node dist/test/runtime/speed.main.mjs [RUNS]`.
 *
 * Prints one JSON object: the median in nanoseconds, and what was cut. `python benchmarks/ports.py` has the same in
 * Chromium beside Python's.
 */

import { CropPlan, Picture } from "../../src/runtime/index.ts";
import { cutTimes } from "./speed.ts";

const [WIDTH, HEIGHT, SIDE_PX] = [4000, 3000, 224];
const PLAN = new CropPlan({ lead: ["full", "centre"], cycle: ["native", "1/4", "1/2"], crops: 10 });
const runs = Number(process.argv[2] ?? 9);

// Any pixels do; noise keeps a cache from helping.
const rgb = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, at) => (Math.imul(at + 1, 2654435761) >>> 24) & 255);
const photo = { picture: Picture.fromRgb(WIDTH, HEIGHT, rgb), sizeWh: [WIDTH, HEIGHT], shrink: 1 } as const;
const times = cutTimes(photo, PLAN, SIDE_PX, runs).sort((a, b) => a - b);
const median = times[Math.floor(times.length / 2)] ?? Number.NaN;
const about = { engine: `node ${process.version}`, size_wh: photo.sizeWh, plan: String(PLAN), crops: PLAN.crops };
process.stdout.write(`${JSON.stringify({ median_ns: Math.round(median * 1e6), runs, side_px: SIDE_PX, ...about })}\n`);
