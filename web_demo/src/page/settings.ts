/** What the user may change, with the only defaults. */

import { LANGUAGES, type Language } from "./strings.ts";

export interface Settings {
  /** Exactly so many crops; null: the contract's number, or fewer where it can stop early. */
  readonly crops: number | null;
  /** Crops that are scored at the same time, each by a worker of its own. */
  readonly threads: number;
  /** null: the browser's. */
  readonly language: Language | null;
  readonly theme: "system" | "light" | "dark";
}

export const MAX_CROPS = 50;
/** Each takes the interpreter's tens of megabytes again. */
export const MAX_THREADS = 4;
export const DEFAULT_SETTINGS: Settings = { crops: null, threads: 1, language: null, theme: "system" };

/** Settings out of storage, which an older page or a person may have written: what is no setting becomes the default. */
export function settingsFrom(raw: unknown): Settings {
  const given = typeof raw === "object" && raw !== null ? (raw as Record<string, unknown>) : {};
  const count = (value: unknown, most: number): number | null =>
    typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most ? value : null;
  return {
    crops: count(given["crops"], MAX_CROPS),
    threads: count(given["threads"], MAX_THREADS) ?? DEFAULT_SETTINGS.threads,
    language: LANGUAGES.find((one) => one === given["language"]) ?? null,
    theme: (["light", "dark"] as const).find((one) => one === given["theme"]) ?? "system",
  };
}
