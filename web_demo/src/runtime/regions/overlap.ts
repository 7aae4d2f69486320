/** How far two boxes are one. */

/** Intersection over union of boxes of left, top, right and bottom; 0 where neither has an area. */
export function overlap(one: readonly number[], other: readonly number[]): number {
  const side = (low: number, high: number): number => Math.min(one[high]!, other[high]!) - Math.max(one[low]!, other[low]!);
  const shared = Math.max(0, side(0, 2)) * Math.max(0, side(1, 3));
  const area = (box: readonly number[]): number => (box[2]! - box[0]!) * (box[3]! - box[1]!);
  const union = area(one) + area(other) - shared;
  return union > 0 ? shared / union : 0;
}
