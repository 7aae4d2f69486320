/**
 * Where a detector's outputs lie in its input: the anchors of MediaPipe's face detectors.
 *
 * After `mediapipe/calculators/tflite/ssd_anchors_calculator.cc` (Apache-2.0) with the options of
 * `mediapipe/modules/face_detection` (short range, full range) and of `face_detection_back`: a grid for each stride,
 * anchors in the middle of their cells, all of the width and height 1.
 */

import type { DetectorName } from "../contract.ts";

/** The anchors of one detector. */
export class AnchorGrid {
  /**
   * @param sidePx - Side of the detector's square input.
   * @param strides - For each grid, in the outputs' order, the pixels of a cell and the anchors in it.
   */
  constructor(
    readonly sidePx: number,
    private readonly strides: readonly (readonly [cellPx: number, anchors: number])[],
  ) {}

  /** How many anchors there are: rows of the detector's outputs. */
  get count(): number {
    return this.strides.reduce((sum, [cellPx, anchors]) => sum + Math.floor(this.sidePx / cellPx) ** 2 * anchors, 0);
  }

  private known: Float64Array | null = null;

  /** The anchors' centres in parts of the input's side: (count, 2), x and y. Computed once; nobody may write to them. */
  get centres(): Float64Array {
    return (this.known ??= this.compute());
  }

  private compute(): Float64Array {
    const found = new Float64Array(2 * this.count);
    let at = 0;
    for (const [cellPx, anchors] of this.strides) {
      const cells = Math.floor(this.sidePx / cellPx);
      for (let cell = 0; cell < cells * cells; cell += 1) {
        const [x, y] = [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
        for (let anchor = 0; anchor < anchors; anchor += 1, at += 2) [found[at], found[at + 1]] = [x, y];
      }
    }
    return found;
  }
}

/** The anchors of each detector that is known. */
export const GRIDS: Readonly<Record<DetectorName, AnchorGrid>> = {
  "blazeface-short": new AnchorGrid(128, [
    [8, 2],
    [16, 6],
  ]),
  "blazeface-back": new AnchorGrid(256, [
    [16, 2],
    [32, 6],
  ]),
  "blazeface-full": new AnchorGrid(192, [[4, 1]]),
};
