/** Numbers and texts in the bytes of a file; what lies beyond its end reads as 0. */

/** A whole number of 1 to 4 bytes, the highest byte first. */
export function bigEndian(content: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let place = at; place < at + bytes; place += 1) value = value * 256 + (content[place] ?? 0);
  return value;
}

/** A whole number of 1 to 4 bytes, the lowest byte first. */
export function littleEndian(content: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let place = at + bytes - 1; place >= at; place -= 1) value = value * 256 + (content[place] ?? 0);
  return value;
}

/** Bytes as a text in which each byte is one character. */
export function latin(content: Uint8Array, from: number, to: number): string {
  return Array.from(content.subarray(from, to), (byte) => String.fromCharCode(byte)).join("");
}

/** Whether a text, each of whose characters is one byte, stands at a place. */
export function standsAt(content: Uint8Array, at: number, text: string): boolean {
  for (let place = 0; place < text.length; place += 1) if (content[at + place] !== text.charCodeAt(place)) return false;
  return true;
}
