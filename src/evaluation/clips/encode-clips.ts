import type { ClipParts, ClipProgress, ClipWork, EncodedClips } from "./types.js";

/**
 * Turns the clips of a data set into vectors, in a folder on disk: memory does not grow with their number. A process that
 * is killed loses no clip that was done; the next run goes on behind it, and ends with the same bytes.
 *
 * Clips without a caption are left out unless the data set has relevance queries, which any clip may answer. Clips whose
 * media cannot be found or read, or in which no expert hears or sees anything, are counted and passed over.
 *
 * @throws FeaturesDoNotFitError, DatasetInvalidError, FfmpegUnavailableError, the errors of inference, and the signal's
 *   reason when aborted
 */
export async function encodeClips(
  parts: ClipParts,
  work: ClipWork,
  onProgress: ClipProgress,
  signal: AbortSignal,
): Promise<EncodedClips> {
  return Promise.reject(
    new Error(`not yet: ${JSON.stringify([parts.pack.id, work.folder, onProgress.length, signal.aborted])}`),
  );
}
