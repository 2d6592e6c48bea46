/** The thread that holds the vectors of the local index and searches them. */
import { openMatrixProduct, type MatrixProduct } from "../../models/matrix-product.js";
import { serveRequests } from "../../models/worker-thread.js";
import type { PatternQuery, VectorFilter, VideoPage } from "../index.js";
import type { VectorRows } from "./rows.js";
import { SegmentMatrix } from "./segment-matrix.js";

/** What the thread is asked; `index` is the index's id. */
export type SearchWorkerRequest =
  | { kind: "open"; index: string; dimension: number }
  | { kind: "add"; index: string; rows: VectorRows }
  | { kind: "replace-video"; index: string; videoId: string; rows: VectorRows }
  | { kind: "drop"; index: string }
  | { kind: "query"; index: string; queries: readonly PatternQuery[]; filter: VectorFilter; limit: number }
  | { kind: "query-videos"; index: string; queries: readonly PatternQuery[]; filter: VectorFilter; page: VideoPage }
  | { kind: "statistics"; index: string; filter?: VectorFilter }
  | { kind: "ping" };

let product: MatrixProduct | undefined;
const matrices = new Map<string, SegmentMatrix>();

/** Requests are answered one at a time, so a query sees a video before or after its replacement, never in between. */
async function answer(request: SearchWorkerRequest): Promise<unknown> {
  switch (request.kind) {
    case "open":
      product ??= await openMatrixProduct(1);
      matrices.set(request.index, new SegmentMatrix(request.dimension, product));
      return;
    case "add":
      matrixOf(request.index).add(request.rows);
      return;
    case "replace-video":
      matrixOf(request.index).replaceVideo(request.videoId, request.rows);
      return;
    case "drop":
      matrices.delete(request.index);
      return;
    case "query":
      return matrixOf(request.index).query(request.queries, request.filter, request.limit);
    case "query-videos":
      return matrixOf(request.index).queryVideos(request.queries, request.filter, request.page);
    case "statistics":
      return matrixOf(request.index).statistics(request.filter);
    case "ping":
      return;
  }
}

function matrixOf(index: string): SegmentMatrix {
  const matrix = matrices.get(index);
  if (matrix === undefined) throw new Error(`the index ${index} is not open`);
  return matrix;
}

serveRequests(async (body) => ({ result: await answer(body as SearchWorkerRequest) }));
