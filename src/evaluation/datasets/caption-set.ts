/** What the files of a data set say, before one split of it is taken: what each reader gives. */
import type { BenchmarkName, EvaluationNotice } from "../../catalog/index.js";
import { DatasetInvalidError } from "../../errors.js";
import type { DatasetClip, RelevanceQuerySet } from "./dataset.js";
import type { TimedText } from "./moments.js";

/** How a data set is fed to a model; see `Protocol`, which is that of one split. */
export interface SetProtocol {
  textTokens: number | null;
  maxTokens: Readonly<Record<string, number>>;
  fuseCaptions: boolean;
  /** Captions of a clip that are queries, the first ones; null: as many as there are. */
  validationCaptions: number | null;
  testCaptions: number | null;
}

/** A data set that no protocol is known of: all captions are queries, nothing is cut. */
export const OPEN_PROTOCOL: SetProtocol = {
  textTokens: null,
  maxTokens: {},
  fuseCaptions: false,
  validationCaptions: null,
  testCaptions: null,
};

/** A clip, with the times of its captions where they are known. */
export interface SetClip extends DatasetClip {
  moments: readonly TimedText[];
}

/** The clips of one split. */
export interface CaptionSplit {
  clips: readonly SetClip[];
  notices: readonly EvaluationNotice[];
  relevance: readonly RelevanceQuerySet[];
}

/** A data set's captions and splits. */
export interface CaptionSet {
  /** The data set's own name. */
  title: string;
  /** The benchmark that it is; null: none. */
  benchmark: BenchmarkName | null;
  protocol: SetProtocol;
  splits: ReadonlyMap<string, CaptionSplit>;
  /** Splits that others have and this one lacks, and what is to be done. */
  lacking?: ReadonlyMap<string, string>;
}

/** A clip without features. */
export function clipOf(
  fields: Pick<SetClip, "id"> & Partial<Pick<SetClip, "captions" | "media" | "moments">>,
): SetClip {
  return { captions: [], media: [], row: -1, moments: [], ...fields };
}

/** A split of which there is nothing to say but its clips. */
export function splitOf(clips: readonly SetClip[]): CaptionSplit {
  return { clips, notices: [], relevance: [] };
}

/**
 * Remembers ids, and refuses the second of two that are equal.
 *
 * @param where Says where the id stands, e.g. "clips.jsonl, line 4"
 * @throws DatasetInvalidError
 */
export function addOnce<Value>(seen: Map<string, Value>, id: string, value: Value, where: string): void {
  if (id === "") throw new DatasetInvalidError(`${where}: the clip has no id.`);
  if (seen.has(id)) throw new DatasetInvalidError(`${where}: the clip "${id}" is there already; an id stands once.`);
  seen.set(id, value);
}

/** The first of some ids, for a message. */
export function some(ids: readonly string[]): string {
  return ids.slice(0, 3).join(", ") + (ids.length > 3 ? ", ..." : "");
}
