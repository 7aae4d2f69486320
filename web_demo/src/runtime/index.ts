/** edgekit's runtime in TypeScript: what a page, or another app, imports. */

export { Bundle } from "./bundle.ts";
export { Classifier, type ClassifyOptions, type Source } from "./classifier.ts";
export { Contract, CropPlan, Decision, RegionPlan, RETAKE, UNKNOWN, Unknown } from "./contract.ts";
export { type Box, type SizeWh, cropBoxes } from "./crops.ts";
export { ContractError, EdgekitError, ModelError, PhotoError, VideoError } from "./errors.ts";
export { Frame, type Layout, type Plane, type Rotation } from "./frames.ts";
export type { Json, JsonObject } from "./json.ts";
export { ENGINE } from "./engine.ts";
export type { Input, Interpreter, Output } from "./interpreter.ts";
export { LiteRtModel, type Model } from "./model.ts";
export { pictureOf, readPhoto } from "./photo.ts";
export { type Bytes, type Photo, Picture, asPhoto, toTensor } from "./picture.ts";
export { Detector, type DetectorUrls } from "./regions/detector.ts";
export { type Region, regionPhoto } from "./regions/squares.ts";
export { type Tracked, Tracker } from "./regions/tracking.ts";
export { sha256 } from "./sha256.ts";
export { DEFAULT_TAU_S, Smoother, type Smoothed } from "./smoothing.ts";
export {
  type CropScore,
  type Milliseconds,
  type PlainRegionsVerdict,
  type PlainVerdict,
  type RegionVerdict,
  RegionsVerdict,
  Verdict,
} from "./verdict.ts";
export type { Answer } from "./voting.ts";
export { WorkerModel } from "./workermodel.ts";
