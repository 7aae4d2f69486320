import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import test, { after, before } from "node:test";
import { PageFolder } from "../../src/page/bundled.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What the server answers, in turn; the last answer stays. */
let answers: Record<string, (string | number)[]> = {};
let server: Server;
let home = "";

before(async () => {
  server = createServer((request, response) => {
    const left = answers[request.url!] ?? [404];
    const answer = left.length > 1 ? left.shift()! : left[0]!;
    if (answer === 0) response.destroy();
    else if (typeof answer === "number") response.writeHead(answer).end();
    else response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  home = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shelf/`;
});

after(() => server.close());

function page(model: string | null, photo = "photo"): string {
  return JSON.stringify({
    schema: 1,
    model: model === null ? null : { file: "model.tflite", name: "shelf.tflite", sha256: sha256(model) },
    photos: [{ file: "bench/one.jpg", sha256: sha256(photo), label: "genuine", group: "g" }],
  });
}

test("the page's model comes with its name, and its photos with what is known of them", async () => {
  answers = {
    "/shelf/page.json": [page("model")],
    "/shelf/model.tflite": ["model"],
    "/shelf/bench/one.jpg": ["photo"],
  };
  const folder = new PageFolder(home);
  const model = await folder.model();
  assert.deepEqual([model!.name, await model!.content.text()], ["shelf.tflite", "model"]);
  const [photo] = await folder.benchPhotos();
  assert.deepEqual(photo!.about, { path: "photos/one.jpg", sha256: sha256("photo"), label: "genuine", group: "g" });
});

test("a page without a model has none", async () => {
  answers = { "/shelf/page.json": [page(null)] };
  assert.equal(await new PageFolder(home).model(), null);
});

for (const [what, failure] of [
  ["an answer that breaks off", 0],
  ["an error of the server's", 503],
  ["half a page.json", "{"],
] as const) {
  test(`${what} at the first visit is forgotten: the next call asks again`, async () => {
    answers = { "/shelf/page.json": [failure, page("model")], "/shelf/model.tflite": ["model"] };
    const folder = new PageFolder(home);
    await assert.rejects(folder.model());
    assert.equal((await folder.model())!.name, "shelf.tflite");
  });
}

test("an older model beside a newer page.json is fetched anew, and refused where it stays another", async () => {
  answers = { "/shelf/page.json": [page("new model")], "/shelf/model.tflite": ["old model", "new model"] };
  const model = await new PageFolder(home).model();
  assert.equal(await model!.content.text(), "new model");
  answers["/shelf/model.tflite"] = ["old model"];
  await assert.rejects(new PageFolder(home).model(), {
    message: new RegExp(`model.tflite must have the SHA-256 .*${sha256("new model")}, got ${sha256("old model")}`),
  });
});
