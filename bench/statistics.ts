/**
 * The value below which a share of the sorted values lies; the larger neighbour where it falls between two.
 *
 * @param share 0 to 1
 */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error("there is no percentile of nothing");
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!;
}

/** The value in the middle; the mean of the two in the middle where the number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? percentile(sorted, 0.5)
    : (percentile(sorted, 0.5) + sorted[Math.min(sorted.length - 1, middle)]!) / 2;
}

/** Rounded to so many significant digits, for people to read. */
export function rounded(value: number, digits = 4): number {
  return Number(value.toPrecision(digits));
}
