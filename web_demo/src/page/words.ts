/** States in words: the same for what is drawn and for what is spoken. */

import { UNKNOWN } from "../runtime/contract.ts";
import type { Contract, RegionPlan } from "../runtime/index.ts";
import type { BenchTable } from "./bench_table.ts";
import { isUndecided, toneOf } from "./answer.ts";
import type { CaptureRecord } from "./record.ts";
import type {
  Answer,
  CameraProblem,
  CaptureState,
  Latency,
  ModelInfo,
  ModelState,
  Notice,
  Seen,
  Tone,
} from "./state.ts";
import type { Say } from "./strings.ts";

export const ICON_OF: Readonly<Record<Tone | "none", string>> = {
  genuine: "check",
  attack: "screen",
  unsure: "question",
  plain: "tag",
  none: "wait",
};

const PROBLEM_ICONS: Readonly<Record<CameraProblem, string>> = {
  insecure: "lock",
  denied: "lock",
  none: "no-camera",
  "in-use": "no-camera",
  lost: "no-camera",
  unreadable: "lock",
};

export function verdictText(say: Say, answer: Omit<Answer, "score"> | null): string {
  return answer === null ? say("verdict-none") : say(`verdict-${answer.tone}`, { label: labelText(say, answer) });
}

/** What a photo is called: its label, its labels, or that it has none of them. */
export function labelText(say: Say, { label, labels, tone }: Omit<Answer, "score">): string {
  if (labels !== null) return labels.map((one) => one.label).join(", ") || say("no-label");
  return label === UNKNOWN && tone === "plain" ? say("unknown") : label;
}

export function percent(share: number): string {
  // Together on one line.
  return `${Math.round(100 * share)}\u00a0%`;
}

export function verdictDetail(say: Say, answer: Answer): string {
  const { labels, score } = answer;
  const detail = (label: string, share: number): string => say("verdict-detail", { label, percent: percent(share) });
  if (labels === null) return detail(labelText(say, answer), score);
  const each = labels.map(({ label, probability }) => detail(label, probability)).join(", ");
  // Of none of them, what is told is how near the surest came.
  return each || say("verdict-surest", { label: labelText(say, answer), percent: percent(score) });
}

/** What was seen, in one look: of several regions the gravest. */
export function seenTone(seen: Seen | null): Tone | "none" {
  if (seen === null) return "none";
  if (!("regions" in seen)) return seen.tone;
  const tones = seen.regions.map(({ answer }) => answer.tone);
  return (["attack", "unsure", "genuine", "plain"] as const).find((tone) => tones.includes(tone)) ?? "none";
}

/** What is seen, its regions in the order in which a picture shows them that may be mirrored. */
export function asShown(seen: Seen | null, isMirrored: boolean): Seen | null {
  if (seen === null || !isMirrored || !("regions" in seen)) return seen;
  return { ...seen, regions: seen.regions.toReversed() };
}

/** What was seen, in few words: the same on the screen and spoken. */
export function seenText(say: Say, seen: Seen | null): string {
  if (seen === null || !("regions" in seen)) return verdictText(say, seen);
  const { thing, regions } = seen;
  const [first, ...others] = regions;
  if (first === undefined) return say(`${thing}-none`);
  if (others.length === 0) return verdictText(say, first.answer);
  const labels = regions.map(({ answer }) => labelText(say, answer)).join(", ");
  return say(`${thing}-several`, { count: regions.length, labels });
}

export function seenDetail(say: Say, seen: Seen | null): string {
  if (seen === null) return "";
  if (!("regions" in seen)) return verdictDetail(say, seen);
  const details = seen.regions.map(({ answer }) => verdictDetail(say, answer));
  return details.length < 2 ? (details[0] ?? "") : say("from-the-left", { details: details.join(", ") });
}

/** The tone of a stored verdict; of another model's labels only those that decide nothing are known. */
export function storedTone(record: CaptureRecord, model: StoredFor | null): Tone {
  const { label } = record;
  // What these two mean is for the model to say that gave them.
  if (isUndecided(label)) {
    if (model?.sha256 === record.model.sha256) return toneOf(label, model.contract);
    return label === UNKNOWN && hasUnknownOutput(record) ? "plain" : "unsure";
  }
  return model?.contract.labels.includes(label) ? toneOf(label, model.contract) : "plain";
}

/** A rule for what is unknown has a score in each crop, behind those of the labels. */
function hasUnknownOutput({ probabilities, crops }: CaptureRecord): boolean {
  const labels = Object.keys(probabilities).length;
  return crops.some((crop) => crop.probabilities.length > labels);
}

/** What is known of the model in use where stored verdicts are shown. */
export interface StoredFor {
  readonly contract: Contract;
  readonly sha256: string;
}

export type CardAction = "open" | "pick-photo" | "choose-model" | "own-model";

/** What stands in place of the picture. */
export interface Card {
  readonly icon: string;
  readonly title: string;
  readonly text: string;
  readonly reason: string | null;
  readonly actions: readonly { readonly does: CardAction; readonly text: string }[];
}

export function cardOf(say: Say, model: ModelState, capture: CaptureState): Card | null {
  if (model.kind === "loading")
    return { icon: "model", title: say("loading-title"), text: say("loading-text"), reason: null, actions: [] };
  const choose = { does: "choose-model", text: say("choose-model") } as const;
  if (model.kind === "absent")
    return { icon: "model", title: say("no-model-title"), text: say("no-model-text"), reason: null, actions: [choose] };
  if (model.kind === "refused") {
    const own = { does: "own-model", text: say("own-model") } as const;
    return {
      icon: "model",
      title: say("refused-title"),
      text: say("refused-text"),
      reason: `${model.name}: ${model.reason}`,
      actions: [choose, own],
    };
  }
  return cameraCard(say, capture);
}

function cameraCard(say: Say, capture: CaptureState): Card | null {
  const pick = { does: "pick-photo", text: say("pick-photo") } as const;
  const open = (text: string) => ({ does: "open", text }) as const;
  switch (capture.kind) {
    case "live":
      return null;
    case "judging":
    case "question":
    case "shown":
      return capture.kind === "judging" && capture.camera !== null
        ? null
        : { icon: "wait", title: say("judging"), text: "", reason: null, actions: [] };
    case "rationale":
      return {
        icon: "camera",
        title: say("rationale-title"),
        text: say("rationale-text"),
        reason: null,
        actions: [open(say("allow-camera")), pick],
      };
    // Waiting is the moment in which the browser is asked whether it will ask.
    case "waiting":
    case "opening":
      return { icon: "camera", title: say("opening-title"), text: say("opening-text"), reason: null, actions: [] };
    case "paused":
      return {
        icon: "camera",
        title: say("paused-title"),
        text: say("paused-text"),
        reason: null,
        actions: [open(say("allow-camera"))],
      };
    case "blocked": {
      const { problem, reason = null } = capture;
      const again = problem === "insecure" ? [] : [open(say("try-again"))];
      return {
        icon: PROBLEM_ICONS[problem],
        title: say(`${problem}-title`),
        text: say(`${problem}-text`),
        reason,
        actions: [...again, pick],
      };
    }
  }
}

export function noticeText(say: Say, notice: Notice): string {
  switch (notice.kind) {
    case "photo-refused":
    case "export-failed":
      return say(notice.kind, { reason: notice.reason });
    case "storage-full":
      return say(notice.kind, { what: say(`unkept-${notice.what}`) });
    case "storage-failed":
      return say(notice.kind, { what: say(`unkept-${notice.what}`), reason: notice.reason });
    case "exported": {
      const { photos, of } = notice;
      return photos === of ? say("exported", { photos }) : say("exported-part", { photos, of });
    }
    default:
      return say(notice.kind);
  }
}

const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

export function latencyLine(say: Say, latency: Latency | null): string {
  return latency === null
    ? say("latency-title")
    : say("latency", { total: ms(latency.total.p50), p95: ms(latency.total.p95) });
}

export function latencyRows(say: Say, latency: Latency): string[][] {
  const { total, stages } = latency;
  const named = [
    ["decode", stages.decode],
    ["crop", stages.crop],
    ["invoke", stages.invoke],
    ["vote", stages.vote],
    ["total", total],
  ] as const;
  return named.map(([name, { p50, p95 }]) => [say(name), p50.toFixed(1), p95.toFixed(1)]);
}

export function benchRows(say: Say, table: BenchTable): string[][] {
  return table.lines.map(({ setting, meanCrops, totalMs, stagesMs }) => [
    setting.stops_early
      ? say("crops-early", { crops: setting.crops, mean: meanCrops.toFixed(1) })
      : String(setting.crops),
    String(setting.threads),
    totalMs.p50.toFixed(1),
    totalMs.p95.toFixed(1),
    ...stagesMs.map((one) => one.toFixed(1)),
  ]);
}

/** The contract for people: name and value. */
export function contractRows(say: Say, model: ModelInfo): [string, string][] {
  const { contract } = model;
  const { plan } = contract;
  return [
    [say("model-name"), contract.name],
    [say("model-labels"), labelList(say, contract.labels)],
    ...(contract.bonaFide === null ? [] : [[say("model-genuine"), contract.bonaFide] as [string, string]]),
    [say("model-input"), `${contract.sidePx} × ${contract.sidePx} px, ${contract.precision}`],
    [say("model-plan"), `${plan.crops} × ${String(plan)}${plan.workingPx === null ? "" : `, ≥ ${plan.workingPx} px`}`],
    ...(contract.regions === null ? [] : [[say("model-regions"), regionsText(say, contract.regions)] as [string, string]]),
    [say("model-decision"), decisionText(say, contract)],
    [say("model-engine"), `${model.engine} (${(model.bytes / 1000).toFixed(0)} kB)`],
    ...(model.file === null ? [] : [[say("model-file"), model.file] as [string, string]]),
    [say("model-sha256"), model.sha256],
  ];
}

/** A model may have ten thousand. */
const SHOWN_LABELS = 60;

function labelList(say: Say, labels: readonly string[]): string {
  const shown = labels.slice(0, SHOWN_LABELS).join(", ");
  return labels.length <= SHOWN_LABELS ? shown : say("labels-more", { shown, count: labels.length });
}

function regionsText(say: Say, { thing, detector, align }: RegionPlan): string {
  return `${say(`${thing}-each`)} (${detector}${align === "eyes" ? `, ${say("eyes-level")}` : ""})`;
}

function decisionText(say: Say, { decision, unknown, multiLabel }: Contract): string {
  const { threshold, abstain, floor, earlyStop } = decision;
  const [low = 0, high = 0] = multiLabel === null ? [] : [Math.min(...multiLabel), Math.max(...multiLabel)];
  const best = multiLabel === null ? say("decision-best") : say("decision-several", { low: round(low), high: round(high) });
  return [
    threshold === null ? best : say("decision-threshold", { threshold: round(threshold) }),
    ...(unknown === null
      ? []
      : [say("decision-unknown", { threshold: round(unknown.threshold), rule: say(`rule-${unknown.rule}`) })]),
    ...(abstain === null ? [] : [say("decision-band", { low: round(abstain[0]), high: round(abstain[1]) })]),
    ...(floor === null ? [] : [say("decision-floor", { floor: round(floor) })]),
    ...(earlyStop === null ? [] : [say("decision-early")]),
  ].join(", ");
}

const round = (value: number): string => Number(value.toPrecision(3)).toString();
