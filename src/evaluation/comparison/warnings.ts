import type {
  ComparedPaperRow,
  ComparedRun,
  ComparisonWarning,
  ComparisonWarningCode,
  CompletedEvaluation,
} from "./types.js";

/** What the runs of a comparison should have in common, and what to bear in mind where they do not. */
const COMMON: readonly {
  code: ComparisonWarningCode;
  of: (run: CompletedEvaluation) => string | number;
  what: string;
  advice: string;
}[] = [
  {
    code: "DATASETS_DIFFER",
    // One's own data sets share a name of benchmark: their titles tell them apart.
    of: ({ order, datasetTitle }) => (order.dataset === "CUSTOM" ? `CUSTOM "${datasetTitle}"` : order.dataset),
    what: "data sets",
    advice: "Their figures do not measure the same thing.",
  },
  {
    code: "SPLITS_DIFFER",
    of: ({ order }) => order.split,
    what: "splits",
    advice: "Their figures do not measure the same thing.",
  },
  {
    code: "POOLS_DIFFER",
    of: ({ result }) => result.pool,
    what: "numbers of clips in the pool",
    advice: "The more clips there are to choose from, the lower the figures, differences included.",
  },
  {
    code: "CLIP_SCORING_DIFFERS",
    of: ({ order }) => order.clipScoring,
    what: "ways of scoring a clip",
    advice: "A clip that scores as its best segment has more chances than one that is scored as a whole.",
  },
];

/** The runs among which something differs that makes their figures less comparable. */
export function runWarnings(runs: readonly CompletedEvaluation[]): ComparisonWarning[] {
  const warnings = COMMON.flatMap(({ code, of, what, advice }) => {
    const found = [...new Set(runs.map(of))];
    return found.length < 2
      ? []
      : [{ code, message: `The runs have different ${what}: ${found.join(", ")}. ${advice}` }];
  });
  return [...warnings, ...versionWarnings(runs)];
}

/** Versions are hashes: what counts is whether two runs of one data set and split read the same. */
function versionWarnings(runs: readonly CompletedEvaluation[]): ComparisonWarning[] {
  const versions = new Map<string, Set<string | null>>();
  for (const { order, datasetVersion } of runs) {
    const key = JSON.stringify([order.dataset, order.split]);
    versions.set(key, (versions.get(key) ?? new Set()).add(datasetVersion));
  }
  if ([...versions.values()].every(({ size }) => size === 1)) return [];
  const message =
    "Runs of one data set have read different versions of it: captions, lists of clips or features are not the same.";
  return [{ code: "DATASET_VERSIONS_DIFFER", message }];
}

/** Runs that do not have the same queries as the first one. */
export function queryWarnings(runs: readonly ComparedRun[]): ComparisonWarning[] {
  const first = runs[0]!.evaluation.result.retrieval;
  return runs.slice(1).flatMap(({ evaluation, differences }, place) =>
    evaluation.result.retrieval.flatMap(({ direction, queries }) => {
      const others = first.find((metrics) => metrics.direction === direction)?.queries;
      if (others === undefined) return [];
      const common = differences.find((of) => of.direction === direction)?.queries ?? 0;
      if (common === queries && common === others) return [];
      const message =
        common === 0
          ? `Run ${place + 2} and the first run have no query in common (${direction}): there is no paired difference.`
          : `Run ${place + 2} has ${queries} queries, the first run ${others} (${direction}): the difference is that over the ${common} which both have.`;
      return [{ code: "QUERIES_DIFFER" as const, message }];
    }),
  );
}

/** Runs whose seed their series had already. */
export function seedWarnings(repeated: readonly CompletedEvaluation[]): ComparisonWarning[] {
  return repeated.map(({ order: { series, seed } }) => ({
    code: "SEED_REPEATED",
    message: `The series "${series}" has more than one run of seed ${seed}: the first of them counts.`,
  }));
}

/** Rows of the paper that ranked another number of clips, or a table that no run belongs to. */
export function paperWarnings(rows: readonly ComparedPaperRow[]): ComparisonWarning[] {
  const matches = rows.flatMap(({ row, matches }) => matches.map((match) => ({ row, match })));
  if (matches.length === 0) {
    const message =
      "No run has the data set, experts and model of a row of this table: its figures stand for themselves.";
    return [{ code: "PAPER_ROW_NOT_FOUND", message }];
  }
  const messages = matches.flatMap(({ row, match: { evaluation } }) =>
    evaluation === null || evaluation.result.pool === row.pool
      ? []
      : [
          `A run ranked ${evaluation.result.pool} clips, the paper ${row.pool} (${row.label}). The more clips there are to choose from, the lower the figures.`,
        ],
  );
  return [...new Set(messages)].map((message) => ({ code: "PAPER_POOL_DIFFERS", message }));
}
