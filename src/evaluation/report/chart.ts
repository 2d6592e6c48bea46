/** The frame that the charts of a report share: axes, grid and names. Sizes are SVG units, about a pixel each. */
import { html, type Markup } from "./markup.js";
import { fixed } from "./numbers.js";

/** Size of a chart. */
const WIDTH = 560;
const HEIGHT = 340;

/** The rectangle inside the axes. */
export const AREA = { left: 54, top: 16, width: WIDTH - 54 - 16, height: HEIGHT - 16 - 50 } as const;

/** A mark on an axis, at a place in SVG units. */
export interface Tick {
  at: number;
  text: string;
}

/** What stands around a chart's marks. */
export interface ChartFrame {
  /** Unique on the page. */
  id: string;
  title: string;
  /** What the chart shows, in words, for those who do not see it. */
  description: string;
  xName: string;
  yName: string;
  xTicks: readonly Tick[];
  yTicks: readonly Tick[];
}

/** Draws a chart: the frame, and the marks over its grid. */
export function chart(frame: ChartFrame, marks: readonly Markup[]): Markup {
  const { left, top, width, height } = AREA;
  const bottom = top + height;
  return html`<svg
    class="chart"
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    role="img"
    aria-labelledby="${frame.id}-title ${frame.id}-description"
  >
    <title id="${frame.id}-title">${frame.title}</title>
    <desc id="${frame.id}-description">${frame.description}</desc>
    ${frame.yTicks.map(
      ({ at, text }) =>
        html`<line class="grid" x1="${left}" x2="${left + width}" y1="${place(at)}" y2="${place(at)}" />
          <text class="tick" x="${left - 8}" y="${place(at + 4)}" text-anchor="end">${text}</text>`,
    )}
    ${frame.xTicks.map(
      ({ at, text }) =>
        html`<text class="tick" x="${place(at)}" y="${bottom + 18}" text-anchor="middle">${text}</text>`,
    )}
    ${marks}
    <line class="axis" x1="${left}" x2="${left + width}" y1="${bottom}" y2="${bottom}" />
    <text class="name" x="${left + width / 2}" y="${HEIGHT - 8}" text-anchor="middle">${frame.xName}</text>
    <text class="name" x="${-(top + height / 2)}" y="14" text-anchor="middle" transform="rotate(-90)">
      ${frame.yName}
    </text>
  </svg>`;
}

/** A coordinate, short enough to read in the page's source. */
export function place(value: number): string {
  return String(Number(value.toFixed(1)));
}

/** The place of a percentage on an axis that ends at `most` percent. */
export function heightOf(percent: number, most = 100): number {
  return AREA.top + AREA.height * (1 - percent / most);
}

/** Ticks of an axis of percentages. */
export function percentTicks(most: number, step: number): Tick[] {
  const ticks: Tick[] = [];
  for (let percent = 0; percent <= most; percent += step) {
    ticks.push({ at: heightOf(percent, most), text: fixed(percent, 0) });
  }
  return ticks;
}
