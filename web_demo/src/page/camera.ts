/** The camera: the only file that knows getUserMedia, tracks and ImageCapture. */

import type { Lens } from "./exports.ts";
import { CameraError, type Camera, type CameraFrame, type Still } from "./ports.ts";
import type { CameraInfo, CameraProblem } from "./state.ts";

/** Full HD is enough for a live verdict; a still has the sensor's own size where ImageCapture is there. */
const LIVE = { width: { ideal: 1920 }, height: { ideal: 1080 } };
const STILL_TIMEOUT_MS = 5000;
/** Near to lossless: what the model judges must not be the encoder's work. */
const STILL_QUALITY = 0.95;

interface TorchCapabilities extends MediaTrackCapabilities {
  readonly torch?: boolean;
}

/** Not in TypeScript's DOM yet. */
interface ImageCaptureLike {
  takePhoto(): Promise<Blob>;
}
declare const ImageCapture: (new (track: MediaStreamTrack) => ImageCaptureLike) | undefined;

const PROBLEMS: Readonly<Record<string, CameraProblem>> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "in-use",
  AbortError: "in-use",
};

export class BrowserCamera implements Camera {
  #track: MediaStreamTrack | null = null;
  #info: CameraInfo | null = null;
  #deviceId: string | null = null;
  /** Counts openings and closings: a stream that comes after its turn is let go. */
  #turn = 0;
  /** Ends the wait for a frame when the camera is closed. */
  #closed: () => void = () => undefined;

  constructor(private readonly video: HTMLVideoElement) {}

  async permission(): Promise<"granted" | "prompt" | "denied"> {
    // Without a secure page there is nothing to ask: open() says why.
    if (!isSecureContext || navigator.mediaDevices === undefined) return "granted";
    try {
      // Not in TypeScript's list of names, and not known to every browser.
      const status = await navigator.permissions.query({ name: "camera" as PermissionName });
      return status.state;
    } catch {
      return "prompt";
    }
  }

  async open(which: "same" | "next", lost: () => void): Promise<CameraInfo> {
    if (!isSecureContext || navigator.mediaDevices === undefined) throw new CameraError("insecure");
    // Taken before the first wait: whoever closes meanwhile means this opening, too.
    const asked = ++this.#turn;
    const wanted = which === "next" ? await this.#nextDevice() : this.#deviceId;
    if (asked !== this.#turn) throw closedMeanwhile();
    this.close();
    const turn = this.#turn;
    const stream = await this.#stream(wanted);
    const track = stream.getVideoTracks()[0];
    if (track === undefined) throw new CameraError("none");
    if (turn !== this.#turn) {
      track.stop();
      throw closedMeanwhile();
    }
    this.#track = track;
    track.addEventListener("ended", lost, { once: true });
    this.#deviceId = track.getSettings().deviceId ?? wanted;
    this.video.srcObject = stream;
    try {
      await this.video.play();
    } catch (failure) {
      // Another call to open or close took the picture away; its own caller is told.
      if (this.#track === track) {
        this.close();
        throw new CameraError("in-use", String(failure));
      }
    }
    const info = await describe(track, this.video);
    if (turn !== this.#turn) throw closedMeanwhile();
    this.#info = info;
    return info;
  }

  async #stream(deviceId: string | null): Promise<MediaStream> {
    const facing = { facingMode: { ideal: "environment" } };
    const video = deviceId === null ? { ...LIVE, ...facing } : { ...LIVE, deviceId: { exact: deviceId } };
    try {
      return await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (failure) {
      const { name, message } = failure as DOMException;
      // The camera that was chosen last may have been unplugged since.
      if (deviceId !== null && name === "OverconstrainedError") return this.#stream(null);
      throw new CameraError(PROBLEMS[name] ?? "in-use", message);
    }
  }

  async #nextDevice(): Promise<string | null> {
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    const at = devices.findIndex(({ deviceId }) => deviceId === this.#deviceId);
    return devices[(at + 1) % devices.length]?.deviceId ?? null;
  }

  async frame(): Promise<CameraFrame | null> {
    const track = this.#track;
    while (track !== null && (await this.#nextPicture()) && this.#track === track) {
      // A camera that is just beginning may have pictures without a size.
      if (this.video.videoWidth > 0) {
        const picture = await createImageBitmap(this.video);
        return { picture, timeS: performance.now() / 1000, close: () => picture.close() };
      }
    }
    return null;
  }

  /** Waits for a picture that was not there before; false: the camera was closed. */
  #nextPicture(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#closed = () => resolve(false);
      // Firefox has it since 2024; before that a picture may come twice, which changes no verdict.
      if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(() => resolve(true));
      else requestAnimationFrame(() => resolve(true));
    });
  }

  async still(): Promise<Still> {
    const track = this.#track;
    if (track === null || track.readyState === "ended") throw new CameraError("lost");
    const photo = (await photoOf(track)) ?? (await this.#pictureOnScreen());
    return { photo, lens: lensOf(this.#info) };
  }

  /** The video's own picture, where the browser has no ImageCapture or it fails. */
  async #pictureOnScreen(): Promise<Blob> {
    const canvas = new OffscreenCanvas(this.video.videoWidth, this.video.videoHeight);
    const context = canvas.getContext("2d");
    if (context === null || canvas.width === 0) throw new CameraError("lost");
    context.drawImage(this.video, 0, 0);
    return canvas.convertToBlob({ type: "image/jpeg", quality: STILL_QUALITY });
  }

  async torch(isOn: boolean): Promise<CameraInfo> {
    const track = this.#track;
    if (track === null || this.#info === null) throw new CameraError("lost");
    const constraints = { advanced: [{ torch: isOn } as MediaTrackConstraintSet] };
    await track.applyConstraints(constraints).catch((failure: unknown) => {
      throw new CameraError("in-use", String(failure));
    });
    this.#info = { ...this.#info, isTorchOn: isOn };
    return this.#info;
  }

  close(): void {
    this.#turn += 1;
    this.#track?.stop();
    this.#track = null;
    this.#info = null;
    this.video.srcObject = null;
    this.#closed();
  }
}

function closedMeanwhile(): CameraError {
  return new CameraError("lost", "the camera was closed while it was opened");
}

/** A file of the sensor's own resolution; null where there is none to be had. */
async function photoOf(track: MediaStreamTrack): Promise<Blob | null> {
  if (typeof ImageCapture === "undefined") return null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // Some drivers never answer.
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), STILL_TIMEOUT_MS);
  });
  try {
    return await Promise.race([new ImageCapture(track).takePhoto(), late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

async function describe(track: MediaStreamTrack, video: HTMLVideoElement): Promise<CameraInfo> {
  const { facingMode } = track.getSettings();
  // Firefox has no getCapabilities.
  const capabilities = (track.getCapabilities?.() ?? {}) as TorchCapabilities;
  const devices = await navigator.mediaDevices.enumerateDevices();
  return {
    facing: facingMode === "user" || facingMode === "environment" ? facingMode : "unknown",
    widthPx: video.videoWidth,
    heightPx: video.videoHeight,
    hasTorch: capabilities.torch === true,
    isTorchOn: false,
    cameras: devices.filter(({ kind }) => kind === "videoinput").length,
  };
}

function lensOf(info: CameraInfo | null): Lens {
  if (info?.facing === "user") return "front";
  return info?.facing === "environment" ? "back" : "external";
}
