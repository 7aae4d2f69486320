// The page of `edgekit serve`: photos in, answers out. Plain script, so that nothing has to be built.
"use strict";

const SHOWN_LABELS = 5;
const TRIES = 8;
// Log-odds: what moves an answer by less is rounding.
const LEAST_REASON = 0.02;
const $ = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
const svg = (name, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (line) => { $("status").textContent = line; };

let model = null;
let round = 0;
let line = Promise.resolve();

/** What the server answers; where it is busy, after a while. Throws what went wrong, in words. */
async function ask(path, options) {
  for (let tries = 1; ; tries++) {
    let answer;
    try {
      answer = await fetch(path, { credentials: "same-origin", ...options });
    } catch {
      throw new Error("The server can't be reached.");
    }
    const pause = Number(answer.headers.get("Retry-After"));
    if (answer.status === 503 && pause > 0 && tries < TRIES) {
      say("The server is busy; trying again …");
      await wait(1000 * pause);
      continue;
    }
    if (answer.status === 401) showLogin("");
    if (answer.ok) return answer.status === 204 ? null : answer.json();
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || `The server answered ${answer.status}.`);
  }
}

// ---------------------------------------------------------------- the token, and what model there is

function showLogin(problem) {
  $("desk").hidden = true;
  $("login").hidden = false;
  $("login-problem").hidden = !problem;
  $("login-problem").textContent = problem;
  $("token").focus();
}

async function login(token) {
  const answer = await fetch("login", { method: "POST", body: token, credentials: "same-origin" }).catch(() => null);
  if (answer?.ok) return true;
  showLogin(answer?.status === 401 ? "That is not this server's token." : "The server can't be reached.");
  return false;
}

async function open(problem = "") {
  // 401 is no mistake here: it says that a token is needed.
  const answer = await fetch("v1/model", { credentials: "same-origin" }).catch(() => null);
  if (answer?.status === 401) return showLogin(problem);
  if (!answer?.ok) return say("The server can't be reached.");
  model = await answer.json();
  $("login").hidden = true;
  $("desk").hidden = false;
  $("model").hidden = false;
  $("model").textContent = model.name;
  $("promise").textContent = model.keeps_photos
    ? "Photos are sent to this server, which keeps them."
    : "Photos are sent to this server, which keeps none.";
}

/** A part of an address as it was meant; what is not encoded is meant as it stands. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function start() {
  const given = /^#token=(.+)$/.exec(location.hash);
  // Out of the address at once: it may be copied, and the history keeps it.
  if (given) history.replaceState(null, "", location.pathname);
  // A link of yesterday may meet today's cookie, or a server that asks for no token.
  const isLeftOut = given && !(await login(decoded(given[1])));
  await open(isLeftOut ? $("login-problem").textContent : "");
}

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await login($("token").value)) {
    $("token").value = "";
    await open();
    $("content").focus();
  }
});

// ---------------------------------------------------------------- answers

function toneOf(label) {
  if (model.multi_label) return "plain";
  if (!model.labels.includes(label)) return "unsure";
  if (model.bona_fide === null) return "plain";
  return label === model.bona_fide ? "genuine" : "attack";
}

function wordsOf(row) {
  if (row.labels) return row.labels.join(", ") || "None of the labels";
  const tone = toneOf(row.label);
  if (tone === "unsure") return row.label === "retake" ? "Not sure: take it again" : `The model says: ${row.label}`;
  return { genuine: "Genuine photo", attack: "Photo of a screen or print", plain: row.label }[tone];
}

/** The label and its score; the score alone where the words are the label. */
const detailOf = (row) => {
  if (row.labels) return row.labels.length ? row.labels.map((label) => percent(row.probabilities[label])) : [`at most ${percent(row.score)}`];
  return [...(wordsOf(row) === row.label ? [] : [row.label]), percent(row.score)];
};

class Card {
  constructor(file) {
    this.file = file;
    this.node = $("answer").content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.node.querySelector(selector);
    const title = this.find("h3");
    title.id = `photo-${++round}`;
    title.textContent = file.name;
    this.node.setAttribute("aria-labelledby", title.id);
    this.image = this.find("img");
    this.image.alt = `The photo ${file.name}`;
    // A picture that the browser doesn't know (HEIC, TIFF) may still be one that the server reads.
    this.image.onload = () => { this.image.hidden = false; };
    this.image.src = URL.createObjectURL(file);
    this.find(".crops").onclick = () => this.toggle("crops");
    this.find(".why").onclick = () => this.toggle("why");
    this.find(".more").onclick = () => { this.showScores(Infinity); this.find(".more").hidden = true; this.find(".crops").focus(); };
  }

  async judge() {
    try {
      if (this.file.size > model.max_bytes) {
        throw new Error(`A photo must have at most ${model.max_bytes / 1e6} MB, this one has ${(this.file.size / 1e6).toFixed(1)}.`);
      }
      const form = new FormData();
      form.append("photo", this.file, this.file.name);
      [this.row] = await ask("v1/classify?boxes=true", { method: "POST", body: form });
      this.show();
      return `${this.file.name}: ${wordsOf(this.row)}, ${this.scored(" ")}`;
    } catch (problem) {
      this.fail(problem.message);
      this.find(".verdict").hidden = this.row === undefined;
      return `${this.file.name}: no answer`;
    } finally {
      this.node.setAttribute("aria-busy", "false");
    }
  }

  fail(message) {
    const reason = this.find(".reason");
    reason.hidden = false;
    reason.textContent = message;
  }

  /** What a verdict rests on: of the photo, or of each region that was found in it. */
  scored(between) {
    const { regions } = this.row;
    if (!regions) return detailOf(this.row).join(between);
    const ofOne = (one) => (one.labels ? [wordsOf(one), ...detailOf(one)] : [one.label, percent(one.score)]);
    return regions.map((one) => ofOne(one).join(between)).join("; ");
  }

  show() {
    const verdict = this.find(".verdict");
    verdict.dataset.tone = toneOf(this.row.label);
    verdict.querySelector("strong").textContent = wordsOf(this.row);
    verdict.querySelector("span").textContent = this.scored(" · ");
    this.find(".actions").hidden = false;
    this.find(".crops").textContent = `${this.row.regions ? "Found" : "Crops"} (${this.row.boxes.length})`;
    // What is found may be several, and a map of reasons is of a whole photo; of several labels it is of the likeliest.
    this.find(".why").hidden = Boolean(this.row.regions);
    // Nor can one table be of several.
    const isOne = !this.row.regions || this.row.regions.length === 1;
    this.find(".scores").hidden = !isOne;
    this.find(".more").hidden = !isOne || model.labels.length <= SHOWN_LABELS;
    this.showScores(SHOWN_LABELS);
  }

  showScores(most) {
    const ranked = Object.entries(this.row.probabilities ?? this.row.regions[0]?.probabilities ?? {}).sort((a, b) => b[1] - a[1]).slice(0, most);
    const rows = ranked.map(([label, share]) => {
      const row = document.createElement("tr");
      const head = Object.assign(document.createElement("th"), { scope: "row", textContent: label });
      const cell = document.createElement("td");
      const score = Object.assign(document.createElement("div"), { className: "score" });
      const track = Object.assign(document.createElement("span"), { className: "track" });
      track.setAttribute("aria-hidden", "true");
      const bar = document.createElement("i");
      bar.style.inlineSize = `${100 * share}%`;
      track.append(bar);
      if (model.multi_label) {
        const least = model.multi_label[model.labels.indexOf(label)];
        const mark = Object.assign(document.createElement("em"), { title: `Called from ${percent(least)} on` });
        mark.style.insetInlineStart = `${100 * least}%`;
        track.append(mark);
        row.dataset.reached = String(share >= least);
      }
      score.append(track, Object.assign(document.createElement("b"), { textContent: percent(share) }));
      cell.append(score);
      row.append(head, cell);
      return row;
    });
    this.find(".scores tbody").replaceChildren(...rows);
  }

  /** One overlay at a time: crops, or why. */
  async toggle(which) {
    const isOn = this.find(`.${which}`).getAttribute("aria-pressed") !== "true";
    for (const name of ["crops", "why"]) this.find(`.${name}`).setAttribute("aria-pressed", String(isOn && name === which));
    this.find("svg").toggleAttribute("hidden", true);
    this.find(".crop-list").hidden = this.find(".because").hidden = true;
    if (isOn) await (which === "crops" ? this.drawCrops() : this.drawWhy());
  }

  /** Shapes over the picture, in its own pixels. */
  draw(shapes, [width, height]) {
    const drawing = this.find("svg");
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.replaceChildren(...shapes);
    drawing.toggleAttribute("hidden", this.image.hidden);
  }

  async drawCrops() {
    // What can't be shown has no size, and no place for boxes; what each crop says is told all the same.
    await this.image.decode().catch(() => {});
    if (this.find(".crops").getAttribute("aria-pressed") !== "true") return;
    const shapes = this.row.boxes.map(({ box: [left, top, right, bottom] }) =>
      svg("rect", { class: "crop", x: left, y: top, width: right - left, height: bottom - top }));
    this.draw(shapes, [this.image.naturalWidth, this.image.naturalHeight]);
    const items = this.row.boxes.map(({ label, score }, at) => {
      const item = document.createElement("li");
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: `${at + 1}: ${label} ${percent(score)}` });
      const choose = (isOn) => () => shapes[at].classList.toggle("is-chosen", isOn);
      button.onfocus = button.onmouseenter = choose(true);
      button.onblur = button.onmouseleave = choose(false);
      item.append(button);
      return item;
    });
    this.find(".crop-list").replaceChildren(...items);
    this.find(".crop-list").hidden = false;
  }

  async drawWhy() {
    const because = this.find(".because");
    because.hidden = false;
    if (this.reasons === undefined) {
      because.textContent = "Covering the photo part by part …";
      say(because.textContent);
      const form = new FormData();
      form.append("photo", this.file, this.file.name);
      try {
        this.reasons = await ask("v1/explain", { method: "POST", body: form });
      } catch (problem) {
        because.textContent = problem.message;
        say(problem.message);
        return;
      }
    }
    const { label, log_odds: cells, x_edges: x, y_edges: y, size_wh: size } = this.reasons;
    const most = Math.max(...cells.flat().map(Math.abs));
    const shapes = most < LEAST_REASON ? [] : cells.flatMap((row, down) => row.map((value, across) => svg("rect", {
      x: x[across], y: y[down], width: x[across + 1] - x[across], height: y[down + 1] - y[down],
      fill: value > 0 ? "#b2182b" : "#2166ac", "fill-opacity": (0.75 * Math.abs(value)) / most,
    })));
    if (this.find(".why").getAttribute("aria-pressed") === "true") this.draw(shapes, size);
    because.textContent = most < LEAST_REASON
      ? `${model.multi_label ? "The label" : "The answer"} ${label} rests on no part more than on others.`
      : `Red parts speak for ${label}, blue ones against it: without them it would be less, or more, sure. The strongest lies ${this.strongest()}.`;
    say(because.textContent);
  }

  strongest() {
    const { log_odds: cells } = this.reasons;
    const flat = cells.flat();
    const at = flat.indexOf(Math.max(...flat));
    const columns = cells[0].length;
    const third = (place, of, names) => names[Math.min(2, Math.floor((3 * (place + 0.5)) / of))];
    const down = third(Math.floor(at / columns), cells.length, ["at the top", "in the middle", "at the bottom"]);
    const across = third(at % columns, columns, ["left", "centre", "right"]);
    return `${down}, ${across}`;
  }
}

/** Photos are sent one after the other: a page is one of several clients. */
function add(files) {
  const photos = [...files];
  if (model === null || photos.length === 0) return;
  const cards = photos.map((file) => new Card(file));
  $("answers").prepend(...cards.map((card) => card.node));
  $("clear").hidden = false;
  cards.forEach((card, at) => {
    line = line.then(async () => {
      if (!card.node.isConnected) return;
      const many = cards.length > 1 ? `${at + 1} of ${cards.length}, ` : "";
      say(`Looking at ${many}${card.file.name} …`);
      say(many + (await card.judge()));
    });
  });
}

// ---------------------------------------------------------------- ways to bring photos

for (const id of ["files", "capture"]) {
  $(id).addEventListener("change", () => {
    add($(id).files);
    $(id).value = "";
  });
}
$("choose").onclick = () => $("files").click();
$("clear").onclick = () => {
  for (const image of document.querySelectorAll("#answers img")) URL.revokeObjectURL(image.src);
  $("answers").replaceChildren();
  $("clear").hidden = true;
  say("No photos.");
  $("choose").focus();
};
document.addEventListener("paste", (event) => add(event.clipboardData?.files ?? []));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("is-over");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) $("drop").classList.remove("is-over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("is-over");
  add(event.dataTransfer?.files ?? []);
});

let stream = null;
$("camera").onclick = async () => {
  // Browsers give pages the camera over https and on localhost alone; elsewhere a phone's own camera app takes the photo.
  if (!navigator.mediaDevices?.getUserMedia) return $("capture").click();
  $("viewfinder").showModal();
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 4096 }, height: { ideal: 4096 } } });
  } catch (problem) {
    $("viewfinder").close();
    say(problem.name === "NotAllowedError" ? "The camera is not allowed: allow it beside the page's address." : "No camera could be opened.");
    return;
  }
  // It may have been closed while the browser asked.
  if (!$("viewfinder").open) return stop();
  $("video").srcObject = stream;
  $("video").onplaying = () => { $("shutter").disabled = false; $("shutter").focus(); };
};
$("shutter").onclick = () => {
  const { videoWidth: width, videoHeight: height } = $("video");
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage($("video"), 0, 0);
  $("viewfinder").close();
  canvas.toBlob((blob) => add([new File([blob], `camera-${Date.now()}.jpg`, { type: "image/jpeg" })]), "image/jpeg", 0.95);
};
$("close").onclick = () => $("viewfinder").close();
$("viewfinder").addEventListener("close", stop);

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  $("video").srcObject = null;
  $("shutter").disabled = true;
}

start();
