import { DatasetInvalidError } from "../../errors.js";
import { addOnce, clipOf, OPEN_PROTOCOL, type CaptionSet, type SetClip } from "./caption-set.js";
import type { DatasetFolder } from "./dataset-folder.js";
import type { RelevanceQuery, RelevanceQuerySet } from "./dataset.js";
import { readTable } from "./tables.js";

const MANIFEST = "manifest.csv";
const CAPTIONS = "captions.csv";
const PARAPHRASES = "paraphrases.csv";

/** Fewer right clips in a split make no query. */
const LEAST_CLIPS = 3;

const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** Whether a folder has a manifest and captions of kinds of sound. */
export async function isLabelledSounds(folder: DatasetFolder): Promise<boolean> {
  return folder.has(CAPTIONS) && (await folder.opening(MANIFEST)).split(",").includes("labels");
}

/**
 * Labelled sounds, measured as the starter pack's model card does: `manifest.csv` (id, file, labels, split; labels are
 * kinds of sound, separated by ";") and `captions.csv` (label, captions; these separated by " | ").
 *
 * A query is a kind with a caption and at least three clips in the split; right are the clips that carry it. It is asked
 * with all its captions, their scores averaged, with each caption alone, and with the phrases that `paraphrases.csv`
 * (kind, paraphrase; several separated by "|") has of it, where that file is in the folder. A kind's captions are not
 * captions of any one clip, so there is no text-to-audio ranking in the ordinary sense.
 *
 * @throws DatasetInvalidError a table is malformed, or an id or a kind is there twice
 */
export async function readLabelledSounds(folder: DatasetFolder): Promise<CaptionSet> {
  const written = await phrasesOf(folder, CAPTIONS, "label", "captions");
  const paraphrases = folder.has(PARAPHRASES) ? await phrasesOf(folder, PARAPHRASES, "kind", "paraphrase") : new Map();
  const ids = new Map<string, true>();
  const splits = new Map<string, { clips: SetClip[]; labels: string[][] }>();
  for (const { line, cells } of await readTable(folder, MANIFEST, ["id", "file", "labels", "split"])) {
    const where = `${MANIFEST}, line ${line}`;
    addOnce(ids, cells.id, true, where);
    for (const column of ["file", "split"] as const) {
      if (cells[column] === "") throw new DatasetInvalidError(`${where}: the clip "${cells.id}" has no ${column}.`);
    }
    const split = splits.get(cells.split) ?? { clips: [], labels: [] };
    const media = [{ name: cells.file, exact: true, startSeconds: null, endSeconds: null }];
    split.clips.push(clipOf({ id: cells.id, media }));
    split.labels.push(parts(cells.labels, ";"));
    splits.set(cells.split, split);
  }
  return {
    title: "labelled-sounds",
    benchmark: null,
    protocol: OPEN_PROTOCOL,
    splits: new Map(
      [...splits].map(([name, { clips, labels }]) => [
        name,
        { clips, notices: [], relevance: querySets(labels, written, paraphrases) },
      ]),
    ),
  };
}

type Phrases = ReadonlyMap<string, readonly string[]>;

async function phrasesOf(folder: DatasetFolder, file: string, key: string, value: string): Promise<Phrases> {
  const found = new Map<string, string[]>();
  for (const { line, cells } of await readTable(folder, file, [key, value])) {
    const [kind, texts] = [cells[key]!, parts(cells[value]!, "|")];
    const where = `${file}, line ${line}`;
    if (kind === "") throw new DatasetInvalidError(`${where}: the captions have no ${key}.`);
    if (found.has(kind)) throw new DatasetInvalidError(`${where}: "${kind}" is there already; a kind stands once.`);
    if (texts.length > 0) found.set(kind, texts);
  }
  return found;
}

function parts(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function querySets(labels: readonly string[][], written: Phrases, paraphrases: Phrases): RelevanceQuerySet[] {
  const clipsOf = new Map<string, number[]>();
  labels.forEach((carried, clip) => {
    for (const kind of new Set(carried)) {
      if (!clipsOf.has(kind)) clipsOf.set(kind, []);
      clipsOf.get(kind)!.push(clip);
    }
  });
  const kinds = [...clipsOf.keys()]
    .filter((kind) => clipsOf.get(kind)!.length >= LEAST_CLIPS && written.has(kind))
    .sort();
  const set = (name: string, textsOf: (kind: string) => readonly string[]): RelevanceQuerySet => ({
    name,
    queries: kinds
      .map((kind): RelevanceQuery => ({ name: kind, texts: textsOf(kind), relevant: clipsOf.get(kind)! }))
      .filter(({ texts }) => texts.length > 0),
  });
  const counts = kinds.map((kind) => written.get(kind)!.length);
  const most = Math.max(0, ...counts);
  const how = counts.every((count) => count === most) ? (NUMBERS[most] ?? String(most)) : "all";
  return [
    ...(most > 1 ? [set(`${how} captions, scores averaged`, (kind) => written.get(kind)!)] : []),
    ...Array.from({ length: most }, (_, n) => set(`caption ${n + 1}`, (kind) => written.get(kind)!.slice(n, n + 1))),
    set("held-out paraphrases", (kind) => paraphrases.get(kind) ?? []),
  ].filter(({ queries }) => queries.length > 0);
}
