/** The smallest normal float32; below it there are fewer digits. */
const LEAST_NORMAL = 2 ** -126;

/** The shortest number that gives the same float32. */
export function shortest(probability: number): number {
  const exact = Math.fround(probability);
  // Whatever has six digits or fewer survives a float32, so fewer need not be tried.
  for (let digits = Math.abs(exact) < LEAST_NORMAL ? 1 : 6; digits < 9; digits++) {
    const short = Number(exact.toPrecision(digits));
    if (Math.fround(short) === exact) return short;
  }
  return Number(exact.toPrecision(9));
}
