/** Whether a file is the detector that a contract tells of, before any engine sees it. */

import type { DetectorName, RegionPlan } from "../contract.ts";
import { ContractError } from "../errors.ts";
import { sha256 } from "../sha256.ts";
import { type Interface, checkModel } from "../verify/model.ts";
import { isSame } from "../verify/tensors.ts";
import { type AnchorGrid, GRIDS } from "./anchors.ts";
import { ROW } from "./decode.ts";

// Several times the largest of MediaPipe's.
const MAX_DETECTOR_BYTES = 8 * 1024 * 1024;

/**
 * Hold that a detector is the one that a contract tells of.
 *
 * @param flatbuffer - The whole file.
 * @throws ContractError - Too large, another file, another kind, or none that an engine may run.
 */
export async function checkDetector(flatbuffer: Uint8Array<ArrayBuffer>, plan: RegionPlan): Promise<void> {
  if (flatbuffer.length > MAX_DETECTOR_BYTES) {
    throw new ContractError(`a detector must have at most ${MAX_DETECTOR_BYTES} bytes, got ${flatbuffer.length}`);
  }
  const found = await sha256(flatbuffer);
  if (found !== plan.detectorSha256) {
    throw new ContractError(
      `the detector must have the SHA-256 ${plan.detectorSha256}, got ${found}; copy it again`,
    );
  }
  const kind = kindOf(flatbuffer);
  if (kind !== plan.detector) {
    throw new ContractError(`the contract promises the detector ${plan.detector}, the file is ${kind}`);
  }
}

/** Which detector a flatbuffer is, by what goes in and comes out, after the check that every model goes through. */
function kindOf(flatbuffer: Uint8Array): DetectorName {
  const checked = checkModel(flatbuffer);
  const found = [...checked.inputs, ...checked.outputs];
  for (const [name, grid] of Object.entries(GRIDS)) {
    const wanted = shapesOf(grid);
    const isThere = (shape: readonly number[]): boolean => found.some((one) => isStatic(one) && isSame(one.shape, shape));
    if (found.length === wanted.length && wanted.every(isThere)) return name as DetectorName;
  }
  const told = found.map(({ type, shape }) => `${type} [${shape.join(", ")}]`).join(", ");
  const known = Object.entries(GRIDS).map(([name, grid]) => {
    const [input, ...outputs] = shapesOf(grid).map((shape) => `[${shape.join(", ")}]`);
    return `${name}: float32 ${input} to ${outputs.join(" and ")}`;
  });
  throw new ContractError(
    `a detector must be one of MediaPipe's for faces (${known.join("; ")}), got ${told}; name another file`,
  );
}

/** Its input, its boxes and its logits. */
function shapesOf({ sidePx, count }: AnchorGrid): readonly (readonly number[])[] {
  return [
    [1, sidePx, sidePx, 3],
    [1, count, ROW],
    [1, count, 1],
  ];
}

function isStatic({ type, shape, signature }: Interface): boolean {
  return type === "float32" && isSame(signature, shape);
}
