import type { BenchmarkName, ClipScoring, RetrievalDirection } from "../catalog/index.js";

/** Where the clips of an evaluation come from: exactly one field is given. Paths lie inside an evaluation root. */
export interface EvaluationSourceInput {
  /** Folder of the neutral layout, or of a published feature archive, whose features are the clips. */
  features?: string | null;
  /** Folder of the media files. */
  media?: string | null;
  /** True: the tenant's indexed videos are the clips, scored as a search scores them. */
  index?: boolean | null;
}

/** What is to be evaluated. Null and undefined both mean: not given. */
export interface EvaluationInput {
  dataset: BenchmarkName;
  /** @default "test" */
  split?: string | null;
  source: EvaluationSourceInput;
  /** Folder or file of the captions. @default the folder of the features or the media; needed for the index */
  captions?: string | null;
  /** Folder of a model pack inside an evaluation root, or id or folder name of the pack in use. @default the pack in use */
  modelPack?: string | null;
  /** The experts that take part. @default all of the pack; the only choice for the index */
  experts?: readonly string[] | null;
  /** @default both */
  directions?: readonly RetrievalDirection[] | null;
  /** @default WHOLE_CLIP for features (the only choice there), BEST_SEGMENT for media and the index (there the only one) */
  clipScoring?: ClipScoring | null;
  /** Of the bootstrap; a whole number from 0. @default 0 */
  seed?: number | null;
  /** Name that the runs of one model, trained from several seeds, share. At most 200 characters. */
  series?: string | null;
  /** At most 10,000 characters. */
  notes?: string | null;
}
