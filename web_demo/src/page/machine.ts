/** What a browser tells of the device it runs on, for exports. What it does not tell is null, never guessed. */

import type { DeviceState, Machine } from "./bench_job.ts";

/** Of navigator.userAgentData, which TypeScript's DOM has not yet. */
export interface UserAgentData {
  readonly brands: readonly { readonly brand: string; readonly version: string }[];
  readonly platform: string;
  getHighEntropyValues?(hints: readonly string[]): Promise<Partial<HighEntropy>>;
}

interface HighEntropy {
  readonly model: string;
  readonly platformVersion: string;
  readonly architecture: string;
  readonly bitness: string;
}

interface Battery {
  readonly level: number;
  readonly charging: boolean;
}

/** The parts of navigator that are read. */
export interface Teller {
  readonly userAgent: string;
  readonly hardwareConcurrency?: number;
  readonly userAgentData?: UserAgentData;
  getBattery?(): Promise<Battery>;
}

export interface Device {
  /** Maker's model, else browser and system. */
  readonly name: string;
  readonly machine: Omit<Machine, "state">;
}

const MAX_NAME = 200;

/** One printable line, as exports want names. */
function oneLine(text: string): string {
  return text
    .replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, " ")
    .trim()
    .slice(0, MAX_NAME);
}

/** `Chrome 140`, `Firefox 131`, `Safari 17`. */
export function browserOf(teller: Teller): string {
  const brands = (teller.userAgentData?.brands ?? []).filter(({ brand }) => !/not.*brand/i.test(brand));
  // Chromium stands beside the browser's own name where it has one.
  const brand = brands.find((one) => one.brand !== "Chromium") ?? brands[0];
  if (brand !== undefined) return oneLine(`${brand.brand.replace(/^Google /, "")} ${brand.version}`);
  const [, name, version] =
    /(Firefox|Edg|OPR|Chrome)\/(\d+)/.exec(teller.userAgent) ??
    /()Version\/(\d+)\S* (?:Mobile\/\S+ )?Safari/.exec(teller.userAgent) ??
    [];
  return version === undefined ? "browser" : `${name || "Safari"} ${version}`;
}

function systemOf(teller: Teller, version: string | undefined): string {
  const platform = teller.userAgentData?.platform;
  if (platform) {
    const major = version?.split(".")[0];
    // Elsewhere the number is not the system's own: Windows 11 tells 15.
    return platform === "Android" && major ? `Android ${major}` : oneLine(platform);
  }
  const known: readonly (readonly [RegExp, string])[] = [
    [/Android/, "Android"],
    [/iPhone|iPad/, "iOS"],
    [/Windows/, "Windows"],
    [/Mac OS X/, "macOS"],
    [/Linux/, "Linux"],
  ];
  return known.find(([pattern]) => pattern.test(teller.userAgent))?.[1] ?? "unknown";
}

function architectureOf(architecture: string | undefined, bitness: string | undefined): string {
  if (bitness === "64" && architecture === "arm") return "aarch64";
  return bitness === "64" && architecture === "x86" ? "x86_64" : "unknown";
}

export async function readDevice(teller: Teller): Promise<Device> {
  const hints = ["model", "platformVersion", "architecture", "bitness"];
  const told = await teller.userAgentData?.getHighEntropyValues?.(hints).catch(() => undefined);
  const system = systemOf(teller, told?.platformVersion);
  const browser = browserOf(teller);
  const model = oneLine(told?.model ?? "") || null;
  const cores = teller.hardwareConcurrency ?? null;
  return {
    name: model ?? `${browser.replace(/ \d+$/, "")} on ${system}`,
    machine: {
      name: model,
      soc: null,
      architecture: architectureOf(told?.architecture, told?.bitness),
      system,
      kernel: browser,
      libc: null,
      python: null,
      cores,
      usable_cores: cores,
      clusters: null,
      memory_mb: null,
      int8_instructions: null,
      virtual: null,
      emulated: false,
    },
  };
}

export async function readState(teller: Teller): Promise<DeviceState> {
  const battery = await teller.getBattery?.().catch(() => undefined);
  return {
    clocks_mhz: null,
    governors: null,
    temperatures: null,
    throttling: null,
    battery_percent: battery === undefined ? null : Math.round(battery.level * 100),
    battery: battery === undefined ? null : battery.charging ? "charging" : "discharging",
    load: null,
  };
}
