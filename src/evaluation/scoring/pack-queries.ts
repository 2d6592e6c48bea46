import type { EncodedQuery } from "../../encoding/index.js";
import type { QueryVectors } from "./types.js";

/**
 * Puts encoded queries side by side, so that a thread can take them over as two arrays.
 *
 * @param queries null, or without embeddings, where no word is known: such a query scores 0 everywhere
 * @param widths length of each expert's embedding, in manifest order
 * @throws RangeError an embedding has another length
 */
export function packQueries(
  queries: readonly (Pick<EncodedQuery, "embeddings" | "weights"> | null)[],
  widths: readonly number[],
): QueryVectors {
  const dimension = widths.reduce((sum, width) => sum + width, 0);
  const embeddings = new Float32Array(queries.length * dimension);
  const weights = new Float32Array(queries.length * widths.length);
  queries.forEach((query, number) => {
    if (query === null || query.embeddings.length === 0) return;
    if (query.embeddings.length !== widths.length || query.weights.length !== widths.length) {
      throw new RangeError(`a query has ${query.embeddings.length} embeddings, not ${widths.length}`);
    }
    let offset = number * dimension;
    query.embeddings.forEach((embedding, expert) => {
      if (embedding.length !== widths[expert]) {
        throw new RangeError(`an embedding has ${embedding.length} values, not ${widths[expert]}`);
      }
      embeddings.set(embedding, offset);
      offset += embedding.length;
    });
    weights.set(query.weights, number * widths.length);
  });
  return { widths, embeddings, weights };
}
