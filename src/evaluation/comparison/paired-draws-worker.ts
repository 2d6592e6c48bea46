/** The thread that draws the confidence intervals of a comparison. */
import { serveRequests } from "../../models/worker-thread.js";
import { pairedDifferences } from "../metrics/retrieval-metrics.js";

/** Ranks of two runs for the same queries. */
export interface PairedRanks {
  /** Of the run, counted from 0. */
  own: Float64Array;
  /** Of the run it is compared with, counted from 0. */
  baseline: Float64Array;
  /** Number of the clip that each query belongs to. */
  clipOfQuery: Uint32Array;
  seed: number;
}

serveRequests((request) => {
  const pair = request as PairedRanks;
  return Promise.resolve({ result: pairedDifferences(pair.own, pair.baseline, pair) });
});
