import type { MatrixProduct } from "../../models/matrix-product.js";
import type { PatternQuery, VectorFilter, VectorHit, VideoHit, VideoPage } from "../index.js";
import { BestHits, compareHits } from "../best-hits.js";
import { Partition } from "./partition.js";
import type { VectorRows } from "./rows.js";
import { bestVideos, type ScoredPartition } from "./video-ranking.js";

/** Numbers of an index. */
export interface MatrixStatistics {
  count: number;
  /** Ascending. */
  patterns: number[];
}

/**
 * All vectors of one index in memory, searched exactly. They are kept apart by tenant and pattern, since a query
 * sees one tenant and has another vector for each pattern.
 */
export class SegmentMatrix {
  private readonly tenants = new Map<string, Map<number, Partition>>();

  /** @param dimension length of the flat vectors */
  constructor(
    private readonly dimension: number,
    private readonly product: MatrixProduct,
  ) {}

  /** Adds rows. */
  add(rows: VectorRows): void {
    for (const [partition, numbers] of this.byPartition(rows)) {
      partition.add(
        numbers,
        (row) => ({ segmentId: rows.segmentIds[row]!, videoId: rows.videoIds[row]!, ordinal: rows.ordinals[row]! }),
        rows.vectors,
      );
    }
  }

  /** Puts these rows, which may be none, in the place of all rows of the video. */
  replaceVideo(videoId: string, rows: VectorRows): void {
    for (const [tenant, partitions] of this.tenants) {
      for (const [pattern, partition] of partitions) {
        partition.removeVideo(videoId);
        if (partition.size === 0) partitions.delete(pattern);
        else if (partition.isSparse) partitions.set(pattern, partition.compacted());
      }
      if (partitions.size === 0) this.tenants.delete(tenant);
    }
    this.add(rows);
  }

  /** See {@link VectorIndex.query}. */
  async query(queries: readonly PatternQuery[], filter: VectorFilter, limit: number): Promise<VectorHit[]> {
    const best = new BestHits(limit, compareHits);
    const videoIds = filter.videoIds === undefined ? undefined : new Set(filter.videoIds);
    const partitions = this.tenants.get(filter.tenant);
    for (const { pattern, vector } of queries) {
      await partitions?.get(pattern)?.score(vector, videoIds, this.product, best);
    }
    return best.sorted();
  }

  /** See {@link VectorIndex.queryVideos}. */
  async queryVideos(queries: readonly PatternQuery[], filter: VectorFilter, page: VideoPage): Promise<VideoHit[]> {
    const videoIds = filter.videoIds === undefined ? undefined : new Set(filter.videoIds);
    const partitions = this.tenants.get(filter.tenant);
    const scored: ScoredPartition[] = [];
    for (const { pattern, vector } of queries) {
      const partition = partitions?.get(pattern);
      if (partition === undefined) continue;
      scored.push({ partition, scoreOf: await partition.scoreSlots(vector, videoIds, this.product) });
    }
    return bestVideos(scored, videoIds, page);
  }

  /** Count and patterns of the segments that a filter lets through; of all without one. */
  statistics(filter?: VectorFilter): MatrixStatistics {
    let count = 0;
    const patterns = new Set<number>();
    for (const [tenant, partitions] of this.tenants) {
      if (filter !== undefined && tenant !== filter.tenant) continue;
      for (const [pattern, partition] of partitions) {
        const seen = seenOf(partition, filter?.videoIds);
        if (seen === 0) continue;
        count += seen;
        patterns.add(pattern);
      }
    }
    return { count, patterns: [...patterns].sort((a, b) => a - b) };
  }

  private byPartition(rows: VectorRows): Map<Partition, number[]> {
    const found = new Map<Partition, number[]>();
    rows.segmentIds.forEach((_, row) => {
      const partition = this.partition(rows.tenants[row]!, rows.patterns[row]!);
      const numbers = found.get(partition);
      if (numbers === undefined) found.set(partition, [row]);
      else numbers.push(row);
    });
    return found;
  }

  private partition(tenant: string, pattern: number): Partition {
    let partitions = this.tenants.get(tenant);
    if (partitions === undefined) this.tenants.set(tenant, (partitions = new Map<number, Partition>()));
    let partition = partitions.get(pattern);
    if (partition === undefined) partitions.set(pattern, (partition = new Partition(this.dimension)));
    return partition;
  }
}

function seenOf(partition: Partition, videoIds: readonly string[] | undefined): number {
  if (videoIds === undefined) return partition.size;
  return [...new Set(videoIds)].reduce((sum, videoId) => sum + partition.countOf(videoId), 0);
}
