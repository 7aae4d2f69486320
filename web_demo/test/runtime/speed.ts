/** How long the crops of a photo take to be cut and resized. */

import { type CropPlan, type Photo, cropBoxes, toTensor } from "../../src/runtime/index.ts";

/** Milliseconds of each run; one to warm up is left out. */
export function cutTimes(photo: Photo, plan: CropPlan, sidePx: number, runs: number): number[] {
  const times = Array.from({ length: runs + 1 }, () => {
    const began = performance.now();
    for (const box of cropBoxes(plan, photo.sizeWh, sidePx)) toTensor(photo, box, sidePx);
    return performance.now() - began;
  });
  return times.slice(1);
}
