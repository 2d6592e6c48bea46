import { z } from "zod";
import type { ClipScoring, EvaluationOrder } from "../catalog/index.js";
import { InvalidEvaluationInputError } from "../errors.js";
import type { EvaluationInput } from "./input.js";

/** Where the clips come from, as it was given. */
type GivenSource = { kind: "features" | "media"; path: string } | { kind: "index" };

/** An input whose fields are well-formed and go together, with the defaults; its paths are as they were given. */
export interface CheckedFields extends Omit<EvaluationOrder, "source" | "packPath" | "experts"> {
  source: GivenSource;
  captions: string | null;
  modelPack: string | null;
  experts: string[] | null;
}

const text = (longest: number) =>
  z.string().trim().min(1, "must not be empty").max(longest, `must not exceed ${longest} characters`);
const folder = z.string().min(1, "must not be empty").max(4096, "must not exceed 4096 characters");
const listOf = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .min(1, "must not be empty: leave it out for all")
    .refine((items) => new Set(items).size === items.length, "must not name one twice");

/** The largest integer of GraphQL. */
const MAX_SEED = 2 ** 31 - 1;

const schema = z.strictObject({
  dataset: z.enum(
    ["AUDIOCAPS", "CLOTHO", "ACTIVITYNET_CAPTIONS", "QUERYD", "QUERYD_SEGMENTS", "SOUNDDESCS", "CUSTOM"],
    "is not a benchmark that is known",
  ),
  split: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, "may hold up to 100 letters, digits, dots, hyphens and underscores")
    .nullish(),
  source: z.strictObject({ features: folder.nullish(), media: folder.nullish(), index: z.boolean().nullish() }),
  captions: folder.nullish(),
  modelPack: folder.nullish(),
  experts: listOf(text(100)).nullish(),
  directions: listOf(z.enum(["T2A", "A2T"], "is neither T2A nor A2T")).nullish(),
  clipScoring: z.enum(["BEST_SEGMENT", "WHOLE_CLIP"], "is neither BEST_SEGMENT nor WHOLE_CLIP").nullish(),
  seed: z
    .int("must be a whole number")
    .min(0, "must not be negative")
    .max(MAX_SEED, `must not exceed ${MAX_SEED}`)
    .nullish(),
  series: text(200).nullish(),
  notes: z.string().max(10_000, "must not exceed 10000 characters").nullish(),
});

/** How the clips of each source may be scored, the default first. */
const scorings: Readonly<Record<GivenSource["kind"], readonly [ClipScoring, ...ClipScoring[]]>> = {
  features: ["WHOLE_CLIP"],
  media: ["BEST_SEGMENT", "WHOLE_CLIP"],
  index: ["BEST_SEGMENT"],
};

/**
 * Checks the fields of an input, each by itself and together, and completes them with the defaults.
 *
 * @throws InvalidEvaluationInputError naming the field
 */
export function checkFields(input: EvaluationInput): CheckedFields {
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.filter((part) => typeof part === "string").join(".") ?? "";
    throw refused(`"${field || "input"}" ${issue?.message ?? "is not valid"}.`, field || "input");
  }
  const { dataset, split, captions, modelPack, experts, directions, seed, series, notes } = parsed.data;
  const source = givenSource(parsed.data.source);
  const [usual, ...others] = scorings[source.kind];
  const clipScoring = parsed.data.clipScoring ?? usual;
  if (clipScoring !== usual && !others.includes(clipScoring)) {
    throw refused(`Clips from ${nounOf[source.kind]} can only be scored as ${usual}.`, "clipScoring");
  }
  return {
    dataset,
    split: split ?? "test",
    source,
    captions: captions ?? null,
    modelPack: modelPack ?? null,
    experts: experts ?? null,
    directions: (["T2A", "A2T"] as const).filter((direction) => directions?.includes(direction) ?? true),
    clipScoring,
    seed: seed ?? 0,
    series: series ?? null,
    notes: notes ?? null,
  };
}

const nounOf = { features: "features", media: "media", index: "the index" } as const;

function givenSource({ features, media, index }: z.output<typeof schema>["source"]): GivenSource {
  const given: GivenSource[] = [];
  if (typeof features === "string") given.push({ kind: "features", path: features });
  if (typeof media === "string") given.push({ kind: "media", path: media });
  if (index === true) given.push({ kind: "index" });
  const [only, ...more] = given;
  if (only !== undefined && more.length === 0) return only;
  throw refused('Give exactly one of "features", "media" and "index: true" as the source.', "source");
}

function refused(message: string, field: string): InvalidEvaluationInputError {
  return new InvalidEvaluationInputError(message, { field });
}
