/** Figures as they are shown: a number, and how sure it is. */
import type { Figure } from "../../catalog/index.js";
import type { ShownFigure } from "./metric-rows.js";
import { fixed, signed } from "./numbers.js";

/** A figure in words. */
export interface FigureText {
  value: string;
  /** Its 95 % interval, e.g. "20.1–25.8", or its deviations, e.g. "± 0.5 (0.6)" with the sample one in brackets. */
  spread: string;
  /** Of differences: whether the interval does not hold 0. Then an asterisk stands behind the value, too. */
  clear: boolean;
}

/** A metric of a run, a series or the paper. */
export function metricText(figure: ShownFigure): FigureText {
  if ("low" in figure) return { value: fixed(figure.value), spread: interval(figure), clear: false };
  const { value, populationStd, sampleStd } = figure;
  const spread = `± ${fixed(populationStd)}${sampleStd === null ? "" : ` (${fixed(sampleStd)})`}`;
  return { value: fixed(value), spread, clear: false };
}

/** A share from 0 to 1, in percent. */
export function shareText({ value, low, high }: Figure): FigureText {
  return metricText({ value: 100 * value, low: 100 * low, high: 100 * high });
}

/** A difference of two runs. */
export function differenceText({ value, low, high }: Figure): FigureText {
  const clear = low > 0 || high < 0;
  return { value: `${signed(value)}${clear ? "*" : ""}`, spread: `${signed(low)} to ${signed(high)}`, clear };
}

function interval({ low, high }: Figure): string {
  return `${fixed(low)}–${fixed(high)}`;
}
