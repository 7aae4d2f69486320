/** What stands beside the page: its model and the photos of the bench, as `page.json` names them. */

import type { BenchPhoto } from "./exports.ts";
import type { Bundled } from "./ports.ts";

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

async function fetched(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok)
    throw new Error(`${url} must be beside the page, the server answers ${response.status}; publish the whole folder`);
  return response;
}

export class PageFolder implements Bundled {
  #page: Promise<PageFile> | null = null;

  #about(): Promise<PageFile> {
    this.#page ??= fetched("page.json").then((response) => response.json() as Promise<PageFile>);
    return this.#page;
  }

  async model(): Promise<Blob | null> {
    const { model } = await this.#about();
    return model === null ? null : (await fetched(model.file)).blob();
  }

  async benchPhotos(): Promise<{ about: BenchPhoto; content: Blob }[]> {
    const { photos } = await this.#about();
    return Promise.all(
      photos.map(async ({ file, ...about }) => {
        const path = `photos/${file.slice(file.lastIndexOf("/") + 1)}`;
        return { about: { ...about, path }, content: await (await fetched(file)).blob() };
      }),
    );
  }
}
