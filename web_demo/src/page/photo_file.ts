/** What a photo's first bytes say of its file. */

const startsWith = (content: Uint8Array, at: number, bytes: readonly number[]): boolean =>
  bytes.every((byte, place) => content[at + place] === byte);

const ascii = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));

/** The kinds of files that an export has; null: another one. */
export function formatOf(content: Uint8Array): "jpg" | "png" | "webp" | null {
  if (startsWith(content, 0, [0xff, 0xd8, 0xff])) return "jpg";
  if (startsWith(content, 0, [0x89, ...ascii("PNG")])) return "png";
  return startsWith(content, 0, ascii("RIFF")) && startsWith(content, 8, ascii("WEBP")) ? "webp" : null;
}
