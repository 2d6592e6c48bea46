import type { Catalog } from "../../catalog/index.js";
import type { Logger, ResolvedOptions } from "../../config/index.js";
import type { Encoder } from "../../encoding/index.js";
import type { InferencePool, ModelPack, PackManifest } from "../../models/index.js";
import type { VectorIndex } from "../../vectors/index.js";
import type { Span } from "../metrics/moment-metrics.js";

/** A model pack that is open. */
export interface OpenPack {
  pack: ModelPack;
  inference: InferencePool;
  /** Made of all experts. */
  encoder: Encoder;
}

/**
 * Finds the moments of one clip for one query, best first, as a search does.
 *
 * @param segments numbers and scores of all of the clip's segments, in order of time
 * @param durationSeconds length of the clip; null when unknown
 * @param limit the most moments to return
 */
export type MomentFinder = (
  segments: { ordinals: Uint32Array; scores: Float32Array },
  durationSeconds: number | null,
  limit: number,
) => Span[];

/** What the work on evaluations needs. */
export interface RunParts {
  catalog: Catalog;
  vectors: VectorIndex;
  /** The pack in use. */
  inUse: OpenPack;
  options: ResolvedOptions;
  logger: Logger;
  /** Makes the finder of moments for clips that were cut as a pack says. */
  momentFinder: (manifest: PackManifest) => MomentFinder;
}
