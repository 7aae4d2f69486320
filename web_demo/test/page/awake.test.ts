import assert from "node:assert/strict";
import test from "node:test";
import { Awake, type ScreenLock } from "../../src/page/awake.ts";
import { settle } from "./world.ts";

/** A browser whose locks come when the test says so. */
function browser() {
  const held = new Set<number>();
  const coming: (() => void)[] = [];
  const awake = new Awake(() => {
    const number = coming.length;
    const lock: ScreenLock = { release: async () => void held.delete(number) };
    return new Promise((resolve) => coming.push(() => (held.add(number), resolve(lock))));
  });
  return { awake, held, coming };
}

test("a lock is held while it is wanted", async () => {
  const { awake, held, coming } = browser();
  awake.keep(true);
  coming[0]!();
  await settle();
  assert.equal(held.size, 1);
  awake.keep(false);
  assert.equal(held.size, 0);
});

test("a lock that comes when it is no longer wanted is given back", async () => {
  const { awake, held, coming } = browser();
  awake.keep(true);
  awake.keep(false);
  coming[0]!();
  await settle();
  assert.equal(held.size, 0);
});

test("of two locks that come late one is held, and given back", async () => {
  const { awake, held, coming } = browser();
  awake.keep(true);
  awake.keep(false);
  awake.keep(true);
  for (const come of coming) come();
  await settle();
  assert.equal(held.size, 1);
  awake.keep(false);
  assert.equal(held.size, 0);
});

for (const [what, request] of [
  ["has no locks", () => undefined],
  ["refuses one", () => Promise.reject(new Error("the battery is low"))],
] as const) {
  test(`a browser that ${what} changes nothing`, async () => {
    const awake = new Awake(request);
    awake.keep(true);
    await settle();
    awake.keep(false);
  });
}
