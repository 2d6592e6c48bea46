import { createHash } from "node:crypto";
import type { Schemas } from "@qdrant/js-client-rest";
import type { VectorPoint } from "../index.js";

/** What a point carries beside its vector. */
export interface PointPayload {
  segmentId: string;
  videoId: string;
  tenant: string;
  ordinal: number;
  pattern: number;
  generation: string;
}

/** Bytes of a number in JSON: a float32 as the double it is, and a comma. */
const BYTES_OF_NUMBER = 21;
/** Bytes of a point's id, payload and punctuation in JSON. */
const BYTES_OF_PAYLOAD = 400;

/**
 * The id of a point: a UUID of version 8 (RFC 9562), the first half from the generation, the second from the segment.
 *
 * Generations never share an id, so a new one is written beside the old one. Qdrant scrolls in the order of ids, so it
 * gives each generation in one piece.
 */
export function pointId(generation: string, segmentId: string): string {
  const bytes = Buffer.concat([digest(generation), digest(`${generation}\n${segmentId}`)]);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest().subarray(0, 8);
}

/** A point as Qdrant takes it. */
export function toPointStruct(point: VectorPoint, generation: string): Schemas["PointStruct"] {
  const { segmentId, videoId, tenant, ordinal, pattern, vector } = point;
  const payload: PointPayload = { segmentId, videoId, tenant, ordinal, pattern, generation };
  return { id: pointId(generation, segmentId), vector: Array.from(vector), payload: { ...payload } };
}

/** Cuts points into batches whose requests stay below a number of bytes; at least one point each. */
export function* batches(points: readonly VectorPoint[], maxBytes: number): Generator<readonly VectorPoint[]> {
  const width = points[0]?.vector.length ?? 0;
  const size = Math.max(1, Math.floor(maxBytes / (width * BYTES_OF_NUMBER + BYTES_OF_PAYLOAD)));
  for (let from = 0; from < points.length; from += size) yield points.slice(from, from + size);
}
