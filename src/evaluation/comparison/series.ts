import type { RetrievalMetrics } from "../../catalog/index.js";
import type { RetrievalFigures } from "../metrics/retrieval-metrics.js";
import { overSeeds } from "../metrics/seeds.js";
import type { ComparedSeries, CompletedEvaluation, SeriesMetrics } from "./types.js";

/**
 * The series among some runs. A name belongs to one series for each data set and split, for there is no mean over
 * several; a seed counts once, by its first run.
 */
export function seriesOf(runs: readonly CompletedEvaluation[]): {
  series: ComparedSeries[];
  /** Runs that were left out, for a seed that their series had already. */
  repeated: CompletedEvaluation[];
} {
  const groups = new Map<string, CompletedEvaluation[]>();
  const repeated: CompletedEvaluation[] = [];
  for (const run of runs) {
    const { series, dataset, split, seed } = run.order;
    if (series === null) continue;
    const key = JSON.stringify([series, dataset, split]);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    if (group.some(({ order }) => order.seed === seed)) repeated.push(run);
    else group.push(run);
  }
  const series = [...groups.values()].map((group) => ({
    name: group[0]!.order.series!,
    runs: group,
    metrics: seriesMetrics(group),
  }));
  return { series, repeated };
}

/** Mean and deviations for each direction that all runs have. */
function seriesMetrics(runs: readonly CompletedEvaluation[]): SeriesMetrics[] {
  return runs[0]!.result.retrieval.flatMap(({ direction }) => {
    const metrics = runs.flatMap(({ result }) => result.retrieval.filter((other) => other.direction === direction));
    if (metrics.length < runs.length) return [];
    const pools = new Set(metrics.map(({ pool }) => pool));
    return { direction, pool: pools.size === 1 ? metrics[0]!.pool : null, figures: summaries(metrics) };
  });
}

function summaries(metrics: readonly RetrievalMetrics[]): SeriesMetrics["figures"] {
  const { direction: _, queries: __, pool: ___, ...figures } = metrics[0]!;
  const names = Object.keys(figures) as (keyof RetrievalFigures)[];
  const summary = (name: keyof RetrievalFigures) => overSeeds(metrics.map((of) => of[name].value));
  return Object.fromEntries(names.map((name) => [name, summary(name)])) as SeriesMetrics["figures"];
}
