/** What stands beside the page: its model and the photos of the bench, as `page.json` names them. */

import { sha256 } from "../runtime/sha256.ts";
import type { BenchPhoto } from "./exports.ts";
import type { Bundled, PickedModel } from "./ports.ts";

export interface PageFile {
  readonly schema: 1;
  readonly model: { readonly file: string; readonly name: string; readonly sha256: string } | null;
  readonly photos: readonly {
    readonly file: string;
    readonly sha256: string;
    readonly label: string;
    readonly group: string;
  }[];
}

async function fetched(url: string, how: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, how);
  if (!response.ok)
    throw new Error(`${url} must be beside the page, the server answers ${response.status}; publish the whole folder`);
  return response;
}

export class PageFolder implements Bundled {
  #page: Promise<PageFile> | null = null;

  /** @param home address of the page's folder, ending in a slash */
  constructor(private readonly home: string) {}

  #fetched(file: string, how: RequestInit = {}): Promise<Response> {
    return fetched(new URL(file, this.home).href, how);
  }

  #about(): Promise<PageFile> {
    this.#page ??= this.#fetched("page.json")
      .then((response) => response.json() as Promise<PageFile>)
      .catch((failure: unknown) => {
        // The next call may find a network again.
        this.#page = null;
        throw failure;
      });
    return this.#page;
  }

  async model(): Promise<PickedModel | null> {
    const { model } = await this.#about();
    return model === null ? null : { content: await this.#listed(model), name: model.name };
  }

  async benchPhotos(): Promise<{ about: BenchPhoto; content: Blob }[]> {
    const { photos } = await this.#about();
    return Promise.all(
      photos.map(async (photo) => {
        const { file, ...about } = photo;
        const path = `photos/${file.slice(file.lastIndexOf("/") + 1)}`;
        return { about: { ...about, path }, content: await this.#listed(photo) };
      }),
    );
  }

  /** The very file that `page.json` names: what the browser kept may be that of an older page. */
  async #listed(wanted: { readonly file: string; readonly sha256: string }): Promise<Blob> {
    let digest = "";
    for (const cache of ["default", "reload"] as const) {
      const content = await (await this.#fetched(wanted.file, { cache })).blob();
      digest = await sha256(new Uint8Array(await content.arrayBuffer()));
      if (digest === wanted.sha256) return content;
    }
    throw new Error(
      `${wanted.file} must have the SHA-256 that page.json names, ${wanted.sha256}, got ${digest}; ` +
        "publish the whole folder anew",
    );
  }
}
