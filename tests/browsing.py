"""What tests in a real browser share: Debian's Chromium, driven by Playwright, which brings none of its own here."""

from __future__ import annotations

import shutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
PHONE, DESKTOP = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
# Contrast of each text with what lies behind it, by WCAG 2; what lies on a picture has an outline instead.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const behind = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => {
    const bend = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map((c) => bend(c / 255));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const unseen = !walker.currentNode.data.trim() || !node.checkVisibility();
    if (unseen || node.closest(".photo, script, title, desc, .skip")) continue;
    const style = getComputedStyle(node);
    const back = behind(node);
    const text = parse(node instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(over(text, back)), light(back)].sort((p, q) => q - p);
    found.push([(a + 0.05) / (b + 0.05), walker.currentNode.data.trim().slice(0, 60)]);
  }
  return found.sort((p, q) => p[0] - q[0]);
}"""
