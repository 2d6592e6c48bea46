/**
 * Scores one evaluation with what ships, as the run of an evaluation does after its clips and captions were encoded:
 * `node score-once.mjs <clips> <captions> <count> <dimension> <threads>`. Both files hold vectors, the caption in row i
 * belongs to the clip in row i. Prints how many seconds it took, and the metrics.
 */
import { readFile } from "node:fs/promises";
import { scoreEvaluation } from "../dist/evaluation/scoring/index.js";

const [clipFile, captionFile, ...numbers] = process.argv.slice(2);
const [count, dimension, threads] = numbers.map(Number);
const { buffer, byteOffset } = await readFile(captionFile);
const places = Uint32Array.from({ length: count }, (_, place) => place);
const request = {
  clips: count,
  source: {
    kind: "rows",
    rows: { file: clipFile, dimension, clipOfRow: Int32Array.from(places), patterns: new Int32Array(count).fill(1) },
    queries: {
      widths: [dimension],
      embeddings: new Float32Array(buffer.slice(byteOffset, byteOffset + 4 * count * dimension)),
      weights: new Float32Array(count).fill(1),
    },
  },
  captions: { query: places, clip: places },
  directions: ["T2A", "A2T"],
  relevance: [],
  moments: null,
  seed: 0,
};
const began = performance.now();
const { retrieval } = await scoreEvaluation(request, { threads });
const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ seconds, metrics: retrieval.map(({ metrics }) => metrics) }));
