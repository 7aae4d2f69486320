/** Boxes and names over a picture that is fitted into its frame. Their words are elsewhere: screen readers pass them over. */

import { make } from "./elements.ts";
import type { Answer, Regions, Seen } from "./state.ts";

/** A name stands on the other side where there is no room for it. */
const HIGH = 0.15;
const FAR = 0.5;

/**
 * Draw a picture's regions.
 *
 * @param layer - Lies over the picture's frame; see `.boxes` in the style.
 * @param seen - Of a whole picture nothing is drawn.
 * @param isMirrored - Whether the picture is shown the other way round, as front cameras are.
 * @param nameOf - What stands at a box.
 */
export function drawBoxes(
  layer: HTMLElement,
  seen: Seen | null,
  isMirrored: boolean,
  nameOf: (answer: Answer) => string,
): void {
  if (seen === null || !("regions" in seen)) {
    if (layer.childElementCount > 0) layer.replaceChildren();
    return;
  }
  const { sizeWh, regions } = seen;
  layer.style.setProperty("--aspect", String(sizeWh[0] / sizeWh[1]));
  layer.replaceChildren(...regions.map((one) => boxOf(one, sizeWh, isMirrored, nameOf(one.answer))));
}

function boxOf(
  { box, answer }: Regions["regions"][number],
  [width, height]: Regions["sizeWh"],
  isMirrored: boolean,
  name: string,
): HTMLElement {
  const left = (isMirrored ? width - box.right : box.left) / width;
  const top = box.top / height;
  const element = make("div", { className: "box" }, make("span", { textContent: name }));
  element.dataset["tone"] = answer.tone;
  element.classList.toggle("is-high", top < HIGH);
  element.classList.toggle("is-far", left > FAR);
  Object.assign(element.style, {
    left: percent(left),
    top: percent(top),
    width: percent((box.right - box.left) / width),
    height: percent((box.bottom - box.top) / height),
  });
  return element;
}

const percent = (share: number): string => `${(100 * share).toFixed(3)}%`;
