/** The chart of R@k over k. */
import type { RetrievalDirection, RetrievalMetrics } from "../../catalog/index.js";
import { AREA, chart, heightOf, percentTicks, place, type Tick } from "./chart.js";
import { html, type Markup } from "./markup.js";
import { directionName } from "./metric-rows.js";
import { fixed, grouped } from "./numbers.js";

/** One direction's ranks, from 1 and averaged over ties, and what was measured from them. */
export interface RankedDirection {
  metrics: RetrievalMetrics;
  ranks: readonly number[];
}

/** Up to so many answers, places are far enough apart on an even axis. */
const LARGEST_EVEN_POOL = 20;

/** A curve is drawn through all first ks, and through so many beyond them, evenly spaced as the axis is. */
const FIRST_KS = 50;
const FURTHER_KS = 160;

/** How far intervals stand from the place of their k. */
const WHISKER_SHIFT = 2;

/** The metrics that are marked on the curves. */
const MARKED = [
  { k: 1, key: "recallAt1" },
  { k: 5, key: "recallAt5" },
  { k: 10, key: "recallAt10" },
  { k: 50, key: "recallAt50" },
] as const;

/**
 * Percentage of the queries whose right answer is among the first k, counted as the metrics are: a tie for the first place
 * is no first place, and a tie across the k-th place counts where its mean lies before k (reference fact 3).
 *
 * @param sorted ranks from 1, ascending
 */
export function recallAt(k: number, sorted: readonly number[]): number {
  if (sorted.length === 0) return 0;
  const found = (rank: number): boolean => (k === 1 ? rank === 1 : rank - 1 < k);
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (found(sorted[middle]!)) low = middle + 1;
    else high = middle;
  }
  return (100 * low) / sorted.length;
}

/** Draws the curves of one or both directions. */
export function recallCurves(directions: readonly RankedDirection[]): Markup {
  const pool = Math.max(2, ...directions.map(({ metrics }) => metrics.pool));
  const even = pool <= LARGEST_EVEN_POOL;
  const at = (k: number): number =>
    AREA.left + AREA.width * (even ? (k - 1) / (pool - 1) : Math.log(k) / Math.log(pool));
  const frame = {
    id: "recall",
    title: "Recall at k",
    description: describe(directions),
    xName: `k: answers looked at, of ${grouped(pool)}${even ? "" : " (logarithmic)"}`,
    yName: "R@k: queries answered, %",
    xTicks: ticks(pool, even, at),
    yTicks: percentTicks(100, 20),
  };
  return chart(frame, [
    ...chance(directions, at),
    ...directions.flatMap(({ metrics, ranks }) => curve(metrics, ranks, at)),
  ]);
}

function curve(metrics: RetrievalMetrics, ranks: readonly number[], at: (k: number) => number): Markup[] {
  const sorted = [...ranks].sort((a, b) => a - b);
  const points = curvePlaces(metrics.pool).map((k) => `${place(at(k))},${place(heightOf(recallAt(k, sorted)))}`);
  const marks = MARKED.filter(({ k }) => k <= metrics.pool).map(({ k, key }) => {
    // Beside each other, so that neither hides the other.
    const x = place(at(k) + (metrics.direction === "T2A" ? -WHISKER_SHIFT : WHISKER_SHIFT));
    const { value, low, high } = metrics[key];
    return html`<g>
      <title>R@${k}: ${fixed(value)} %, 95 % interval ${fixed(low)} to ${fixed(high)} %</title>
      <line class="whisker" x1="${x}" x2="${x}" y1="${place(heightOf(low))}" y2="${place(heightOf(high))}" />
      ${dot(metrics.direction, at(k), heightOf(value))}
    </g>`;
  });
  return [html`<g class="series ${metrics.direction}"><polyline points="${points.join(" ")}" />${marks}</g>`];
}

/** The mark of a direction: a disc or a square, so that colour does not tell alone. */
export function dot(direction: RetrievalDirection, x: number, y: number): Markup {
  return direction === "T2A"
    ? html`<circle class="dot" cx="${place(x)}" cy="${place(y)}" r="4" />`
    : html`<rect class="dot" x="${place(x - 4)}" y="${place(y - 4)}" width="8" height="8" />`;
}

/** The pool of the queries that have one right answer each; without one, no curve of chance is drawn. */
export function singleAnswerPool(directions: readonly RankedDirection[]): number | undefined {
  return directions.find(({ metrics }) => metrics.direction === "T2A" || metrics.pool === metrics.queries)?.metrics
    .pool;
}

/** What answers in random order would give. */
function chance(directions: readonly RankedDirection[], at: (k: number) => number): Markup[] {
  const pool = singleAnswerPool(directions);
  if (pool === undefined) return [];
  const points = curvePlaces(pool).map((k) => `${place(at(k))},${place(heightOf((100 * k) / pool))}`);
  return [
    html`<polyline class="chance" points="${points.join(" ")}"><title>Answers in random order</title></polyline>`,
  ];
}

function curvePlaces(pool: number): number[] {
  const ks = new Set<number>();
  for (let k = 1; k <= Math.min(pool, FIRST_KS); k += 1) ks.add(k);
  for (let step = 1; step <= FURTHER_KS && pool > FIRST_KS; step += 1) {
    ks.add(Math.round(FIRST_KS * (pool / FIRST_KS) ** (step / FURTHER_KS)));
  }
  return [...ks];
}

function ticks(pool: number, even: boolean, at: (k: number) => number): Tick[] {
  const ks: number[] = [];
  if (even) for (let k = 1; k <= pool; k += pool > 12 ? 2 : 1) ks.push(k);
  // 1, 2, 5, 10, ... while each is apart from the last place.
  else for (let ten = 1; ten < pool; ten *= 10) ks.push(...[ten, 2 * ten, 5 * ten].filter((k) => k * 1.3 < pool));
  if (!even) ks.push(pool);
  const every = ks.length > 12 ? ks.filter((k) => k === pool || String(k).startsWith("1")) : ks;
  return every.map((k) => ({ at: at(k), text: grouped(k) }));
}

function describe(directions: readonly RankedDirection[]): string {
  const parts = directions.map(({ metrics }) => {
    const name = directionName(metrics.direction);
    const values = MARKED.map(({ k, key }) => `${fixed(metrics[key].value)} % at ${k}`);
    return `${name}: ${values.join(", ")}.`;
  });
  return `Percentage of the queries whose right answer is among the first k. ${parts.join(" ")}`;
}
