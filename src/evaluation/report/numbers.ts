/** How figures are written, on a page as on a terminal. */

/** A typographic minus, as wide as a digit. */
const MINUS = "−";

/** A number with fixed decimals, e.g. `-0.04` as `0.0` and `-1.25` as `−1.3`. */
export function fixed(value: number, decimals = 1): string {
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** A difference with its sign, e.g. `+1.2`. */
export function signed(value: number, decimals = 1): string {
  const text = fixed(value, decimals);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** A count with its noun, e.g. `1 clip`, `1,045 clips`. */
export function counted(count: number, noun: string): string {
  const plural = noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${grouped(count)} ${count === 1 ? noun : plural}`;
}

/** A whole number with its thousands apart, e.g. `4,917`. */
export function grouped(count: number): string {
  return count.toLocaleString("en-GB");
}

/** A rank, averaged over ties: whole ones without decimals. */
export function rankText(rank: number): string {
  return Number.isInteger(rank) ? grouped(rank) : grouped(Math.floor(rank)) + (rank % 1).toFixed(1).slice(1);
}
