/** What the user may change, with the only defaults. */

import { LANGUAGES, type Language } from "./strings.js";

export interface Settings {
  /** Exactly so many crops; null: the contract's number, or fewer where it can stop early. */
  readonly crops: number | null;
  /** null: the browser's. */
  readonly language: Language | null;
  readonly theme: "system" | "light" | "dark";
}

export const MAX_CROPS = 50;
export const DEFAULT_SETTINGS: Settings = { crops: null, language: null, theme: "system" };

/** Settings out of storage, which an older page or a person may have written: what is no setting becomes the default. */
export function settingsFrom(raw: unknown): Settings {
  const given = typeof raw === "object" && raw !== null ? (raw as Record<string, unknown>) : {};
  const crops = given["crops"];
  const isCount = typeof crops === "number" && Number.isInteger(crops) && crops >= 1 && crops <= MAX_CROPS;
  return {
    crops: isCount ? crops : null,
    language: LANGUAGES.find((one) => one === given["language"]) ?? null,
    theme: (["light", "dark"] as const).find((one) => one === given["theme"]) ?? "system",
  };
}
