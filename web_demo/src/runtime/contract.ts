/**
 * The contract that travels inside a model file: what goes in, how crops are cut and voted on, what the numbers mean.
 *
 * The names are those of `edgekit.json` in camelCase.
 */

import { ContractError } from "./errors.ts";
import { float, integer, listOf, object, oneOf, optional, orNull, pair, readObject, required, string } from "./fields.ts";
import { type Json, JsonError, type JsonObject, describeJson, readJson, truncated } from "./json.ts";

/** The newest version of the format that is read. A contract has the oldest that has all that it says. */
export const SCHEMA = 3;
const FIRST_SCHEMA = 1;
// The schema that each of these keys came with.
const SINCE = { heads: 2, regions: 3, unknown: 3, multi_label: 3 } as const;
/** The member of a model's archive that holds the contract. */
export const CONTRACT_NAME = "edgekit.json";
/** The member that holds the labels, one a line. */
export const LABELS_NAME = "labels.txt";
/** The member that holds the detector of regions, where it is inside. */
export const DETECTOR_NAME = "detector.tflite";
/** The answer inside the contract's abstain band: take the photo again. */
export const RETAKE = "retake";
/** The answer by the contract's rule for what is unknown, or under its floor. */
export const UNKNOWN = "unknown";
/** What a model of several labels answers where none is reached. */
export const NOTHING = "none";
/** What stands between several labels. */
export const BETWEEN_LABELS = "|";

const MAX_CROPS = 1000;
const MAX_SCALES = 64;
const MAX_HEADS = 16;
const MAX_LABELS = 10_000;
const [MIN_SIDE_PX, MAX_SIDE_PX] = [8, 1024];
const MAX_NAME_LENGTH = 200;
const [MIN_WORKING_PX, MAX_WORKING_PX] = [64, 20_000];
// Provenance is for people: nobody reads what is nested deeper, and writers of JSON recurse.
const MAX_DEPTH = 20;
const MAX_REGIONS = 100;
// Of a region's margin, in parts of its side.
const MAX_MARGIN = 2;
const DETECTORS = ["blazeface-short", "blazeface-back", "blazeface-full"] as const;
const PLACES = ["inside", "beside"] as const;
const RULES = ["probability", "energy", "distance"] as const;
const ALIGNMENTS = ["none", "eyes"] as const;
const PRECISIONS = ["int8", "float32", "float16", "dynamic", "int16x8"] as const;
const VOTES = ["mean-log", "mean"] as const;

/** How a model's numbers are stored. */
export type Precision = (typeof PRECISIONS)[number];

/**
 * The numerator and denominator of a scale such as `1/4`, or null for `full`, `centre` and `native`.
 *
 * @throws ContractError - The scale is none of these, or a fraction above one.
 */
export function parseFraction(scale: string): readonly [number, number] | null {
  if (scale === "full" || scale === "centre" || scale === "native") return null;
  const match = /^([1-9][0-9]{0,2})\/([1-9][0-9]{0,2})$/.exec(scale);
  const [above, below] = [Number(match?.[1]), Number(match?.[2])];
  if (!(above <= below)) {
    throw new ContractError(
      "a crop scale must be full, centre, native or a fraction of the width up to 1 such as 1/4, got " +
        JSON.stringify(scale),
    );
  }
  return [above, below];
}

/** What a crop plan is made of; what is left out has the default of the format. */
export interface PlanParts {
  readonly lead?: readonly string[];
  readonly cycle?: readonly string[];
  readonly crops?: number;
  readonly workingPx?: number | null;
}

/**
 * Which crops of a photo are scored, in order.
 *
 * Crop `i` has the scale `lead[i]`; after the lead, scales repeat in the order of `cycle`. Scales are `full` (the whole
 * frame, squashed to a square), `centre` (the largest centred square), `native` (as many source pixels as the model's
 * input has, so nothing is resampled) and fractions of the width (`1/4`). The first k crops are the same for every count.
 */
export class CropPlan {
  readonly lead: readonly string[];
  readonly cycle: readonly string[];
  /** How many crops are scored, 1 to 1000. */
  readonly crops: number;
  /** A photo is halved as often as its shorter side stays at least so many pixels, 64 to 20,000; null: never. */
  readonly workingPx: number | null;

  /** @throws ContractError - Scales, count or working size are out of range. */
  constructor(plan: PlanParts = {}) {
    const { lead = [], cycle = ["1/4"], crops = 10, workingPx = null } = plan;
    for (const scale of [...lead, ...cycle]) parseFraction(scale);
    if (cycle.length === 0 || cycle.length > MAX_SCALES || lead.length > MAX_SCALES) {
      throw new ContractError(
        `a crop plan needs 1 to ${MAX_SCALES} cycled scales and at most ${MAX_SCALES} leading ones, got ` +
          `${cycle.length} and ${lead.length}`,
      );
    }
    if (!isCount(crops)) throw new ContractError(`a crop plan must have 1 to ${MAX_CROPS} crops, got ${crops}`);
    if (workingPx !== null && !(workingPx >= MIN_WORKING_PX && workingPx <= MAX_WORKING_PX)) {
      throw new ContractError(
        `a photo's working side must be ${MIN_WORKING_PX} to ${MAX_WORKING_PX} px, got ${workingPx}`,
      );
    }
    [this.lead, this.cycle, this.crops, this.workingPx] = [lead, cycle, crops, workingPx];
  }

  /** The scale of crop `index`, from 0. */
  scale(index: number): string {
    const found =
      index < this.lead.length ? this.lead[index] : this.cycle[(index - this.lead.length) % this.cycle.length];
    if (found === undefined) throw new RangeError(`a crop's number must be 0 or more, got ${index}`);
    return found;
  }

  /** The scales as the command line of edgekit reads them, such as `centre:native,1/4`. */
  toString(): string {
    return (this.lead.length > 0 ? `${this.lead.join("+")}:` : "") + this.cycle.join(",");
  }
}

/**
 * Hold the limit on crops for one verdict.
 *
 * @throws ContractError - None, more than 1000, or no whole number.
 */
export function checkCrops(count: number): void {
  if (!isCount(count)) throw new ContractError(`crops must be 1 to ${MAX_CROPS}, got ${count}`);
}

function isCount(crops: number): boolean {
  return Number.isInteger(crops) && crops >= 1 && crops <= MAX_CROPS;
}

/** What a decision is made of; what is left out has the default of the format. */
export interface DecisionParts {
  readonly vote?: "mean-log" | "mean";
  readonly temperature?: number;
  readonly threshold?: number | null;
  readonly abstain?: readonly [low: number, high: number] | null;
  readonly floor?: number | null;
  readonly earlyStop?: readonly number[] | null;
}

/** How the scores of the crops become one answer. */
export class Decision {
  /** `mean-log`: the normalised geometric mean of the crops' probabilities; `mean`: the arithmetic one. */
  readonly vote: "mean-log" | "mean";
  /** Log-probabilities are divided by it before the vote, 0.01 to 100. */
  readonly temperature: number;
  /** The attack score from which a photo is called an attack, 0 to 1; null: the most probable label. */
  readonly threshold: number | null;
  /** Attack scores inside `low <= score < high` answer `retake`; null: never. */
  readonly abstain: readonly [low: number, high: number] | null;
  /** A most probable label under this probability answers `unknown`; null: never. */
  readonly floor: number | null;
  /** Bound `i`, in log-odds, ends the work after crop `i` where the vote is farther from another answer; null: never. */
  readonly earlyStop: readonly number[] | null;

  /** @throws ContractError - A number is out of its range, or a floor stands beside bounds for stopping early. */
  constructor(decision: DecisionParts = {}) {
    const {
      vote = "mean-log",
      temperature = 1,
      threshold = null,
      abstain = null,
      floor = null,
      earlyStop = null,
    } = decision;
    if (!(temperature >= 0.01 && temperature <= 100)) {
      throw new ContractError(`a temperature must lie in 0.01 to 100, got ${temperature}`);
    }
    for (const [name, value] of [
      ["threshold", threshold],
      ["floor", floor],
    ] as const) {
      checkShare(name, value);
    }
    if (abstain !== null && !(abstain[0] >= 0 && abstain[0] < abstain[1] && abstain[1] <= 1)) {
      throw new ContractError(`an abstain band must be 0 <= low < high <= 1, got ${abstain[0]} to ${abstain[1]}`);
    }
    if (earlyStop !== null && !earlyStop.every((bound) => bound >= 0 && bound < Number.POSITIVE_INFINITY)) {
      throw new ContractError(
        `bounds for stopping early must be 0 or more, got ${truncated(earlyStop.join(", "), 200)}`,
      );
    }
    if (earlyStop !== null && floor !== null) {
      throw new ContractError('a decision that stops early must have no floor: "unknown" needs all crops');
    }
    [this.vote, this.temperature, this.threshold] = [vote, temperature, threshold];
    [this.abstain, this.floor, this.earlyStop] = [abstain, floor, earlyStop];
  }
}

/** MediaPipe's face detectors: for two metres, for a phone's back camera, for five metres. */
export type DetectorName = (typeof DETECTORS)[number];

/** What a detector finds. */
export type Thing = "face";

/** What a plan of regions is made of; what is left out has the default of the format. */
export interface RegionParts {
  readonly detector: DetectorName;
  readonly detectorSha256: string;
  readonly place?: (typeof PLACES)[number];
  readonly margin?: number;
  readonly align?: (typeof ALIGNMENTS)[number];
  readonly leastScore?: number;
  readonly iou?: number;
  readonly most?: number;
  readonly leastPx?: number;
}

/**
 * What is classified instead of the whole photo: squares around what a detector finds in it.
 *
 * The crop plan is applied to each square as if it were the photo.
 */
export class RegionPlan {
  /** How the detector's outputs are read. */
  readonly detector: DetectorName;
  /** Hex SHA-256 of the detector's file. */
  readonly detectorSha256: string;
  /** `inside` the model file, as `detector.tflite` of its archive, or `beside` it, by the name `detectorFile`. */
  readonly place: (typeof PLACES)[number];
  /** What is added on each side of what was found, in parts of its longer side, 0 to 2. */
  readonly margin: number;
  /** `eyes` turns the square so that the eyes are level; `none` leaves it upright. */
  readonly align: (typeof ALIGNMENTS)[number];
  /** What the detector is less sure of is left out. */
  readonly leastScore: number;
  /** Above this intersection over union, boxes are of one and the same thing. */
  readonly iou: number;
  /** The surest so many are taken, 1 to 100. */
  readonly most: number;
  /** What is smaller, by its longer side in the photo's own pixels, is left out. */
  readonly leastPx: number;

  /** @throws ContractError - The hash, or a number out of its range. */
  constructor(parts: RegionParts) {
    const { detector, detectorSha256, place = "inside", margin = 0.25, align = "none" } = parts;
    const { leastScore = 0.5, iou = 0.3, most = 20, leastPx = 24 } = parts;
    checkSha256("detector_sha256", detectorSha256);
    if (!(margin >= 0 && margin <= MAX_MARGIN)) {
      throw new ContractError(`a region's margin must lie in 0 to ${MAX_MARGIN}, got ${margin}`);
    }
    for (const [name, value] of [
      ["least_score", leastScore],
      ["iou", iou],
    ] as const) {
      if (!(value > 0 && value <= 1)) throw new ContractError(`${name} must lie above 0, and at most at 1, got ${value}`);
    }
    if (!(most >= 1 && most <= MAX_REGIONS)) {
      throw new ContractError(`most must be 1 to ${MAX_REGIONS} regions, got ${most}`);
    }
    if (!(leastPx >= 1 && leastPx <= MAX_WORKING_PX)) {
      throw new ContractError(`least_px must be 1 to ${MAX_WORKING_PX} px, got ${leastPx}`);
    }
    [this.detector, this.detectorSha256, this.place] = [detector, detectorSha256, place];
    [this.margin, this.align, this.leastScore] = [margin, align, leastScore];
    [this.iou, this.most, this.leastPx] = [iou, most, leastPx];
  }

  /** What the detector finds, for people. */
  get thing(): Thing {
    return "face";
  }

  /** The detector's name where it lies beside the model file. */
  get detectorFile(): string {
    return `detector-${this.detectorSha256.slice(0, 12)}.tflite`;
  }
}

/** What a rule for unknown is made of; rates that are left out were not measured. */
export interface UnknownParts {
  readonly rule: (typeof RULES)[number];
  readonly threshold: number;
  readonly falseAccept?: number | null;
  readonly falseReject?: number | null;
  readonly auroc?: number | null;
}

/**
 * When a photo shows none of the labels' things, as found on classes that were held out in turn.
 *
 * A photo's unknown score lies in 0 to 1. By the rule `probability` it is one minus the largest voted probability. With
 * the two others the model has one output more, behind those of the labels, whose voted probability it is: by `energy`
 * the score falls with the log-sum-exp of the labels' logits, by `distance` with the cosine of the pooled features to the
 * nearest mean of a class.
 */
export class Unknown {
  readonly rule: (typeof RULES)[number];
  /** From this score on the answer is `unknown`. */
  readonly threshold: number;
  /** Share of photos of classes held out that were below it. */
  readonly falseAccept: number | null;
  /** Share of photos of known classes that were not. */
  readonly falseReject: number | null;
  /** Area under the ROC curve of held-out against known photos. */
  readonly auroc: number | null;

  /** @throws ContractError - A number is not within 0 to 1. */
  constructor(parts: UnknownParts) {
    const { rule, threshold, falseAccept = null, falseReject = null, auroc = null } = parts;
    for (const [name, value] of [
      ["threshold", threshold],
      ["false_accept", falseAccept],
      ["false_reject", falseReject],
      ["auroc", auroc],
    ] as const) {
      checkShare(name, value);
    }
    [this.rule, this.threshold, this.falseAccept] = [rule, threshold, falseAccept];
    [this.falseReject, this.auroc] = [falseReject, auroc];
  }

  /** How many outputs the model has for it, behind those of the labels. */
  get outputs(): number {
    return this.rule === "probability" ? 0 : 1;
  }
}

/** What a contract is made of; what is left out has the default of the format. */
export interface ContractParts {
  readonly name: string;
  readonly labels: readonly string[];
  readonly bonaFide?: string | null;
  readonly sidePx: number;
  readonly plan?: CropPlan;
  readonly heads?: readonly string[] | null;
  readonly regions?: RegionPlan | null;
  readonly unknown?: Unknown | null;
  readonly multiLabel?: readonly number[] | null;
  readonly decision?: Decision;
  readonly precision: Precision;
  readonly modelSha256: string;
  readonly checkedOn?: readonly string[];
  readonly provenance?: JsonObject;
}

/** Everything that a caller must know to use a model, and where the model came from. */
export class Contract {
  /** Version of the format: 3 with regions, unknown or several labels, else 2 with heads, else 1. */
  readonly schema: number;
  /** A name for people. */
  readonly name: string;
  /** One per output, in the order of the output; 2 to 10,000. */
  readonly labels: readonly string[];
  /** The label of genuine photos, where the task is presentation-attack detection; all others are attacks. */
  readonly bonaFide: string | null;
  /** Side of the model's square uint8 RGB input, 8 to 1024 px. */
  readonly sidePx: number;
  readonly plan: CropPlan;
  /**
   * The scales that have a head of their own, in the outputs' order: the first head's probabilities are the first output,
   * those of all others the second. A crop is scored by the head of its scale. Null: one head.
   */
  readonly heads: readonly string[] | null;
  /** What is classified instead of the whole photo; null: the whole photo. */
  readonly regions: RegionPlan | null;
  /** When the answer is `unknown`; null: by the decision's floor, or never. */
  readonly unknown: Unknown | null;
  /**
   * For a photo that may have several labels at once: from which probability on it has each, in the order of the labels,
   * whose outputs are then sigmoids and need not sum to one. Null: exactly one label.
   */
  readonly multiLabel: readonly number[] | null;
  readonly decision: Decision;
  readonly precision: Precision;
  /** Hex SHA-256 of the flatbuffer, the bytes before the appended archive. */
  readonly modelSha256: string;
  /** Interpreters (name and version) that ran this very flatbuffer after it was made. */
  readonly checkedOn: readonly string[];
  /** Data hash, split, training, measured numbers: for people and reports, never for decisions. */
  readonly provenance: JsonObject;

  /** @throws ContractError - Name, labels, heads, sizes, hash or provenance break a rule of the format. */
  constructor(parts: ContractParts) {
    this.name = parts.name;
    this.labels = parts.labels;
    this.bonaFide = parts.bonaFide ?? null;
    this.sidePx = parts.sidePx;
    this.plan = parts.plan ?? new CropPlan();
    this.heads = parts.heads ?? null;
    this.regions = parts.regions ?? null;
    this.unknown = parts.unknown ?? null;
    this.multiLabel = parts.multiLabel ?? null;
    this.schema = Math.max(FIRST_SCHEMA, ...said(this).map((key) => SINCE[key]));
    this.decision = parts.decision ?? new Decision();
    this.precision = parts.precision;
    this.modelSha256 = parts.modelSha256;
    this.checkedOn = parts.checkedOn ?? [];
    this.provenance = parts.provenance ?? new Map();
    this.checkLabels();
    if (this.heads !== null) this.checkHeads(this.heads);
    this.checkDecision();
    if (this.unknown !== null) this.checkUnknown();
    if (this.multiLabel !== null) this.checkMultiLabel(this.multiLabel);
    if (!(this.sidePx >= MIN_SIDE_PX && this.sidePx <= MAX_SIDE_PX)) {
      throw new ContractError(`the input's side must be ${MIN_SIDE_PX} to ${MAX_SIDE_PX} px, got ${this.sidePx}`);
    }
    if (isDeeper(this.provenance, MAX_DEPTH)) {
      throw new ContractError(`provenance must be nested at most ${MAX_DEPTH} deep, got more`);
    }
    checkSha256("model_sha256", this.modelSha256);
  }

  /**
   * Read a contract, strictly: whatever Python's reader refuses is refused.
   *
   * @param text - The content of `edgekit.json`.
   * @throws ContractError - Not JSON, a newer schema, unknown or missing keys, wrong types, values out of range.
   */
  static fromJson(text: string): Contract {
    let raw: Json;
    try {
      raw = readJson(text);
    } catch (failure) {
      if (!(failure instanceof JsonError)) throw failure;
      throw new ContractError(`${CONTRACT_NAME} must be JSON: ${failure.message}`);
    }
    const schema = raw instanceof Map ? ((raw as JsonObject).get("schema") ?? null) : null;
    if (typeof schema === "bigint" && schema > BigInt(SCHEMA)) {
      throw new ContractError(
        `${CONTRACT_NAME} has schema ${schema}, this edgekit reads up to ${SCHEMA}: update the app, or make the model ` +
          "with an older edgekit",
      );
    }
    if (typeof schema !== "bigint" || schema < BigInt(FIRST_SCHEMA)) {
      throw new ContractError(
        `${CONTRACT_NAME} must have schema ${FIRST_SCHEMA} to ${SCHEMA}, got ${describeJson(schema)}`,
      );
    }
    for (const [key, since] of Object.entries(SINCE)) {
      if ((raw as JsonObject).has(key) && schema < BigInt(since)) {
        throw new ContractError(`${CONTRACT_NAME} with ${key} must have schema ${since} or newer, got ${schema}`);
      }
    }
    const contract = contractOf(raw, CONTRACT_NAME);
    if (BigInt(contract.schema) !== schema) {
      const keys = said(contract);
      const what =
        keys.length > 0 ? `with ${keys.join(" and ")}` : `without ${Object.keys(SINCE).join(" or ")}`;
      throw new ContractError(`a contract ${what} must have schema ${contract.schema}, got ${schema}`);
    }
    return contract;
  }

  /** How many numbers a head gives for a crop: one for each label, and one more where unknown has its own. */
  get outputs(): number {
    return this.labels.length + (this.unknown?.outputs ?? 0);
  }

  /** What each output is of: the labels and, where unknown has an output of its own, that, as `labels.txt` has it. */
  get outputLabels(): readonly string[] {
    return this.outputs > this.labels.length ? [...this.labels, UNKNOWN] : this.labels;
  }

  /** How many heads the model has. */
  get headCount(): number {
    return this.heads?.length ?? 1;
  }

  /** Which head, by its number from 0, scores crop `index` of the plan; 0 where there is one head. */
  headOf(index: number): number {
    return this.heads?.indexOf(this.plan.scale(index)) ?? 0;
  }

  private checkLabels(): void {
    if (!isPrintable(this.name) || [...this.name].length > MAX_NAME_LENGTH) {
      throw new ContractError(
        `a model's name must be printable and have at most ${MAX_NAME_LENGTH} characters, got ` +
          JSON.stringify(truncated(this.name, 80)),
      );
    }
    const { labels } = this;
    if (labels.length < 2 || labels.length > MAX_LABELS || new Set(labels).size !== labels.length) {
      throw new ContractError(
        `a model needs 2 to ${MAX_LABELS} different labels, got ${truncated(JSON.stringify(labels), 200)}`,
      );
    }
    for (const label of labels) {
      if (label.trim() === "" || !isPrintable(label) || label === RETAKE || label === UNKNOWN) {
        throw new ContractError(
          `a label must be printable and not "${RETAKE}" or "${UNKNOWN}", got ${JSON.stringify(truncated(label, 80))}`,
        );
      }
    }
    if (this.bonaFide !== null && !labels.includes(this.bonaFide)) {
      throw new ContractError(
        `the bona fide label must be one of ${truncated(JSON.stringify(labels), 200)}, got ` +
          JSON.stringify(truncated(this.bonaFide, 80)),
      );
    }
  }

  private checkHeads(heads: readonly string[]): void {
    for (const scale of heads) parseFraction(scale);
    if (heads.length < 2 || heads.length > MAX_HEADS || new Set(heads).size !== heads.length) {
      throw new ContractError(
        `heads must be 2 to ${MAX_HEADS} different scales, got ${truncated(JSON.stringify(heads), 200)}`,
      );
    }
    const { plan } = this;
    if (heads[0] !== plan.scale(0)) {
      throw new ContractError(
        `the first head must be that of the plan's first crop, ${plan.scale(0)}, got ${String(heads[0])}`,
      );
    }
    const lacking = [...plan.lead, ...plan.cycle].filter((scale) => !heads.includes(scale));
    if (lacking.length > 0) {
      throw new ContractError(
        `every scale of a plan must have a head, ${String(plan)} has ${lacking.join(", ")} without one; the model has heads ` +
          `for ${heads.join(", ")}`,
      );
    }
  }

  private checkUnknown(): void {
    const { floor, earlyStop } = this.decision;
    refuseBeside("a contract with unknown", {
      "a bona fide label": this.bonaFide,
      "several labels": this.multiLabel,
      "a floor": floor,
      "an early end: unknown needs all crops": earlyStop,
    });
  }

  private checkMultiLabel(thresholds: readonly number[]): void {
    const { labels } = this;
    if (thresholds.length !== labels.length || !thresholds.every((one) => one > 0 && one < 1)) {
      throw new ContractError(
        `multi_label must be a threshold above 0 and below 1 for each of ${labels.length} labels, got ` +
          truncated(thresholds.join(", "), 200),
      );
    }
    for (const label of labels) {
      if (label === NOTHING || label.includes(BETWEEN_LABELS)) {
        throw new ContractError(
          `a label beside others must not be "${NOTHING}", nor have a "${BETWEEN_LABELS}", got ` +
            JSON.stringify(truncated(label, 80)),
        );
      }
    }
    const { floor, earlyStop } = this.decision;
    refuseBeside("a contract of several labels", {
      "a bona fide label": this.bonaFide,
      heads: this.heads,
      "a floor": floor,
      "an early end: every label needs all crops": earlyStop,
    });
  }

  private checkDecision(): void {
    const { threshold, abstain, earlyStop } = this.decision;
    for (const [what, value] of [
      ["threshold", threshold],
      ["abstain band", abstain],
    ] as const) {
      if (value !== null && this.bonaFide === null) {
        throw new ContractError(`a decision with a ${what} (${String(value)}) needs a bona fide label, got none`);
      }
    }
    if (earlyStop !== null && earlyStop.length !== this.plan.crops - 1) {
      throw new ContractError(
        `a plan of ${this.plan.crops} crops needs ${this.plan.crops - 1} bounds for stopping early, got ` +
          String(earlyStop.length),
      );
    }
  }
}

/** Read the plan that a contract, or a conformance vector, holds as parsed JSON. */
export function planOf(raw: Json, where: string): CropPlan {
  return new CropPlan(
    readObject<PlanParts>(raw, where, {
      lead: optional("lead", listOf(string)),
      cycle: optional("cycle", listOf(string)),
      crops: optional("crops", integer),
      working_px: optional("workingPx", orNull(integer)),
    }),
  );
}

function decisionOf(raw: Json, where: string): Decision {
  return new Decision(
    readObject<DecisionParts>(raw, where, {
      vote: optional("vote", oneOf(VOTES)),
      temperature: optional("temperature", float),
      threshold: optional("threshold", orNull(float)),
      abstain: optional("abstain", orNull(pair)),
      floor: optional("floor", orNull(float)),
      early_stop: optional("earlyStop", orNull(listOf(float))),
    }),
  );
}

/** Read the plan of regions that a contract, or a conformance vector, holds as parsed JSON. */
export function regionsOf(raw: Json, where: string): RegionPlan {
  return new RegionPlan(
    readObject<RegionParts>(raw, where, {
      detector: required("detector", oneOf(DETECTORS)),
      detector_sha256: required("detectorSha256", string),
      place: optional("place", oneOf(PLACES)),
      margin: optional("margin", float),
      align: optional("align", oneOf(ALIGNMENTS)),
      least_score: optional("leastScore", float),
      iou: optional("iou", float),
      most: optional("most", integer),
      least_px: optional("leastPx", integer),
    }),
  );
}

function unknownOf(raw: Json, where: string): Unknown {
  return new Unknown(
    readObject<UnknownParts>(raw, where, {
      rule: required("rule", oneOf(RULES)),
      threshold: required("threshold", float),
      false_accept: optional("falseAccept", orNull(float)),
      false_reject: optional("falseReject", orNull(float)),
      auroc: optional("auroc", orNull(float)),
    }),
  );
}

function contractOf(raw: Json, where: string): Contract {
  const parts = readObject<ContractParts & { schema: number }>(raw, where, {
    schema: optional("schema", integer),
    name: required("name", string),
    labels: required("labels", listOf(string)),
    bona_fide: optional("bonaFide", orNull(string)),
    side_px: required("sidePx", integer),
    plan: optional("plan", planOf),
    heads: optional("heads", orNull(listOf(string))),
    regions: optional("regions", orNull(regionsOf)),
    unknown: optional("unknown", orNull(unknownOf)),
    multi_label: optional("multiLabel", orNull(listOf(float))),
    decision: optional("decision", decisionOf),
    precision: required("precision", oneOf(PRECISIONS)),
    model_sha256: required("modelSha256", string),
    checked_on: optional("checkedOn", listOf(string)),
    provenance: optional("provenance", object),
  });
  return new Contract(parts);
}

/** The keys that came with newer schemas and say something. */
function said({ heads, regions, unknown, multiLabel }: Contract): (keyof typeof SINCE)[] {
  const values = { heads, regions, unknown, multi_label: multiLabel };
  return (Object.keys(SINCE) as (keyof typeof SINCE)[]).filter((key) => values[key] !== null);
}

/** Hold that nothing of these is said; null says nothing. */
function refuseBeside(whose: string, told: Readonly<Record<string, unknown>>): void {
  for (const [what, value] of Object.entries(told)) {
    if (value !== null) throw new ContractError(`${whose} must be without ${what}`);
  }
}

function checkShare(name: string, value: number | null): void {
  if (value !== null && !(value >= 0 && value <= 1)) {
    throw new ContractError(`${name} must lie in 0 to 1, got ${value}`);
  }
}

function checkSha256(name: string, digest: string): void {
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw new ContractError(`${name} must be 64 hex digits, got ${JSON.stringify(truncated(digest, 80))}`);
  }
}

/** As Python's `str.isprintable`: no controls, no unassigned or private code points, no blanks but the space. */
function isPrintable(text: string): boolean {
  return !/[^ \P{Z}]|\p{C}/u.test(text);
}

/** Whether lists and objects are nested deeper than that; empty ones have no depth. */
function isDeeper(value: Json, levels: number): boolean {
  if (value === null || typeof value !== "object") return false;
  const items = value instanceof Map ? [...(value as JsonObject).values()] : (value as readonly Json[]);
  return items.some((item) => levels === 0 || isDeeper(item, levels - 1));
}
