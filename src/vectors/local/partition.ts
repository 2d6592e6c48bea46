import type { MatrixProduct } from "../../models/matrix-product.js";
import type { VectorHit } from "../index.js";
import type { BestHits } from "../best-hits.js";

/** Vectors of a full block. */
const BLOCK_WIDTH = 4096;
/** Vectors of the first block at the beginning; it doubles, so that a small tenant takes little memory. */
const FIRST_WIDTH = 64;
/** Vectors copied at a time, few enough to stay in the processor's cache. */
const TILE = 256;

/** What is known of the vector in a slot. */
interface Occupant {
  segmentId: string;
  videoId: string;
  ordinal: number;
}

/** Scores of the vectors of a partition, by slot; undefined in blocks that were not asked for. */
export type SlotScores = (slot: number) => number;

/**
 * The vectors of one tenant and one availability pattern, as columns of blocks [dimension, width].
 *
 * A slot is a column's number, counted through all blocks. The slots of removed vectors are given to new ones.
 */
export class Partition {
  private blocks: Float32Array[] = [];
  private width = FIRST_WIDTH;
  /** By slot; undefined where a vector was removed. */
  private readonly occupants: (Occupant | undefined)[] = [];
  private readonly slotsOfVideo = new Map<string, number[]>();
  private readonly free: number[] = [];

  /** @param dimension length of the vectors */
  constructor(private readonly dimension: number) {}

  /** Number of vectors. */
  get size(): number {
    return this.occupants.length - this.free.length;
  }

  /** Whether most of the slots are empty, so that a fresh partition would save memory and time. */
  get isSparse(): boolean {
    return this.free.length > BLOCK_WIDTH && this.free.length > this.size;
  }

  /** Number of vectors of one video. */
  countOf(videoId: string): number {
    return this.slotsOfVideo.get(videoId)?.length ?? 0;
  }

  /**
   * Adds vectors.
   *
   * @param rows numbers of the rows to take
   * @param source the vectors, [rows, dimension]
   */
  add(rows: readonly number[], occupant: (row: number) => Occupant, source: Float32Array): void {
    const slots = rows.map((row) => this.occupy(occupant(row)));
    for (let from = 0; from < slots.length;) {
      // A run of neighbouring columns of one block, which are written side by side.
      let to = from + 1;
      while (to < slots.length && to - from < TILE && slots[to] === slots[to - 1]! + 1 && slots[to]! % BLOCK_WIDTH > 0)
        to++;
      this.write(slots[from]!, rows.slice(from, to), source);
      from = to;
    }
  }

  /** Removes all vectors of a video. */
  removeVideo(videoId: string): void {
    // Backwards, since the last one is given away first: new vectors then get neighbouring columns.
    for (const slot of (this.slotsOfVideo.get(videoId) ?? []).toReversed()) {
      this.occupants[slot] = undefined;
      this.free.push(slot);
    }
    this.slotsOfVideo.delete(videoId);
  }

  /** Scores all vectors, or those of some videos, and offers them to `best`. */
  async score(
    query: Float32Array,
    videoIds: ReadonlySet<string> | undefined,
    product: MatrixProduct,
    best: BestHits<VectorHit>,
  ): Promise<void> {
    const offer = (slot: number, scores: Float32Array) => {
      const occupant = this.occupants[slot];
      const score = scores[slot % BLOCK_WIDTH]!;
      if (occupant === undefined || !best.mayHold(score)) return;
      best.add({ segmentId: occupant.segmentId, videoId: occupant.videoId, score });
    };
    if (videoIds === undefined) {
      for (const [number, block] of this.blocks.entries()) {
        const scores = await product(query, block, this.dimension);
        const end = Math.min((number + 1) * BLOCK_WIDTH, this.occupants.length);
        for (let slot = number * BLOCK_WIDTH; slot < end; slot++) offer(slot, scores);
      }
      return;
    }
    // Whole blocks even for a few vectors: so a score never depends on what else was asked for.
    for (const [number, slots] of this.slotsByBlock(videoIds)) {
      const scores = await product(query, this.blocks[number]!, this.dimension);
      for (const slot of slots) offer(slot, scores);
    }
  }

  /** Scores all vectors, or those of some videos, for {@link Partition.videos}. */
  async scoreSlots(
    query: Float32Array,
    videoIds: ReadonlySet<string> | undefined,
    product: MatrixProduct,
  ): Promise<SlotScores> {
    const numbers = videoIds === undefined ? this.blocks.keys() : this.slotsByBlock(videoIds).keys();
    const scores: Float32Array[] = [];
    for (const number of numbers) scores[number] = await product(query, this.blocks[number]!, this.dimension);
    return (slot) => scores[Math.floor(slot / BLOCK_WIDTH)]![slot % BLOCK_WIDTH]!;
  }

  /** Videos with the slots of their vectors; all, or some of them. */
  *videos(videoIds: ReadonlySet<string> | undefined): Generator<[videoId: string, slots: readonly number[]]> {
    if (videoIds === undefined) {
      yield* this.slotsOfVideo;
      return;
    }
    for (const videoId of videoIds) {
      const slots = this.slotsOfVideo.get(videoId);
      if (slots !== undefined) yield [videoId, slots];
    }
  }

  /** Number, in its video, of the segment in a slot. */
  ordinalOf(slot: number): number {
    return this.occupants[slot]!.ordinal;
  }

  /** A partition with the same vectors and no empty slots. */
  compacted(): Partition {
    const copy = new Partition(this.dimension);
    const vector = new Float32Array(this.dimension);
    this.occupants.forEach((occupant, slot) => {
      if (occupant === undefined) return;
      const block = this.blocks[Math.floor(slot / BLOCK_WIDTH)]!;
      for (let d = 0; d < this.dimension; d++) vector[d] = block[d * this.width + (slot % BLOCK_WIDTH)]!;
      copy.add([0], () => occupant, vector);
    });
    return copy;
  }

  private slotsByBlock(videoIds: ReadonlySet<string>): Map<number, number[]> {
    const byBlock = new Map<number, number[]>();
    for (const videoId of videoIds) {
      for (const slot of this.slotsOfVideo.get(videoId) ?? []) {
        const number = Math.floor(slot / BLOCK_WIDTH);
        const slots = byBlock.get(number);
        if (slots === undefined) byBlock.set(number, [slot]);
        else slots.push(slot);
      }
    }
    return byBlock;
  }

  /** Writes rows of `source` to neighbouring columns, from `slot` on. */
  private write(slot: number, rows: readonly number[], source: Float32Array): void {
    const block = this.blocks[Math.floor(slot / BLOCK_WIDTH)]!;
    const starts = rows.map((row) => row * this.dimension);
    for (let d = 0; d < this.dimension; d++) {
      let target = d * this.width + (slot % BLOCK_WIDTH);
      for (const start of starts) block[target++] = source[start + d]!;
    }
  }

  private occupy(occupant: Occupant): number {
    const slot = this.free.pop() ?? this.occupants.length;
    this.occupants[slot] = occupant;
    const ofVideo = this.slotsOfVideo.get(occupant.videoId);
    if (ofVideo === undefined) this.slotsOfVideo.set(occupant.videoId, [slot]);
    else ofVideo.push(slot);
    this.makeRoomFor(slot);
    return slot;
  }

  /** Only a partition of one block has a block narrower than BLOCK_WIDTH. */
  private makeRoomFor(slot: number): void {
    while (this.blocks.length === 1 && this.width < BLOCK_WIDTH && slot >= this.width) this.widen();
    while (slot >= this.blocks.length * this.width) this.blocks.push(new Float32Array(this.dimension * this.width));
  }

  private widen(): void {
    const old = this.blocks[0]!;
    const grown = new Float32Array(2 * old.length);
    for (let d = 0; d < this.dimension; d++) {
      grown.set(old.subarray(d * this.width, (d + 1) * this.width), d * 2 * this.width);
    }
    this.blocks[0] = grown;
    this.width *= 2;
  }
}
