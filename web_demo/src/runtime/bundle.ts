/**
 * Reads the one-file artefact: a TFLite flatbuffer with an archive behind it that holds the labels and the contract.
 *
 * The file is untrusted. Sizes are bounded, the flatbuffer's hash is compared, and what it says is checked, before any
 * engine sees it: a hash says that a file is whole, not who made it.
 */

import { readArchive } from "./archive.ts";
import { CONTRACT_NAME, Contract, DETECTOR_NAME, LABELS_NAME } from "./contract.ts";
import { ContractError } from "./errors.ts";
import { truncated } from "./json.ts";
import { checkDetector } from "./regions/check.ts";
import { sha256 } from "./sha256.ts";
import { checkClassifier } from "./verify/model.ts";
import { IDENTIFIER } from "./verify/structure.ts";

/** Of a whole model file. */
export const MAX_MODEL_BYTES = 512 * 1024 * 1024;
// What Python's `splitlines` takes for the end of a line.
const LINE_END = /\r\n|[\n\r\v\f\u001c\u001d\u001e\u0085\u2028\u2029]/;

/** A model file, checked. */
export class Bundle {
  private constructor(
    /** The contract that the file holds. */
    readonly contract: Contract,
    /** The TFLite model without the archive; its SHA-256 is the contract's. */
    readonly flatbuffer: Uint8Array<ArrayBuffer>,
    /** The file that finds the contract's regions; null for a model of whole photos. */
    readonly detector: Uint8Array<ArrayBuffer> | null,
    /** Hex SHA-256 of the whole file as read. */
    readonly fileSha256: string,
  ) {}

  /**
   * Read and check a model file.
   *
   * @param content - The whole file; it must stay as it is as long as the bundle is used.
   * @param beside - Of a contract whose detector lies beside the model's file, the content of that; null: it is not at
   *   hand.
   * @throws ContractError - Too large, no TFLite file, without contract, of a newer schema, changed since, or none that an
   *   engine may run; or its detector is absent or another.
   */
  static async read(
    content: Uint8Array<ArrayBuffer> | ArrayBuffer,
    beside: Uint8Array<ArrayBuffer> | null = null,
  ): Promise<Bundle> {
    const bytes = content instanceof ArrayBuffer ? new Uint8Array(content) : content;
    if (bytes.length > MAX_MODEL_BYTES) {
      throw new ContractError(`a model must have at most ${MAX_MODEL_BYTES} bytes, got ${bytes.length}`);
    }
    const identifier = String.fromCharCode(...bytes.subarray(4, 8));
    if (identifier !== IDENTIFIER) {
      throw new ContractError(
        `a model must be a TFLite file (identifier ${IDENTIFIER}), got ${JSON.stringify(identifier)}; edgekit info may ` +
          "tell what it is",
      );
    }
    const { members, start } = await readArchive(bytes, [CONTRACT_NAME, LABELS_NAME, DETECTOR_NAME]);
    const contract = contractIn(members);
    const flatbuffer = bytes.subarray(0, start);
    const digest = await sha256(flatbuffer);
    if (digest !== contract.modelSha256) {
      throw new ContractError(
        `the model was changed after it was made: SHA-256 must be ${contract.modelSha256}, got ${digest}; copy it again`,
      );
    }
    const labels = linesOf(textOf(LABELS_NAME, members.get(LABELS_NAME) ?? new Uint8Array(0)));
    const expected = contract.outputLabels;
    if (labels.length !== expected.length || !labels.every((label, at) => label === expected[at])) {
      throw new ContractError(
        `${LABELS_NAME} must equal the contract's ${truncated(JSON.stringify(expected), 200)}, got ` +
          truncated(JSON.stringify(labels), 200),
      );
    }
    checkClassifier(flatbuffer, contract);
    const detector = await detectorIn(members.get(DETECTOR_NAME), contract, beside);
    return new Bundle(contract, flatbuffer, detector, await sha256(bytes));
  }
}

function contractIn(members: ReadonlyMap<string, Uint8Array>): Contract {
  const content = members.get(CONTRACT_NAME);
  if (content === undefined) {
    throw new ContractError(
      `the model has no ${CONTRACT_NAME} inside: it was not made by edgekit; edgekit adopt makes it a model that it takes`,
    );
  }
  return Contract.fromJson(textOf(CONTRACT_NAME, content));
}

/** The detector of a contract's regions, checked; null where it has none. */
async function detectorIn(
  inside: Uint8Array<ArrayBuffer> | undefined,
  { regions }: Contract,
  beside: Uint8Array<ArrayBuffer> | null,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const isPromised = regions?.place === "inside";
  if (inside !== undefined && !isPromised) {
    throw new ContractError(
      `its contract promises no ${DETECTOR_NAME} inside, the archive has one; convert it again`,
    );
  }
  if (regions === null) return null;
  const detector = isPromised ? inside : beside;
  if (detector === undefined) {
    throw new ContractError(
      `the model must have its ${regions.thing} detector inside, as ${DETECTOR_NAME}; copy it again`,
    );
  }
  if (detector === null) {
    throw new ContractError(
      `the model's ${regions.thing} detector lies beside it, as ${regions.detectorFile}: take a model that has it inside`,
    );
  }
  await checkDetector(detector, regions);
  return detector;
}

function textOf(name: string, content: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch (failure) {
    throw new ContractError(`${name} must be UTF-8: ${String(failure)}`);
  }
}

/** As Python's `splitlines`: an end of a line at the end of the text begins no other. */
function linesOf(text: string): readonly string[] {
  const lines = text.split(LINE_END);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
