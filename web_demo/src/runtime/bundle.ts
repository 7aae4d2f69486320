/** Reads the one-file artefact: a TFLite flatbuffer with an archive behind it that holds the labels and the contract. */

import type { Contract } from "./contract.ts";

/** A model file, checked. */
export class Bundle {
  private constructor(
    /** The contract that the file holds. */
    readonly contract: Contract,
    /** The TFLite model without the archive; its SHA-256 is the contract's. */
    readonly flatbuffer: Uint8Array<ArrayBuffer>,
    /** Hex SHA-256 of the whole file as read. */
    readonly fileSha256: string,
  ) {}

  /**
   * Read and check a model file.
   *
   * @throws ContractError - Too large, no TFLite file, without contract, of a newer schema, changed since, or none that an
   *   engine may run.
   */
  static read(content: Uint8Array | ArrayBuffer): Promise<Bundle> {
    void [content, Bundle];
    throw new Error("skeleton");
  }
}
