/** The small archive behind a TFLite file, read within bounds: files are anybody's. */

import { crc32 } from "./crc32.ts";
import { ContractError } from "./errors.ts";

const MAX_MEMBER_BYTES = 8 * 1024 * 1024;
const MAX_MEMBERS = 32;
// An entry of the archive's list takes 46 bytes and what it is called.
const MAX_DIRECTORY_BYTES = 1024 * 1024;
const MAX_COMMENT_BYTES = 0xffff;
// Whatever needs a newer version to be extracted, is none that edgekit writes.
const MAX_VERSION = 63;
const [END_BYTES, ENTRY_BYTES, LOCAL_BYTES, LOCATOR_BYTES] = [22, 46, 30, 20];
const [END_MARK, ENTRY_MARK, LOCAL_MARK, LOCATOR_MARK] = [0x06054b50, 0x02014b50, 0x04034b50, 0x07064b50];
const [STORED, DEFLATED] = [0, 8];
// Encrypted, patched, strongly encrypted.
const UNREADABLE = 0x1 | 0x20 | 0x40;

/** What an archive holds of the members that were asked for, and where it starts in the file. */
export interface Archive {
  readonly members: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly start: number;
}

interface Member {
  readonly name: string;
  readonly flags: number;
  readonly version: number;
  readonly compression: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  /** Where its own header begins in the file. */
  readonly at: number;
}

/**
 * Read small members of the archive behind a TFLite file.
 *
 * @param content - The whole file.
 * @param wanted - Names of members; those that are not there are left out.
 * @throws ContractError - There is no readable archive, or one beyond the bounds.
 */
export async function readArchive(content: Uint8Array<ArrayBuffer>, wanted: readonly string[]): Promise<Archive> {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const members = listMembers(content, view);
  const found = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const member of members) {
    if (wanted.includes(member.name)) found.set(member.name, await unpack(content, view, member));
  }
  return { members: found, start: Math.min(...members.map((member) => member.at)) };
}

function broken(why: string): ContractError {
  return new ContractError(
    `the model has no readable archive with its contract (${why}): it was cut short, or not made by edgekit; copy it ` +
      "again, or make a model of it by edgekit adopt",
  );
}

function listMembers(content: Uint8Array, view: DataView): readonly Member[] {
  const end = findEnd(view);
  const [listed, offset] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  if (end >= LOCATOR_BYTES && view.getUint32(end - LOCATOR_BYTES, true) === LOCATOR_MARK) {
    throw broken("it is one for files of gigabytes (zip64)");
  }
  const begin = end - listed;
  if (listed > MAX_DIRECTORY_BYTES || begin < 0) throw broken(`its list of members has ${listed} bytes`);
  // Offsets count from where the archive was written: an archive that was appended as it is starts later.
  const shift = begin - offset;
  const members: Member[] = [];
  for (let at = begin; at < end;) {
    if (members.length >= MAX_MEMBERS)
      throw new ContractError(`the archive must have 1 to ${MAX_MEMBERS} files, got more`);
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== ENTRY_MARK)
      throw broken("its list of members breaks off");
    const lengths = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const next = at + ENTRY_BYTES + lengths.reduce((sum, one) => sum + one, 0);
    if (next > end) throw broken("its list of members breaks off");
    members.push({
      name: nameOf(content.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + lengths[0]!)),
      version: view.getUint8(at + 6),
      flags: view.getUint16(at + 8, true),
      compression: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      at: view.getUint32(at + 42, true) + shift,
    });
    at = next;
  }
  checkMembers(members);
  return members;
}

/** Where the end of the list of members stands, which a comment may follow. */
function findEnd(view: DataView): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at -= 1) {
    if (view.getUint32(at, true) === END_MARK) return at;
  }
  throw broken("it has no list of members");
}

function checkMembers(members: readonly Member[]): void {
  if (members.length === 0) throw new ContractError(`the archive must have 1 to ${MAX_MEMBERS} files, got 0`);
  const names = members.map((member) => member.name);
  if (new Set(names).size !== names.length) {
    // Readers disagree on which of two counts.
    throw new ContractError(`the archive's files must have different names, got ${names.join(", ")}`);
  }
  for (const { name, at, compression, bytes, version } of members) {
    if (at < 0) throw new ContractError(`the archive must start inside the file, got offset ${at}`);
    if (compression !== STORED && compression !== DEFLATED) {
      throw new ContractError(`${name} must be stored or deflated, got compression ${compression}`);
    }
    if (bytes > MAX_MEMBER_BYTES) {
      throw new ContractError(`${name} must have at most ${MAX_MEMBER_BYTES} bytes, got ${bytes}`);
    }
    if (version > MAX_VERSION) throw broken(`${name} needs version ${version / 10} of zip`);
  }
}

/** A name ends at a zero, as readers have it. Names of edgekit's members are plain letters in every encoding. */
function nameOf(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  const zero = text.indexOf("\0");
  return zero < 0 ? text : text.slice(0, zero);
}

async function unpack(content: Uint8Array<ArrayBuffer>, view: DataView, member: Member): Promise<Uint8Array<ArrayBuffer>> {
  const { name, at } = member;
  if (at + LOCAL_BYTES > content.length || view.getUint32(at, true) !== LOCAL_MARK)
    throw broken(`${name} is not there`);
  if ((member.flags & UNREADABLE) !== 0) throw broken(`${name} is encrypted`);
  const nameBytes = view.getUint16(at + 26, true);
  const start = at + LOCAL_BYTES + nameBytes + view.getUint16(at + 28, true);
  if (nameOf(content.subarray(at + LOCAL_BYTES, at + LOCAL_BYTES + nameBytes)) !== name) {
    throw broken(`${name} has another name in its own header`);
  }
  if (start + member.packedBytes > content.length) throw broken(`${name} breaks off`);
  const packed = content.subarray(start, start + member.packedBytes);
  const found = member.compression === STORED ? packed : await inflate(packed, name);
  if (found.length !== member.bytes || crc32(found) !== member.crc) throw broken(`${name} was changed`);
  return found;
}

/** Unpack deflated bytes. The declared size is only a claim, so this stops by itself. */
async function inflate(packed: Uint8Array<ArrayBuffer>, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      if (bytes > MAX_MEMBER_BYTES) {
        throw new ContractError(`${name} must have at most ${MAX_MEMBER_BYTES} bytes, got more`);
      }
      parts.push(value);
    }
  } catch (failure) {
    // Once it has failed, there is nothing to cancel.
    await reader.cancel().catch(() => undefined);
    throw failure instanceof ContractError ? failure : broken(`${name} can't be unpacked: ${String(failure)}`);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
