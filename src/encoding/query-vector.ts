import type { EncodedQuery } from "./types.js";

/**
 * The flat query vector for segments of one availability pattern:
 *
 *     concat_e(w_e p_e T_e) / sum_e w_e p_e
 *
 * Its inner product with a segment's flat vector of that pattern is the model's score, missing experts
 * included (Oncescu et al. 2021, section 3; bit e of `pattern` is p_e).
 *
 * All zeros when the pattern holds no expert with weight.
 */
export function queryVector(query: Pick<EncodedQuery, "embeddings" | "weights">, pattern: number): Float32Array {
  const width = query.embeddings.reduce((sum, embedding) => sum + embedding.length, 0);
  const vector = new Float32Array(width);
  const available = (expert: number) => ((pattern >>> expert) & 1) === 1;
  let total = 0;
  query.weights.forEach((weight, expert) => {
    if (available(expert)) total += weight;
  });
  if (total === 0) return vector;
  let offset = 0;
  query.embeddings.forEach((embedding, expert) => {
    if (available(expert)) {
      const scale = query.weights[expert]! / total;
      for (let i = 0; i < embedding.length; i++) vector[offset + i] = scale * embedding[i]!;
    }
    offset += embedding.length;
  });
  return vector;
}
