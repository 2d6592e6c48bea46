/** The chart of how the ranks are spread. */
import { AREA, chart, heightOf, percentTicks, place } from "./chart.js";
import { html, type Markup } from "./markup.js";
import { directionName } from "./metric-rows.js";
import { fixed, grouped } from "./numbers.js";
import { recallAt, type RankedDirection } from "./recall-curves.js";

/** Ranks that are counted together. */
export interface RankBin {
  /** The last rank of the bin. */
  last: number;
  /** E.g. "501–1,000". */
  text: string;
  /** The same for an axis, e.g. "501–1k". */
  shortText: string;
  /** Queries of each direction, in the order of the directions. */
  counts: number[];
}

/** Share of a bin's width that its bars take. */
const BARS_SHARE = 0.76;

/** With more bins their ranges would not fit below the axis. */
const MOST_BINS = 9;

/** Counts the ranks in bins that widen as 1, 2, 5, 10 do; a bin ends where a metric R@k is taken. */
export function rankBins(directions: readonly RankedDirection[]): RankBin[] {
  const pool = Math.max(1, ...directions.map(({ metrics }) => metrics.pool));
  const sorted = directions.map(({ ranks }) => [...ranks].sort((a, b) => a - b));
  const within = (last: number): number[] =>
    sorted.map((ranks) => Math.round((recallAt(last, ranks) * ranks.length) / 100));
  let before = 0;
  let countsBefore = directions.map(() => 0);
  return lastRanks(pool).map((last) => {
    const counts = within(last);
    const range = (write: (rank: number) => string): string =>
      last === before + 1 ? write(last) : `${write(before + 1)}–${write(last)}`;
    const bin = {
      last,
      text: range(grouped),
      shortText: range(short),
      counts: counts.map((count, place) => count - countsBefore[place]!),
    };
    before = last;
    countsBefore = counts;
    return bin;
  });
}

/** Draws the bins: for each, the percentage of the queries of each direction. */
export function rankHistogram(directions: readonly RankedDirection[], bins: readonly RankBin[]): Markup {
  const share = (count: number, place: number): number => (100 * count) / Math.max(1, directions[place]!.ranks.length);
  const highest = Math.max(1, ...bins.flatMap(({ counts }) => counts.map(share)));
  const step = highest > 50 ? 20 : highest > 20 ? 10 : highest > 10 ? 5 : 2;
  // Room above the highest bar for its number.
  const most = Math.min(Math.ceil((highest * 1.08) / step) * step, Math.max(100, highest * 1.08));
  const width = AREA.width / bins.length;
  const barWidth = (width * BARS_SHARE) / directions.length;
  const frame = {
    id: "ranks",
    title: "Ranks of the right answers",
    description: describe(directions, bins, share),
    xName: "rank of the right answer",
    yName: "queries, %",
    xTicks: bins.map(({ shortText }, number) => ({ at: AREA.left + (number + 0.5) * width, text: shortText })),
    yTicks: percentTicks(most, step),
  };
  const bars = bins.flatMap(({ text, counts }, number) =>
    counts.map((count, place) => {
      const x = AREA.left + (number + (1 - BARS_SHARE) / 2) * width + place * barWidth;
      return bar(directions[place]!, x, barWidth, heightOf(share(count, place), most), {
        number: share(count, place),
        title: `rank ${text}: ${grouped(count)} of ${grouped(directions[place]!.ranks.length)} queries`,
      });
    }),
  );
  return chart(frame, [HATCHING, ...bars]);
}

/** Bars of the second direction are hatched, so that colour does not tell alone. */
const HATCHING = html`<defs>
  <pattern id="hatching" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect class="hatch-ground" width="6" height="6" />
    <line class="hatch-line" x1="0" x2="0" y1="0" y2="6" />
  </pattern>
</defs>`;

function bar(
  { metrics }: RankedDirection,
  x: number,
  width: number,
  top: number,
  { number, title }: { number: number; title: string },
): Markup {
  const height = AREA.top + AREA.height - top;
  return html`<g class="series ${metrics.direction}">
    <title>${title}</title>
    <rect class="bar" x="${place(x + 1)}" y="${place(top)}" width="${place(width - 2)}" height="${place(height)}" />
    ${
      number === 0
        ? null
        : html`<text class="count" x="${place(x + width / 2)}" y="${place(top - 4)}" text-anchor="middle">
            ${number < 0.5 ? "<1" : fixed(number, 0)}
          </text>`
    }
  </g>`;
}

function lastRanks(pool: number): number[] {
  const coarse: number[] = [];
  for (let ten = 1; ten < pool; ten *= 10) coarse.push(...[ten, 5 * ten].filter((last) => last < pool));
  const fine = [...coarse, 20, 200].filter((last) => last < pool).sort((a, b) => a - b);
  return [...(fine.length < MOST_BINS ? fine : coarse), pool];
}

/** `1,954` as `2k`, and what is below 1,000 as it is. */
function short(rank: number): string {
  return rank < 1000 ? String(rank) : `${Number((rank / 1000).toPrecision(2))}k`;
}

function describe(
  directions: readonly RankedDirection[],
  bins: readonly RankBin[],
  share: (count: number, place: number) => number,
): string {
  return directions
    .map(({ metrics }, place) => {
      const name = directionName(metrics.direction);
      const parts = bins.map(({ text, counts }) => `${fixed(share(counts[place]!, place))} % at rank ${text}`);
      return `${name}: ${parts.join(", ")}.`;
    })
    .join(" ");
}
