/** The tables of figures on a page. */
import type { RetrievalDirection } from "../../catalog/index.js";
import { metricText } from "./figure-text.js";
import { html, type Markup } from "./markup.js";
import { DIRECTIONS, METRICS, type MetricsRow, type Pool, type ShownFigure } from "./metric-rows.js";
import { grouped } from "./numbers.js";
import type { ResultTable } from "./result-tables.js";

/** The table as the paper prints it: one row for each run, both directions side by side, the pool beside each. */
export function metricsTable(rows: readonly MetricsRow[], directions: readonly RetrievalDirection[]): Markup {
  const shown = DIRECTIONS.filter(({ direction }) => directions.includes(direction));
  const head = shown.map(
    ({ name }) => html`<th class="group" scope="colgroup" colspan="${METRICS.length + 1}">${name}</th>`,
  );
  const columns = shown.map(
    ({ pool }) =>
      html`<th class="group" scope="col">Pool<small>${pool}s</small></th>
        ${METRICS.map(({ name }) => html`<th scope="col">${name}</th>`)}`,
  );
  return wide(
    "Retrieval metrics",
    html`<table class="metrics">
      <thead>
        <tr>
          <td></td>
          ${head}
        </tr>
        <tr>
          <th scope="col" class="label">Run</th>
          ${columns}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => metricsRow(row, shown))}
      </tbody>
    </table>`,
  );
}

function metricsRow(row: MetricsRow, shown: readonly (typeof DIRECTIONS)[number][]): Markup {
  const detail = [row.detail, row.matched ? "data set and experts as here" : null].filter((part) => part !== null);
  return html`<tr class="${row.kind}${row.matched ? " matched" : ""}">
    <th scope="row" class="label">
      ${row.label}${detail.length === 0 ? null : html`<small>${detail.join("; ")}</small>`}
    </th>
    ${shown.map(({ direction, pool }) => {
      const half = row.halves[direction];
      return html`<td class="group pool">${poolCell(half?.pool ?? null, pool)}</td>
        ${METRICS.map(({ key }) => html`<td>${figureCell(half?.figures[key])}</td>`)}`;
    })}
  </tr>`;
}

/** The number; what is counted stands below where it is not what the column's head says. */
function poolCell(pool: Pool | null, usual: Pool["of"]): Markup {
  if (pool === null) return NOTHING;
  return html`${grouped(pool.count)}${pool.of === usual ? null : html`<small>${pool.of}s</small>`}`;
}

const NOTHING = html`<span class="nothing">–</span>`;

/** A figure over its interval or its deviation. */
function figureCell(figure: ShownFigure | undefined): Markup {
  if (figure === undefined) return NOTHING;
  const { value, spread } = metricText(figure);
  return html`<b>${value}</b><small>${spread}</small>`;
}

/** A plain table; every figure stands over its interval. */
export function resultTable({ columns: [first = "", ...others], rows }: ResultTable): Markup {
  return wide(
    first,
    html`<table class="metrics">
      <thead>
        <tr>
          <th scope="col" class="label">${first}</th>
          ${others.map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ label, cells }) =>
            html`<tr>
              <th scope="row" class="label">${label}</th>
              ${cells.map((cell) =>
                typeof cell === "string"
                  ? html`<td>${cell}</td>`
                  : html`<td class="${cell.clear ? "clear" : ""}">
                      <b>${cell.value}</b><small>${cell.spread}</small>
                    </td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
}

/** A table that may be wider than the window: it is scrolled on its own, with the keyboard, too. */
function wide(name: string, table: Markup): Markup {
  return html`<div class="wide" role="region" aria-label="${name}" tabindex="0">${table}</div>`;
}
