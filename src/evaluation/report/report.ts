/** The report of one evaluation: a page that needs nothing but itself. */
import { createHash } from "node:crypto";
import type { RetrievalDirection } from "../../catalog/index.js";
import type { CompletedEvaluation } from "../comparison/index.js";
import type { ChosenQueries } from "./chosen-queries.js";
import type { ComparedRuns } from "./compared-runs.js";
import { html, Markup } from "./markup.js";
import { benchmarkName, directionName, DIRECTIONS, runName } from "./metric-rows.js";
import { grouped } from "./numbers.js";
import { QueryCards, type CardMaterial } from "./query-cards.js";
import { rankBins, rankHistogram, type RankBin } from "./rank-histogram.js";
import { dot, recallCurves, singleAnswerPool, type RankedDirection } from "./recall-curves.js";
import {
  differencesSection,
  factsList,
  footer,
  metricsSection,
  missingSection,
  momentsSection,
  noticeList,
  relevanceSection,
} from "./sections.js";
import { STYLE } from "./style.js";

/** What one direction's part of a report is made of. */
export interface ReportDirection {
  /** The ranks of all queries, from 1. */
  ranks: readonly number[];
  queries: ChosenQueries;
}

/** What a report is made of. */
export interface ReportInput extends CardMaterial {
  evaluation: CompletedEvaluation;
  /** Those that were measured. */
  directions: Readonly<Partial<Record<RetrievalDirection, ReportDirection>>>;
  /** What the run is set beside; null: nothing. */
  compared: ComparedRuns | null;
  /** Earshot's version. */
  version: string;
}

/** Plays a sound at every place where its clip stands, and one at a time. */
const SCRIPT = `
for (const audio of document.querySelectorAll("audio[data-sound]")) audio.src = document.getElementById(audio.dataset.sound).src;
addEventListener("play", ({ target }) => {
  for (const audio of document.querySelectorAll("audio")) if (audio !== target) audio.pause();
}, true);
`;

/** Nothing is loaded from anywhere, and no script runs but the one above, whatever a caption says. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "media-src data:",
  `script-src 'sha256-${createHash("sha256").update(SCRIPT).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Writes the report as a whole HTML document, with no path of this machine in it. */
export function renderReport(input: ReportInput): string {
  const { evaluation } = input;
  const name = `${benchmarkName(evaluation)}, ${evaluation.order.split}`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${CONTENT_SECURITY_POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${name}: ${runName(evaluation)}</title>
        ${new Markup(`<style>${STYLE}</style>`)}
      </head>
      <body>
        <header>
          <p class="kicker">Earshot evaluation</p>
          <h1>${name}</h1>
          <p class="subtitle">${runName(evaluation)}</p>
          ${factsList(evaluation)} ${noticeList(evaluation, input.compared)}
        </header>
        <main>
          ${metricsSection(evaluation, input.compared)} ${differencesSection(input.compared)} ${chartsSection(input)}
          ${relevanceSection(evaluation)} ${momentsSection(evaluation)} ${queriesSection(input)}
          ${missingSection(evaluation)}
        </main>
        ${footer(evaluation, input.version)} ${new Markup(`<script>${SCRIPT}</script>`)}
      </body>
    </html>`;
  return `${page.text}\n`;
}

function chartsSection(input: ReportInput): Markup | null {
  const directions = measured(input);
  if (directions.length === 0) return null;
  const bins = rankBins(directions);
  return html`<section aria-labelledby="curves">
    <h2 id="curves">Recall and ranks</h2>
    <ul class="legend">
      ${directions.map(({ metrics }) => legendEntry(metrics.direction))}
      ${singleAnswerPool(directions) === undefined ? null : CHANCE_ENTRY}
    </ul>
    <div class="charts">
      <figure>
        <figcaption>Recall at k, with the 95 % intervals of the table</figcaption>
        ${recallCurves(directions)}
      </figure>
      <figure>
        <figcaption>Where the right answers were ranked</figcaption>
        ${rankHistogram(directions, bins)} ${binTable(directions, bins)}
      </figure>
    </div>
  </section>`;
}

const CHANCE_ENTRY = html`<li>
  <svg viewBox="0 0 34 14" aria-hidden="true" class="chart">
    <line class="chance" x1="2" x2="32" y1="7" y2="7" />
  </svg>
  answers in random order
</li>`;

function legendEntry(direction: RetrievalDirection): Markup {
  return html`<li>
    <svg viewBox="0 0 34 14" aria-hidden="true" class="chart series ${direction}">
      <polyline points="2,7 32,7" />
      ${dot(direction, 17, 7)}
    </svg>
    ${directionName(direction)}
  </li>`;
}

function binTable(directions: readonly RankedDirection[], bins: readonly RankBin[]): Markup {
  return html`<details>
    <summary>The ranks as a table</summary>
    <table class="metrics">
      <thead>
        <tr>
          <th scope="col" class="label">Rank</th>
          ${directions.map(({ metrics }) => html`<th scope="col">${directionName(metrics.direction)}, queries</th>`)}
        </tr>
      </thead>
      <tbody>
        ${bins.map(
          ({ text, counts }) =>
            html`<tr>
              <th scope="row" class="label">${text}</th>
              ${counts.map((count) => html`<td>${grouped(count)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}

function queriesSection(input: ReportInput): Markup[] {
  const cards = new QueryCards(input);
  return DIRECTIONS.flatMap(({ direction, name }) => {
    const queries = input.directions[direction]?.queries;
    const pool = input.evaluation.result.retrieval.find((metrics) => metrics.direction === direction)?.pool;
    if (queries === undefined || pool === undefined) return [];
    const id = `queries-${direction}`;
    return [
      html`<section aria-labelledby="${id}">
        <h2 id="${id}">${name}: best and worst queries</h2>
        <p class="soft">
          Chosen by rank, then by how far the right answer lies before or behind the best other one; one query for each
          clip. The first three answers are shown with their scores, and the right one where it is not among them.
        </p>
        ${cards.section(queries, pool)}
      </section>`,
    ];
  });
}

function measured({ evaluation, directions }: ReportInput): RankedDirection[] {
  return evaluation.result.retrieval.flatMap((metrics) => {
    const ranks = directions[metrics.direction]?.ranks;
    return ranks === undefined ? [] : [{ metrics, ranks }];
  });
}
