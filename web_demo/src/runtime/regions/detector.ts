/** A photo to the regions in it: letterbox, detector, boxes, squares. */

import type { Bundle } from "../bundle.ts";
import type { RegionPlan } from "../contract.ts";
import { ModelError, PhotoError } from "../errors.ts";
import { type Interpreter, LiteRtInterpreter } from "../interpreter.ts";
import { MIN_SIDE_PX } from "../limits.ts";
import type { Photo } from "../picture.ts";
import { WorkerInterpreter } from "../workermodel.ts";
import { GRIDS } from "./anchors.ts";
import { type Detection, ROW, decodeRows, suppress } from "./decode.ts";
import { Letterbox } from "./letterbox.ts";
import { type Region, regionOf } from "./squares.ts";

/** Where the files of the engine are; with `worker`, the detector runs in a worker of its own. */
export interface DetectorUrls {
  readonly wasm: string;
  readonly worker?: string;
}

/** Finds what a contract classifies in place of whole photos. */
export class Detector {
  /**
   * @param plan - The contract's.
   * @param interpreter - Runs the checked detector of that plan, and is closed with this.
   */
  constructor(
    readonly plan: RegionPlan,
    private readonly interpreter: Interpreter,
  ) {}

  /** The last picture's, which the next one takes: frames come many times a second. */
  private spare: Float32Array<ArrayBuffer> | null = null;

  /**
   * Load the detector of a model file.
   *
   * @param bundle - A checked one.
   * @param urls - As models take them.
   * @returns Null for a model that classifies whole photos.
   * @throws ModelError - The engine can't be loaded, or refuses the detector.
   */
  static async load(bundle: Bundle, { wasm, worker }: DetectorUrls): Promise<Detector | null> {
    const { regions } = bundle.contract;
    const { detector } = bundle;
    if (regions === null || detector === null) return null;
    const interpreter =
      worker === undefined
        ? await LiteRtInterpreter.load(detector, wasm)
        : await WorkerInterpreter.load(detector, { worker, wasm });
    return new Detector(regions, interpreter);
  }

  /**
   * The regions of a photo, the surest first; none where there are none.
   *
   * @param photo - The whole photo at its own size, as `asPhoto` gives it without a working size.
   * @throws PhotoError - The photo has less than 8x8 pixels.
   * @throws ModelError - The engine failed.
   */
  async find(photo: Photo): Promise<readonly Region[]> {
    if (photo.shrink !== 1) throw new RangeError(`regions are found in a photo of its own size, got 1/${photo.shrink}`);
    const [width, height] = photo.sizeWh;
    if (Math.min(width, height) < MIN_SIDE_PX) {
      throw new PhotoError(`a photo must be at least ${MIN_SIDE_PX}x${MIN_SIDE_PX} px, got ${width}x${height}`);
    }
    const frame = new Letterbox(photo.sizeWh, GRIDS[this.plan.detector].sidePx);
    const found = await this.detect(frame.pixels(photo));
    return found
      .map((one) => regionOf(frame.toPhoto(one), photo.sizeWh, this.plan))
      .filter((one) => one !== null);
  }

  private async detect(pixels: Uint8Array): Promise<Detection[]> {
    const { plan, interpreter } = this;
    const grid = GRIDS[plan.detector];
    // Bytes to -1 … 1, as MediaPipe trained its detectors; in float32, as everywhere.
    const input = this.spare ?? new Float32Array(pixels.length);
    // Whoever comes while this one is looked at needs another.
    this.spare = null;
    for (let at = 0; at < pixels.length; at += 1) input[at] = (pixels[at]! - 127.5) / 127.5;
    const outputs = await interpreter.run(input, [1, grid.sidePx, grid.sidePx, 3]);
    this.spare = input;
    const valuesOf = (length: number) => outputs.find(({ shape }) => shape.at(-1) === length)?.values;
    const [rows, logits] = [valuesOf(ROW), valuesOf(1)];
    if (rows?.length !== grid.count * ROW || logits?.length !== grid.count) {
      throw new ModelError(`${interpreter.engine} gives the detector's outputs other shapes than its file says`);
    }
    return suppress(decodeRows(rows, logits, grid, plan.leastScore), plan.iou, plan.most);
  }

  /** Free the detector. Finding anything afterwards is an error. */
  close(): void {
    this.interpreter.close();
  }
}
