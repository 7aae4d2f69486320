/**
 * Captures, settings and the picked model in IndexedDB.
 *
 * A capture is two rows, the photo and what is known of it, written in one transaction: both are there or neither is,
 * whatever stops the page.
 */

import { StorageFullError, type Store, type StoredEntry } from "./ports.ts";
import { DEFAULT_SETTINGS, settingsFrom, type Settings } from "./settings.ts";

const VERSION = 1;
/** What is known of a capture, its photo, and single values by name. */
const ENTRIES = "entries";
const PHOTOS = "photos";
const VALUES = "values";

interface EntryRow extends StoredEntry {
  readonly id: string;
}

/** @param lost told when the connection is no more: the next transaction needs another. */
function openDatabase(name: string, lost: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(ENTRIES, { keyPath: "id" });
      request.result.createObjectStore(PHOTOS);
      request.result.createObjectStore(VALUES);
    };
    request.onsuccess = () => {
      // Another tab with a newer page must not wait for this one.
      request.result.onversionchange = () => {
        request.result.close();
        lost();
      };
      // The browser itself closes it where the user clears the page's data.
      request.result.onclose = lost;
      resolve(request.result);
    };
    request.onerror = () => reject(storageError(request.error));
    request.onblocked = () => reject(new Error("another tab holds an older page open; close it and try again"));
  });
}

function storageError(failure: DOMException | null): Error {
  if (failure?.name === "QuotaExceededError") return new StorageFullError("the browser grants no more room");
  return failure ?? new Error("the browser's storage does not answer");
}

export class BrowserStore implements Store {
  #database: Promise<IDBDatabase> | null = null;
  readonly #name: string;

  /** @param folder path of the page's folder: databases belong to an origin, on which other pages may lie */
  constructor(folder: string) {
    this.#name = `edgekit ${folder}`;
  }

  /** Runs one transaction; what `work` asks for is its result once all of it is on disk. */
  async #run<T>(
    stores: string[],
    mode: IDBTransactionMode,
    work: (transaction: IDBTransaction) => IDBRequest<T> | null,
  ): Promise<T | undefined> {
    this.#database ??= openDatabase(this.#name, () => (this.#database = null));
    const database = await this.#database.catch((failure: unknown) => {
      this.#database = null;
      throw failure;
    });
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(stores, mode, { durability: "strict" });
      let asked: IDBRequest<T> | null = null;
      transaction.oncomplete = () => resolve(asked?.result);
      transaction.onabort = () => reject(storageError(transaction.error));
      try {
        asked = work(transaction);
      } catch (failure) {
        transaction.abort();
        reject(failure);
      }
    });
  }

  async add(entry: StoredEntry, photo: Blob): Promise<void> {
    const { id } = entry.record;
    const row: EntryRow = { ...entry, id };
    await this.#run([ENTRIES, PHOTOS], "readwrite", (transaction) => {
      transaction.objectStore(PHOTOS).add(photo, id);
      transaction.objectStore(ENTRIES).add(row);
      return null;
    });
    // From the first photo on: else the browser may clear what it holds when room gets short.
    void navigator.storage?.persist?.();
  }

  async entries(): Promise<StoredEntry[]> {
    const rows = await this.#run<EntryRow[]>([ENTRIES], "readonly", (transaction) =>
      transaction.objectStore(ENTRIES).getAll(),
    );
    // Names begin with the time.
    return (rows ?? []).sort((a, b) => (a.id < b.id ? 1 : -1));
  }

  async photo(id: string): Promise<Blob> {
    const photo = await this.#run<unknown>([PHOTOS], "readonly", (transaction) =>
      transaction.objectStore(PHOTOS).get(id),
    );
    if (!(photo instanceof Blob)) throw new Error(`the photo ${id} is no longer stored`);
    return photo;
  }

  async setTruth(id: string, truth: string | null): Promise<void> {
    await this.#run([ENTRIES], "readwrite", (transaction) => {
      const store = transaction.objectStore(ENTRIES);
      const request: IDBRequest<EntryRow | undefined> = store.get(id);
      request.onsuccess = () => {
        const row = request.result;
        if (row !== undefined) store.put({ ...row, record: { ...row.record, truth } });
      };
      return null;
    });
  }

  async remove(ids: readonly string[]): Promise<void> {
    await this.#run([ENTRIES, PHOTOS], "readwrite", (transaction) => {
      for (const id of ids) {
        transaction.objectStore(ENTRIES).delete(id);
        transaction.objectStore(PHOTOS).delete(id);
      }
      return null;
    });
  }

  async #value(name: string): Promise<unknown> {
    return this.#run<unknown>([VALUES], "readonly", (transaction) => transaction.objectStore(VALUES).get(name));
  }

  async #keep(name: string, value: unknown): Promise<void> {
    await this.#run([VALUES], "readwrite", (transaction) => {
      const store = transaction.objectStore(VALUES);
      if (value === null) store.delete(name);
      else store.put(value, name);
      return null;
    });
  }

  async settings(): Promise<Settings> {
    return this.#value("settings").then(settingsFrom, () => DEFAULT_SETTINGS);
  }

  async keepSettings(settings: Settings): Promise<void> {
    await this.#keep("settings", settings);
  }

  async pickedModel(): Promise<Blob | null> {
    const content = await this.#value("model").catch(() => null);
    return content instanceof Blob ? content : null;
  }

  async keepModel(content: Blob | null): Promise<void> {
    // A file that the user picked may be gone or changed at the next start: its bytes are kept, not the link to it.
    await this.#keep("model", content === null ? null : new Blob([await content.arrayBuffer()]));
  }

  /** Eight hex digits that name this installation in exports, drawn once. */
  async install(draw: () => string): Promise<string> {
    const known = await this.#value("install").catch(() => null);
    if (typeof known === "string" && /^[0-9a-f]{8}$/.test(known)) return known;
    const drawn = draw();
    // Without storage there are no captures to name, either.
    await this.#keep("install", drawn).catch(() => undefined);
    return drawn;
  }
}
