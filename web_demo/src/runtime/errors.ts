/**
 * Every error that a user can meet.
 *
 * ```
 * EdgekitError            the user can act on it: the page shows its message
 * ├── ContractError       a model file or its contract is not what it claims to be
 * ├── ModelError          no engine, or it refuses or fails on the model
 * ├── PhotoError          one photo or frame can't be decoded or is beyond the limits
 * └── VideoError          frames whose times or labels do not follow each other
 * ```
 *
 * Anything else that escapes is a bug. A message says the rule, what came, and what to do.
 */

/** Base of all errors that the user can act on. */
export class EdgekitError extends Error {
  override readonly name: string = "EdgekitError";
}

/** A model file, or the contract inside it, is not what it claims to be. */
export class ContractError extends EdgekitError {
  override readonly name = "ContractError";
}

/** The engine that runs models is absent, refuses the model, or failed. */
export class ModelError extends EdgekitError {
  override readonly name = "ModelError";
}

/** One photo or frame can't be decoded within the limits. */
export class PhotoError extends EdgekitError {
  override readonly name = "PhotoError";
}

/** Frames do not follow each other in time, or are not of the contract's labels. */
export class VideoError extends EdgekitError {
  override readonly name = "VideoError";
}
