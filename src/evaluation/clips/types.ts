/** What turning a data set's clips into vectors takes and gives. */
import type { ClipScoring, MissingClips } from "../../catalog/index.js";
import type { Logger, ResolvedOptions } from "../../config/index.js";
import type { Encoder } from "../../encoding/index.js";
import type { FfmpegTools } from "../../media/index.js";
import type { InferencePool, ModelPack } from "../../models/index.js";
import type { EvaluationDataset, ResolvedMedia } from "../datasets/index.js";
import type { ClipRows } from "../scoring/index.js";

/** What clips are encoded with. */
export interface ClipParts {
  pack: ModelPack;
  /** Made of the pack with the experts of the {@link ClipWork}, so that no others run. */
  encoder: Encoder;
  /** The pool of the encoder: it tells how many clips are worth working on at once. */
  inference: Pick<InferencePool, "parallelism">;
  options: Pick<ResolvedOptions, "limits" | "audioTrack" | "temporaryDirectory" | "ingest">;
  logger: Logger;
}

/** Where the clips of a data set come from. */
export type ClipSource =
  /** The features of the data set. */
  | { kind: "features" }
  /**
   * Media files: one for each clip of the data set, as `resolveMedia` finds them; null where there is none. The
   * fingerprint tells what is in them: it is another one when a file has changed.
   */
  | { kind: "media"; media: readonly (ResolvedMedia | null)[]; fingerprint: string; tools: FfmpegTools };

/** What is to be encoded. */
export interface ClipWork {
  dataset: EvaluationDataset;
  source: ClipSource;
  /** WHOLE_CLIP for features. */
  scoring: ClipScoring;
  /** Names of the experts that take part; null: all of the pack. */
  experts: readonly string[] | null;
  /**
   * Folder of the vectors, made when it is missing. What an earlier run left there is gone on with, if it was made of
   * the same pack, data set, media, experts and settings; otherwise it is thrown away.
   */
  folder: string;
}

/** Told how far the work has come: clips that are done, those which cannot take part included, of all clips. */
export type ClipProgress = (done: number, clips: number) => void;

/** The clips after the models. */
export interface EncodedClips {
  /** The vectors, in the order of the clips and of time; `clipOfRow` counts in `pool`. */
  rows: ClipRows;
  /** The clips that can be ranked: their places in the data set's `clips`, in order. */
  pool: Uint32Array;
  /** First and last second of each row in its clip, [rows, 2]; null unless the rows are segments. */
  times: Float64Array | null;
  /** Number of each row's segment in its clip, from 0; silent ones leave gaps. Null unless the rows are segments. */
  ordinals: Uint32Array | null;
  missing: MissingClips;
  /** Seconds of media that this run has encoded, without those of earlier ones; null unless the source is media. */
  mediaSeconds: number | null;
}
