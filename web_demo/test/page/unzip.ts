/** Reads a zip by its list, strictly enough to find a writer's mistakes. */

import assert from "node:assert/strict";

export function unzip(content: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const end = content.byteLength - 22;
  assert.equal(view.getUint32(end, true), 0x06054b50, "a zip ends with its directory");
  const [count, bytes, start] = [
    view.getUint16(end + 10, true),
    view.getUint32(end + 12, true),
    view.getUint32(end + 16, true),
  ];
  assert.equal(start + bytes, end, "the list stands right before the end");
  const members = new Map<string, Uint8Array>();
  let at = start;
  let next = 0;
  for (let i = 0; i < count; i++) {
    assert.equal(view.getUint32(at, true), 0x02014b50);
    const [size, length, offset] = [
      view.getUint32(at + 24, true),
      view.getUint16(at + 28, true),
      view.getUint32(at + 42, true),
    ];
    const name = new TextDecoder().decode(content.subarray(at + 46, at + 46 + length));
    assert.equal(offset, next, `${name} follows the member before it`);
    assert.equal(view.getUint32(offset, true), 0x04034b50);
    // What stands in the head stands in the list.
    assert.deepEqual(content.slice(offset + 4, offset + 30), content.slice(at + 6, at + 32), `${name}: head and list`);
    const data = content.subarray(offset + 30 + length, offset + 30 + length + size);
    members.set(name, data);
    next = offset + 30 + length + size;
    at += 46 + length;
  }
  assert.deepEqual([at, next, members.size], [end, start, count]);
  return members;
}

export const text = (content: Uint8Array | undefined): string => new TextDecoder().decode(content);
