/**
 * Writes zip archives whose members are blobs: only checksums are computed here, so an export of a thousand photos
 * takes no more memory than one chunk of one of them. Members are stored, since photos do not shrink.
 */

import { crc32 } from "../runtime/crc32.ts";

const FLAG_UTF8 = 0x800;
const VERSION = 20;
/** Beyond these a zip needs the 64-bit form, which phones' own tools do not all read. */
const MAX_MEMBERS = 65_534;
const MAX_BYTES = 0xffff_0000;

/** An archive that would be too large for one file. */
export class ZipLimitError extends Error {
  override readonly name = "ZipLimitError";
}

async function sumOf(content: Blob): Promise<number> {
  let sum = 0;
  const reader = content.stream().getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) sum = crc32(chunk.value, sum);
  return sum;
}

/** DOS has even seconds from 1980 on, without a zone: UTC here. */
function dosTime(at: Date): { time: number; date: number } {
  const year = Math.max(1980, at.getUTCFullYear());
  return {
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
    date: ((year - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
  };
}

interface Member {
  readonly name: Uint8Array;
  readonly crc: number;
  readonly bytes: number;
  readonly offset: number;
  readonly time: number;
  readonly date: number;
}

export class ZipWriter {
  readonly #parts: BlobPart[] = [];
  readonly #members: Member[] = [];
  readonly #names = new Set<string>();
  #offset = 0;

  /**
   * Adds one member.
   *
   * @throws ZipLimitError the archive would have too many members or bytes
   */
  async add(name: string, content: Blob | string, at: Date): Promise<void> {
    if (this.#names.has(name)) throw new Error(`a zip has one member of a name, got ${name} twice`);
    const blob = typeof content === "string" ? new Blob([content]) : content;
    const encoded = new TextEncoder().encode(name);
    if (this.#members.length >= MAX_MEMBERS || this.#offset + blob.size + encoded.length + 30 > MAX_BYTES) {
      throw new ZipLimitError(
        `an export must have at most ${MAX_MEMBERS} files and ${MAX_BYTES} bytes, got more; delete photos and export again`,
      );
    }
    const member = { name: encoded, crc: await sumOf(blob), bytes: blob.size, offset: this.#offset, ...dosTime(at) };
    const head = new DataView(new ArrayBuffer(30));
    head.setUint32(0, 0x0403_4b50, true);
    writeCommon(head, 4, member);
    this.#parts.push(head.buffer, encoded as BlobPart, blob);
    this.#offset += 30 + encoded.length + blob.size;
    this.#members.push(member);
    this.#names.add(name);
  }

  /** The whole archive; the writer is done then. */
  finish(): Blob {
    const start = this.#offset;
    for (const member of this.#members) {
      const entry = new DataView(new ArrayBuffer(46));
      entry.setUint32(0, 0x0201_4b50, true);
      entry.setUint16(4, VERSION, true);
      writeCommon(entry, 6, member);
      entry.setUint32(42, member.offset, true);
      this.#parts.push(entry.buffer, member.name as BlobPart);
      this.#offset += 46 + member.name.length;
    }
    const end = new DataView(new ArrayBuffer(22));
    end.setUint32(0, 0x0605_4b50, true);
    end.setUint16(8, this.#members.length, true);
    end.setUint16(10, this.#members.length, true);
    end.setUint32(12, this.#offset - start, true);
    end.setUint32(16, start, true);
    this.#parts.push(end.buffer);
    return new Blob(this.#parts, { type: "application/zip" });
  }
}

/** The 26 bytes that stand in a member's head and again in the list. */
function writeCommon(into: DataView, at: number, member: Member): void {
  into.setUint16(at, VERSION, true);
  into.setUint16(at + 2, FLAG_UTF8, true);
  into.setUint16(at + 6, member.time, true);
  into.setUint16(at + 8, member.date, true);
  into.setUint32(at + 10, member.crc, true);
  into.setUint32(at + 14, member.bytes, true);
  into.setUint32(at + 18, member.bytes, true);
  into.setUint16(at + 22, member.name.length, true);
}
