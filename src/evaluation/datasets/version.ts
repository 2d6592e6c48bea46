import { createHash } from "node:crypto";
import type { EvaluationDataset } from "./dataset.js";

/** Bytes of text that are hashed at once. */
const BLOCK = 1 << 16;

/**
 * SHA-256 over all of an opened split that decides its figures: its clips with their captions and the names of their
 * media, its protocol, its queries, and the features and word vectors of its clips. Neither the folder, nor the format of
 * the arrays, nor the clips of other splits, nor the media themselves count, so that the same data has the same version
 * wherever it lies.
 *
 * Reads the features once: of a test split that is a second or two, and it is proof where sizes and dates are none.
 *
 * @throws DatasetInvalidError a number is NaN or infinite, or a file is cut short
 */
export async function versionOf(
  dataset: Omit<EvaluationDataset, "version" | "title" | "notices" | "close">,
  signal?: AbortSignal,
): Promise<string> {
  const { benchmark, split, protocol, clips, features, words, relevance, moments } = dataset;
  const hash = createHash("sha256");
  let text = "";
  const add = (value: unknown) => {
    text += `${JSON.stringify(value)}\n`;
    if (text.length >= BLOCK) flush();
  };
  const flush = () => {
    hash.update(text);
    text = "";
  };
  const addFloats = (floats: Float32Array | null) => {
    add(floats?.length ?? null);
    flush();
    if (floats !== null) hash.update(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
  };

  add([benchmark, split, protocol.textTokens, protocol.fuseCaptions, protocol.captionsPerClip]);
  add(Object.entries(protocol.maxTokens).sort());
  for (const { id, captions, media } of clips) {
    add([
      id,
      captions,
      media.map(({ name, exact, startSeconds, endSeconds }) => [name, exact, startSeconds, endSeconds]),
    ]);
  }
  for (const { name, queries } of relevance)
    add([name, queries.map((query) => [query.name, query.texts, query.relevant])]);
  for (const { clip, text: query, truths } of moments) {
    add([clip, query, truths.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds])]);
  }
  for (const [name, expert] of Object.entries(features ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    add([name, expert.aggregation, expert.dim]);
    for (const { row } of clips) {
      signal?.throwIfAborted();
      addFloats(await expert.read(row));
    }
  }
  if (words !== null) {
    add(["words", words.dim]);
    for (const { row, captions } of clips) {
      signal?.throwIfAborted();
      for (const caption of captions.keys()) addFloats(await words.read(row, caption));
    }
  }
  flush();
  return hash.digest("hex");
}
