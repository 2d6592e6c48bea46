/** The flags of `earshot evaluate`, and what they ask for. */
import path from "node:path";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { BenchmarkName, ClipScoring, RetrievalDirection } from "../catalog/index.js";
import { InvalidEvaluationInputError } from "../errors.js";
import { PAPER_TABLE_NAMES, type PaperTable } from "../evaluation/comparison/index.js";
import type { EvaluationInput } from "../evaluation/index.js";
import { localId } from "../graphql/ids.js";

const DATASETS: readonly BenchmarkName[] = [
  ...(["AUDIOCAPS", "CLOTHO", "ACTIVITYNET_CAPTIONS", "QUERYD", "QUERYD_SEGMENTS", "SOUNDDESCS", "CUSTOM"] as const),
];

/** What an evaluation is set beside. */
export type Beside = { paper: PaperTable } | { run: string };

/** Options of `earshot evaluate`. */
export interface EvaluateFlags {
  dataset: BenchmarkName;
  split?: string;
  features?: string;
  media?: string;
  index?: boolean;
  captions?: string;
  pack?: string;
  experts?: string[];
  directions?: RetrievalDirection[];
  clipScoring?: ClipScoring;
  seed?: number;
  series?: string;
  notes?: string;
  against: Beside[];
  json?: boolean;
  html?: string;
  run?: string;
}

/** Flags that say what to evaluate: they make no sense with an evaluation that there is already. */
const ORDER_FLAGS = [
  ...[
    "dataset",
    "split",
    "features",
    "media",
    "index",
    "captions",
    "pack",
    "experts",
    "directions",
    "clipScoring",
    "seed",
  ],
  ...["series", "notes"],
];

/** Adds the flags to the command. */
export function withEvaluateFlags(command: Command, wholeNumber: (text: string) => number): Command {
  return command
    .addOption(
      new Option("--dataset <name>", `benchmark whose protocol counts: ${DATASETS.map(typed).join(", ")}`)
        .argParser(oneOf(DATASETS))
        .default("CUSTOM" satisfies BenchmarkName, "custom"),
    )
    .option("--split <name>", "split of the data set (default test)")
    .addOption(new Option("--features <folder>", "evaluate on features").conflicts(["media", "index"]))
    .addOption(new Option("--media <folder>", "evaluate on media files").conflicts("index"))
    .option("--index", "evaluate on the indexed videos, as a search scores them")
    .option("--captions <path>", "folder or file of the captions (default the folder of features or media)")
    .option("--pack <folder>", "model pack to evaluate (default the one in use)")
    .option("--experts <names>", "the experts that take part, with commas between (default all)", list)
    .option("--directions <names>", "t2a, a2t (default both)", directions)
    .addOption(
      new Option("--clip-scoring <way>", "best-segment or whole-clip").argParser(
        oneOf<ClipScoring>(["BEST_SEGMENT", "WHOLE_CLIP"]),
      ),
    )
    .option("--seed <number>", "of the confidence intervals; tells the runs of a series apart (default 0)", wholeNumber)
    .option("--series <name>", "name that the runs of one model, trained from several seeds, share")
    .option("--notes <text>", "what to remember about the run")
    .addOption(
      new Option(
        "--against <paper:table1..4 | id>",
        "set a table of the paper, or another evaluation, beside it; may be repeated",
      )
        .argParser((text: string, earlier: Beside[]) => [...earlier, beside(text)])
        .default([], "nothing"),
    )
    .option("--json", "print JSON")
    .option("--html <file>", "write a report: one page with table, curves, and the best and worst queries")
    .addOption(
      new Option("--run <id>", "show an earlier evaluation instead of running one")
        .argParser(evaluationId)
        .conflicts(ORDER_FLAGS),
    );
}

/**
 * The evaluation that the flags ask for.
 *
 * @throws InvalidEvaluationInputError no flag says where the clips come from
 */
export function evaluationInput(flags: EvaluateFlags): EvaluationInput {
  const { features, media, index, captions, pack } = flags;
  if (features === undefined && media === undefined && index !== true) {
    throw new InvalidEvaluationInputError(
      "Say where the clips come from: --features <folder>, --media <folder> or --index.",
      { field: "source" },
    );
  }
  return {
    dataset: flags.dataset,
    split: flags.split ?? null,
    source: { features: absolute(features), media: absolute(media), index: index ?? null },
    captions: absolute(captions),
    modelPack: absolute(pack),
    experts: flags.experts ?? null,
    directions: flags.directions ?? null,
    clipScoring: flags.clipScoring ?? null,
    seed: flags.seed ?? null,
    series: flags.series ?? null,
    notes: flags.notes ?? null,
  };
}

/** Folders in which all lies that the flags name: a person may evaluate what they can read. */
export function evaluationRoots({ features, media, captions, pack }: EvaluateFlags): string[] {
  const named = [features, media, captions, pack].flatMap((name) => (name === undefined ? [] : [path.resolve(name)]));
  return [...new Set(named.map((name) => path.parse(name).root))];
}

function absolute(name: string | undefined): string | null {
  return name === undefined ? null : path.resolve(name);
}

/** Reads a constant. */
function oneOf<Name extends string>(names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const found = names.find((name) => typed(name) === typed(text));
    if (found === undefined) throw new InvalidArgumentError(`It must be one of ${names.map(typed).join(", ")}.`);
    return found;
  };
}

/** A constant as it is typed, e.g. `queryd-segments`. */
function typed(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function list(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("It must be names with commas between.");
  return names;
}

function directions(text: string): RetrievalDirection[] {
  return list(text).map(oneOf<RetrievalDirection>(["T2A", "A2T"]));
}

function beside(text: string): Beside {
  const table = /^paper:table[ _-]?(\d+)$/i.exec(text)?.[1];
  if (table === undefined && !/^paper\b/i.test(text)) return { run: evaluationId(text) };
  const paper = PAPER_TABLE_NAMES.find((name) => name === `TABLE_${table}`);
  if (paper === undefined) throw new InvalidArgumentError("The paper has paper:table1 to paper:table4.");
  return { paper };
}

/** An id as the command line prints it, or as the API gives it. */
function evaluationId(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  try {
    return localId("Evaluation", text, "it");
  } catch {
    throw new InvalidArgumentError("It must be the id of an evaluation.");
  }
}
