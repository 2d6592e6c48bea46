import type { Catalog } from "../../catalog/index.js";
import type { Logger, ResolvedOptions } from "../../config/index.js";
import type { PackRuntimes } from "../../encoding/index.js";
import type { LiveIndex } from "../../indexes/index.js";
import type { PackManifest } from "../../models/index.js";
import type { Observe } from "../../telemetry/index.js";
import type { VectorIndex } from "../../vectors/index.js";
import type { Span } from "../metrics/moment-metrics.js";

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
  /** The index in use, with its pack. */
  live: LiveIndex;
  /** The packs that are open. */
  runtimes: PackRuntimes;
  options: ResolvedOptions;
  logger: Logger;
  /** Told of attempts. @default nobody */
  observe?: Observe;
  /** Makes the finder of moments for clips that were cut as a pack says. */
  momentFinder: (manifest: PackManifest) => MomentFinder;
}
