import { createEncoder } from "../../encoding/index.js";
import { createInferencePool, loadModelPack } from "../../models/index.js";
import type { OpenPack, RunParts } from "./parts.js";

/** A pack for the time of one evaluation. */
export interface BorrowedPack extends OpenPack {
  /** Ends what was opened for the evaluation alone. */
  close(): Promise<void>;
}

/**
 * Opens a model pack. The one in use is shared with searches and ingest jobs; another one gets threads of its own.
 *
 * @param folder absolute path; null: the pack in use
 * @throws the errors of model packs and models
 */
export async function openPack(parts: RunParts, folder: string | null): Promise<BorrowedPack> {
  if (folder === null) return { ...parts.inUse, close: () => Promise.resolve() };
  const { options, logger } = parts;
  const pack = await loadModelPack(folder);
  const inference = await createInferencePool(pack, options.inference, logger);
  // Texts of an evaluation are distinct: none is asked for again.
  const encoder = createEncoder(pack, inference, {
    batchSize: options.inference.batchSize,
    silenceThreshold: options.ingest.silenceThreshold,
    queryCacheSize: 1,
  });
  return { pack, inference, encoder, close: () => inference.close() };
}
