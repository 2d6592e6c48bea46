/** The thread of {@link PairedDraws}. */
import { serveRequests } from "../../models/worker-thread.js";
import { drawDifferences, type PairedRanks } from "./paired-draws.js";

serveRequests((pair) => Promise.resolve({ result: drawDifferences(pair as PairedRanks) }));
