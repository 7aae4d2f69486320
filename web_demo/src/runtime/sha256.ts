import { ContractError } from "./errors.ts";

/** Bytes as small hex digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Hex SHA-256 of some bytes.
 *
 * @throws ContractError - The page is not secure.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Browsers have it on secure pages alone.
  if (globalThis.crypto?.subtle === undefined) {
    throw new ContractError(
      "a model can be checked on a secure page alone (https, or localhost), got another; open it by https",
    );
  }
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
