/** Small help with the document: strict look-ups, and writes that change only what is different. */

/** An element that the page must have. */
export function byId<T extends HTMLElement | SVGElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element ${id}`);
  return found as unknown as T;
}

/** Screen readers would speak a text again that is written again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setHidden(element: HTMLElement, isHidden: boolean): void {
  if (element.hidden !== isHidden) element.hidden = isHidden;
}

export function setIcon(use: Element, name: string): void {
  const wanted = `#i-${name}`;
  if (use.getAttribute("href") !== wanted) use.setAttribute("href", wanted);
}

type Child = Node | string;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A table whose first row is its head. */
export function tableOf(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): HTMLTableElement {
  const cells = (row: readonly string[], isHead: boolean): HTMLTableRowElement =>
    make(
      "tr",
      {},
      ...row.map((text, place) =>
        isHead || place === 0
          ? make("th", { scope: isHead ? "col" : "row", textContent: text })
          : make("td", { textContent: text }),
      ),
    );
  return make(
    "table",
    {},
    make("caption", { textContent: caption }),
    make("thead", {}, cells(head, true)),
    make("tbody", {}, ...rows.map((row) => cells(row, false))),
  );
}

/** Shows a blob in an image, and frees the one before. */
export function showBlob(image: HTMLImageElement, blob: Blob | null): void {
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
  if (blob === null) image.removeAttribute("src");
  else image.src = URL.createObjectURL(blob);
}
