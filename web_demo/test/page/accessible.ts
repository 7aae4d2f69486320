/** What a page must have for everybody, asked of the browser itself. */

import type { Page } from "playwright-core";

const NAMED = new Set([
  "button",
  "combobox",
  "slider",
  "checkbox",
  "link",
  "img",
  "image",
  "progressbar",
  "navigation",
  "dialog",
]);

/** Controls and pictures without a name, by the browser's own tree for screen readers. */
export async function nameFaults(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  return nodes
    .filter((node) => !node.ignored && NAMED.has(String(node.role?.value)) && !String(node.name?.value ?? "").trim())
    .map((node) => `${String(node.role?.value)} ${node.backendDOMNodeId}`);
}

/** Visible texts below 4.5:1 (3:1 where they are large), by WCAG 2 on computed colours. */
export function contrastFaults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    type Colour = [number, number, number, number];
    const parse = (text: string): Colour => {
      const numbers = (text.match(/-?[\d.]+(?:e-?\d+)?/g) ?? []).map(Number);
      const [r = 0, g = 0, b = 0, alpha = 1] = text.startsWith("color(")
        ? [...numbers.slice(0, 3).map((one) => 255 * one), ...numbers.slice(3)]
        : numbers;
      return [r, g, b, alpha];
    };
    const over = (front: Colour, back: Colour): Colour => {
      const mix = (i: 0 | 1 | 2) => front[3] * front[i] + (1 - front[3]) * back[i];
      return [mix(0), mix(1), mix(2), 1];
    };
    const luminance = ([r, g, b]: Colour) => {
      const linear = (one: number) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4);
      return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    };
    const ground = (element: Element | null): Colour => {
      if (element === null) return [255, 255, 255, 1];
      const own = parse(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, ground(element.parentElement));
    };
    const faults: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement!;
      if (
        !node.textContent!.trim() ||
        !element.checkVisibility({ visibilityProperty: true }) ||
        element.closest(".unseen, .skip, script, style, :disabled")
      )
        continue;
      const style = getComputedStyle(element);
      const back = ground(element);
      const [dark, light] = [luminance(over(parse(style.color), back)), luminance(back)].sort((a, b) => a - b);
      const reached = (light! + 0.05) / (dark! + 0.05);
      const px = parseFloat(style.fontSize);
      const isLarge = px >= 24 || (px >= 18.66 && Number(style.fontWeight) >= 700);
      if (reached < (isLarge ? 3 : 4.5)) faults.push(`${node.textContent!.trim().slice(0, 30)}: ${reached.toFixed(2)}`);
    }
    return faults;
  });
}

/** Visible controls of less than 44 px, which thumbs miss; a label's own height counts for its box. */
export function smallTargets(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("button, select, input:not([type=file]), summary")]
      .filter((one) => one.checkVisibility())
      .map((one) => ({ one, box: (one.closest("label") ?? one).getBoundingClientRect() }))
      .filter(({ box }) => box.width < 44 || box.height < 44)
      .map(({ one, box }) => `${one.id || one.textContent}: ${box.width.toFixed(0)}x${box.height.toFixed(0)}`),
  );
}

/** By how many pixels the page is wider than its window. */
export function overflowPx(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Controls that Tab does not reach, or that don't show that they are reached. */
export async function focusFaults(page: Page): Promise<string[]> {
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll<HTMLElement>("a[href], button, select, input:not([type=file]), summary")];
    const reachable = all.filter((one) => one.checkVisibility() && !one.matches(":disabled"));
    reachable.forEach((one, i) => (one.dataset["place"] = String(i)));
    (document.activeElement as HTMLElement | null)?.blur();
    return reachable.map((one) => one.id || one.textContent!.trim());
  });
  const reached = new Set<number>();
  const hidden: string[] = [];
  for (let press = 0; press < wanted.length + 8; press++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const one = document.activeElement as HTMLElement;
      const style = getComputedStyle(one);
      return {
        place: one.dataset["place"],
        id: one.id || one.tagName,
        isShown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      };
    });
    if (focus.place === undefined) continue;
    reached.add(Number(focus.place));
    if (!focus.isShown) hidden.push(`${focus.id} shows no focus`);
  }
  return [...wanted.filter((_, i) => !reached.has(i)).map((name) => `${name} is not reached`), ...hidden];
}
