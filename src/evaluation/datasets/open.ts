import type { BenchmarkName } from "../../catalog/index.js";
import { DatasetNotFoundError } from "../../errors.js";
import type { EvaluationDataset } from "./dataset.js";

/** Which data set is wanted. Paths are absolute; whether they may be read is checked before. */
export interface DatasetRequest {
  benchmark: BenchmarkName;
  /** Folder or file of the captions: the neutral layout, or one of the raw formats. */
  captions: string;
  /** Folder of features in the neutral layout, which may be that of the captions; null: none are wanted. */
  features?: string | null;
  /** Name of the split; default "test". */
  split?: string;
}

/** What lies in a folder, without the clips themselves. */
export interface DatasetSummary {
  /** The data set's own name. */
  title: string;
  /** Its splits, with the clips each one lists. */
  splits: readonly { name: string; clips: number }[];
}

/**
 * Says what data set lies in a folder, and checks that it goes with the benchmark. Reads captions and lists, no features.
 *
 * @throws DatasetNotFoundError nothing of a known layout is there, or it is another benchmark's
 * @throws DatasetInvalidError a file is malformed
 */
export async function describeDataset(request: Omit<DatasetRequest, "split">): Promise<DatasetSummary> {
  return Promise.reject(new DatasetNotFoundError(`no reader yet of ${request.benchmark}`));
}

/**
 * Opens one split of a data set. Features are read later, row by row.
 *
 * @throws DatasetNotFoundError nothing of a known layout is there, or it is another benchmark's
 * @throws DatasetInvalidError a file is malformed
 * @throws DatasetSplitNotFoundError there is no such split: the message names those there are
 * @throws DatasetEmptyError the split has no clips, or none with a caption
 */
export async function openDataset(request: DatasetRequest, signal?: AbortSignal): Promise<EvaluationDataset> {
  signal?.throwIfAborted();
  return Promise.reject(new DatasetNotFoundError(`no reader yet of ${request.benchmark}`));
}
