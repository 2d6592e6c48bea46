/** The parts of a report that are words and tables. */
import type { CompletedEvaluation } from "../comparison/index.js";
import type { ComparedRuns } from "./compared-runs.js";
import { duration, missingCount, MISSING_REASONS, poolSentence, scoringWords } from "./facts.js";
import { html, type Markup } from "./markup.js";
import { runRow } from "./metric-rows.js";
import { metricsTable, resultTable } from "./metric-tables.js";
import { grouped } from "./numbers.js";
import { differencesTable, momentsTable, relevanceTable } from "./result-tables.js";

/** Characters of a hash that tell it apart for a reader. */
const SHOWN_HASH = 16;

/** What was measured with what. */
export function factsList({ order, result, ...evaluation }: CompletedEvaluation): Markup {
  const facts: [name: string, text: string | null, mark?: "mark"][] = [
    ["Clips", poolSentence(result)],
    ["Clips come from", scoringWords({ order })],
    ["Experts", result.experts.join(", ")],
    ["Model pack", evaluation.packId],
    ["Data set", evaluation.datasetTitle],
    ["Series", order.series],
    ["Seed", String(order.seed)],
    [
      "Finished",
      evaluation.finishedAt === null
        ? null
        : `${evaluation.finishedAt.toISOString().slice(0, 16).replace("T", " ")} UTC`,
    ],
    ["Data set version", evaluation.datasetVersion?.slice(0, SHOWN_HASH) ?? null, "mark"],
    ["Provenance", evaluation.provenanceHash?.slice(0, SHOWN_HASH) ?? null, "mark"],
    ["Evaluation", evaluation.id, "mark"],
  ];
  return html`<dl class="facts">
    ${facts.map(([name, text, mark]) =>
      text === null
        ? null
        : html`<div>
            <dt>${name}</dt>
            <dd class="${mark}">${text}</dd>
          </div>`,
    )}
  </dl>`;
}

/** What is worth knowing about the figures. */
export function noticeList({ result }: CompletedEvaluation, compared: ComparedRuns | null): Markup | null {
  const messages = [...result.notices.map(({ message }) => message), ...(compared?.warnings ?? [])];
  return messages.length === 0
    ? null
    : html`<ul class="notices" aria-label="Notices">
        ${messages.map((message) => html`<li>${message}</li>`)}
      </ul>`;
}

/** The paper's table, with what the run is set beside. */
export function metricsSection(evaluation: CompletedEvaluation, compared: ComparedRuns | null): Markup | null {
  const { retrieval } = evaluation.result;
  // A data set can have queries with several right clips alone.
  if (retrieval.length === 0) return null;
  const rows = [runRow(evaluation, "This run"), ...(compared?.rows ?? [])];
  const hasDeviations = rows.some(({ kind }) => kind !== "run");
  return html`<section aria-labelledby="metrics">
    <h2 id="metrics">Retrieval</h2>
    <p class="soft">
      R@k: percentage of the queries whose right answer is among the first k. MdR, MnR: median and mean rank, from 1.
      Geom: cube root of R@1 · R@5 · R@10. Below each figure its bootstrap 95 % confidence interval over the
      clips${hasDeviations ? ", or ± the population standard deviation over several seeds (the sample one in brackets)" : ""}.
    </p>
    ${metricsTable(
      rows,
      retrieval.map(({ direction }) => direction),
    )}
  </section>`;
}

/** How the run differs from others, query by query. */
export function differencesSection(compared: ComparedRuns | null): Markup | null {
  const table = differencesTable(compared);
  return table === null
    ? null
    : html`<section aria-labelledby="differences">
        <h2 id="differences">Differences to other runs</h2>
        <p class="soft">
          Over the queries that both runs have, with the 95 % interval of the paired bootstrap. A figure with an
          asterisk is one whose interval does not hold 0.
        </p>
        ${resultTable(table)}
      </section>`;
}

/** Figures of queries with several right clips. */
export function relevanceSection({ result }: CompletedEvaluation): Markup | null {
  const table = relevanceTable(result);
  return table === null
    ? null
    : html`<section aria-labelledby="relevance">
        <h2 id="relevance">Queries with several right clips</h2>
        ${resultTable(table)}
      </section>`;
}

/** Figures of moments inside the clips. */
export function momentsSection({ result }: CompletedEvaluation): Markup | null {
  const table = momentsTable(result);
  return table === null
    ? null
    : html`<section aria-labelledby="moments">
        <h2 id="moments">Moments inside the right clip</h2>
        <p class="soft">
          R1@x: percentage of the queries whose first moment overlaps a true one by x of their union. mAP: average
          precision, mean over overlaps from 0.5 to 0.95.
        </p>
        ${resultTable(table)}
      </section>`;
}

/** Which clips could not take part. */
export function missingSection({ result: { missing, clips } }: CompletedEvaluation): Markup {
  const reasons = MISSING_REASONS.filter(({ key }) => missing[key] > 0);
  return html`<section aria-labelledby="missing">
    <h2 id="missing">Missing clips</h2>
    ${
      missingCount(missing) === 0
        ? html`<p class="soft">None: all ${grouped(clips)} clips of the split were ranked.</p>`
        : html`<p>${grouped(missingCount(missing))} of the ${grouped(clips)} clips of the split are not in the pool:</p>
            <ul>
              ${reasons.map(({ key, words }) => html`<li>${grouped(missing[key])} ${words}</li>`)}
            </ul>
            <details>
              <summary>Examples</summary>
              <ul>
                ${missing.examples.map(({ clip, reason }) => html`<li><bdi>${clip}</bdi>: ${reason}</li>`)}
              </ul>
            </details>`
    }
  </section>`;
}

/** Notes, timings, and who wrote the page. */
export function footer({ order, result: { timings } }: CompletedEvaluation, version: string): Markup {
  const parts = [
    `preparing ${duration(timings.preparingSeconds)}`,
    `clips ${duration(timings.encodingClipsSeconds)}`,
    `captions ${duration(timings.encodingCaptionsSeconds)}`,
    `scores and metrics ${duration(timings.scoringSeconds)}`,
  ];
  const media = timings.mediaSeconds === null ? "" : `; ${duration(timings.mediaSeconds)} of media`;
  return html`<footer>
    ${order.notes === null ? null : html`<p>Notes: ${order.notes}</p>`}
    <p>Time: ${parts.join(", ")}${media}.</p>
    <p>Written by Earshot ${version}. The page needs no network: all it shows is inside this file.</p>
  </footer>`;
}
