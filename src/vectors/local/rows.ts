/** Rows of an index as they travel to the thread that searches them. */
export interface VectorRows {
  segmentIds: string[];
  videoIds: string[];
  tenants: string[];
  ordinals: number[];
  patterns: number[];
  /** The flat vectors one after the other, [rows, dimension]. */
  vectors: Float32Array;
}

/** One row to be packed. */
interface Row {
  segmentId: string;
  videoId: string;
  tenant: string;
  ordinal: number;
  pattern: number;
  vector: Float32Array;
}

/** Packs rows for the journey, so that one buffer can be handed over instead of one for each row. */
export function packRows(rows: readonly Row[], dimension: number): VectorRows {
  const vectors = new Float32Array(rows.length * dimension);
  rows.forEach(({ vector }, row) => vectors.set(vector, row * dimension));
  return {
    segmentIds: rows.map(({ segmentId }) => segmentId),
    videoIds: rows.map(({ videoId }) => videoId),
    tenants: rows.map(({ tenant }) => tenant),
    ordinals: rows.map(({ ordinal }) => ordinal),
    patterns: rows.map(({ pattern }) => pattern),
    vectors,
  };
}
