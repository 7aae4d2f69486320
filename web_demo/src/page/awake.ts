/** Keeps the screen on, as far as the browser can: without the right it goes dark as ever. */

export interface ScreenLock {
  release(): Promise<void>;
}

export class Awake {
  #lock: ScreenLock | null = null;
  #isWanted = false;

  /** @param request asks the browser; undefined where it has nothing to ask for */
  constructor(private readonly request: () => Promise<ScreenLock> | undefined) {}

  keep(isAwake: boolean): void {
    this.#isWanted = isAwake;
    if (isAwake) void this.#ask();
    else this.#release();
  }

  async #ask(): Promise<void> {
    const lock = await this.request()?.catch(() => undefined);
    if (lock === undefined) return;
    this.#release();
    this.#lock = lock;
    // A lock may come when nobody wants it any more.
    if (!this.#isWanted) this.#release();
  }

  #release(): void {
    void this.#lock?.release();
    this.#lock = null;
  }
}
