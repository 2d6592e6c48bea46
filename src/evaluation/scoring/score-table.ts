import { queryVector } from "../../encoding/query-vector.js";
import { openMatrixProduct, type MatrixProduct } from "../../models/matrix-product.js";
import { dimensionOf } from "./check-request.js";
import { MomentRows } from "./moment-rows.js";
import { RowBlocks } from "./row-blocks.js";
import type { ClipRows, MomentPairs, MomentScores, QueryVectors } from "./types.js";
import { findNonFinite, UnusableScoresError } from "./unusable-scores.js";

/** Queries and rows of a product, at most: enough to keep the cores busy, few enough to be stopped between two. */
const MOST_QUERIES = 1024;
const MOST_ROWS = 512;
/** Queries and rows of a product, at least and in steps of. */
const GRAIN = 64;
/** The queries of a product are shared out among its threads. */
const LEAST_QUERIES_OF_THREAD = 16;

/** Rows of one availability pattern, which are multiplied together. */
interface Block {
  pattern: number;
  /** Ascending. */
  rows: Int32Array;
}

/** Queries and rows of the products of a request. */
export interface ProductShape {
  queries: number;
  rows: number;
}

/**
 * The shape that all products of a request have, the last ones filled up with zeros: in products of one shape equal
 * vectors have equal scores wherever they stand, and equal scores are what a tie is.
 */
export function productShape(queries: number, rows: number): ProductShape {
  const upTo = (count: number, most: number) => Math.min(most, Math.max(GRAIN, Math.ceil(count / GRAIN) * GRAIN));
  return { queries: upTo(queries, MOST_QUERIES), rows: upTo(rows, MOST_ROWS) };
}

/** What a table is made of. */
interface TableParts {
  clips: number;
  rows: ClipRows;
  queries: QueryVectors;
  /** Null: none. */
  moments: MomentPairs | null;
  /** CPU threads of a product. */
  threads: number;
}

/**
 * The scores of queries with clips, made step by step: a step multiplies one block of queries with one block of rows of
 * one pattern, whose query vectors are made once for all its blocks.
 */
export class ScoreTable {
  /** [queries, clips] row-major; complete after the last step. */
  readonly scores: Float32Array;
  private readonly blocks: Block[];
  private readonly queryCount: number;
  private readonly queryBlocks: number;
  private readonly file: RowBlocks;
  private readonly columns: Float32Array;
  private readonly products: Float32Array;
  /** Query vectors of `pattern`, one array for each block of queries, [shape.queries, dimension]. */
  private vectors: Float32Array[] = [];
  private pattern: number | undefined;
  private readonly momentRows: MomentRows;

  private constructor(
    private readonly parts: TableParts,
    private readonly shape: ProductShape,
    private readonly product: MatrixProduct,
  ) {
    const { clips, rows, queries, moments } = parts;
    this.queryCount = queries.weights.length / queries.widths.length;
    this.queryBlocks = Math.ceil(this.queryCount / shape.queries);
    this.blocks = blocksOf(rows, shape.rows);
    this.scores = new Float32Array(this.queryCount * clips).fill(-Infinity);
    this.file = new RowBlocks(rows.file, rows.dimension, shape.rows);
    this.columns = new Float32Array(rows.dimension * shape.rows);
    this.products = new Float32Array(shape.queries * shape.rows);
    this.momentRows = new MomentRows(rows.clipOfRow, clips, moments);
  }

  /** @throws UnusableScoresError the query vectors are not finite */
  static async open(parts: TableParts): Promise<ScoreTable> {
    const { rows, queries } = parts;
    if (findNonFinite(queries.embeddings) !== -1 || findNonFinite(queries.weights) !== -1) {
      throw new UnusableScoresError("The embeddings of the captions hold values that are not finite numbers.");
    }
    const shape = productShape(queries.weights.length / queries.widths.length, rows.patterns.length);
    // A thread that got a single query would sum up in another order than the others.
    const threads = Math.min(parts.threads, shape.queries / LEAST_QUERIES_OF_THREAD);
    return new ScoreTable(parts, shape, await openMatrixProduct(threads));
  }

  /** Number of products. They have to be made in order, each once. */
  get steps(): number {
    return this.blocks.length * this.queryBlocks;
  }

  /** @throws UnusableScoresError a row cannot be scored */
  async step(number: number): Promise<void> {
    const { pattern, rows } = this.blocks[Math.floor(number / this.queryBlocks)]!;
    const queryBlock = number % this.queryBlocks;
    if (queryBlock === 0) {
      this.prepare(pattern);
      await this.file.read(rows, this.columns);
    }
    await this.product(this.vectors[queryBlock]!, this.columns, this.parts.rows.dimension, this.products);
    this.keep(rows, queryBlock * this.shape.queries);
  }

  /** Scores of the rows of the pairs, after the last step. */
  momentScores(): MomentScores {
    return this.momentRows.result();
  }

  /** Makes the query vectors of a pattern. */
  private prepare(pattern: number): void {
    if (this.pattern === pattern) return;
    const { embeddings, weights, widths } = this.parts.queries;
    const dimension = dimensionOf(this.parts.queries);
    const size = this.shape.queries;
    this.vectors = Array.from({ length: this.queryBlocks }, (_, block) => {
      const made = this.vectors[block] ?? new Float32Array(size * dimension);
      for (let query = block * size; query < Math.min(this.queryCount, (block + 1) * size); query++) {
        const ofQuery = splitEmbeddings(embeddings.subarray(query * dimension, (query + 1) * dimension), widths);
        const weightsOfQuery = weights.subarray(query * widths.length, (query + 1) * widths.length);
        const vector = queryVector({ embeddings: ofQuery, weights: weightsOfQuery }, pattern);
        made.set(vector, (query - block * size) * dimension);
      }
      return made;
    });
    this.pattern = pattern;
  }

  /** Takes over the scores of a product. */
  private keep(rows: Int32Array, firstQuery: number): void {
    const { clips } = this.parts;
    const found = this.products;
    const clipOf = Array.from(rows, (row) => this.parts.rows.clipOfRow[row]!);
    const end = Math.min(this.queryCount, firstQuery + this.shape.queries);
    for (let query = firstQuery; query < end; query++) {
      const from = (query - firstQuery) * this.shape.rows;
      for (let i = 0; i < clipOf.length; i++) {
        const score = found[from + i]!;
        const place = query * clips + clipOf[i]!;
        if (score > this.scores[place]!) this.scores[place] = score;
        else if (Number.isNaN(score)) throw new UnusableScoresError("The score of a caption and a clip is NaN.");
      }
    }
    this.momentRows.keep(rows, firstQuery, end, (query, i) => found[(query - firstQuery) * this.shape.rows + i]!);
  }
}

/** The rows that belong to a clip, by pattern, in blocks of at most `most`. */
function blocksOf({ clipOfRow, patterns }: ClipRows, most: number): Block[] {
  const byPattern = new Map<number, number[]>();
  patterns.forEach((pattern, row) => {
    if (clipOfRow[row] === -1) return;
    const rows = byPattern.get(pattern);
    if (rows === undefined) byPattern.set(pattern, [row]);
    else rows.push(row);
  });
  return [...byPattern].flatMap(([pattern, rows]) =>
    Array.from({ length: Math.ceil(rows.length / most) }, (_, block) => {
      return { pattern, rows: Int32Array.from(rows.slice(block * most, (block + 1) * most)) };
    }),
  );
}

function splitEmbeddings(joined: Float32Array, widths: readonly number[]): Float32Array[] {
  let offset = 0;
  return widths.map((width) => joined.subarray(offset, (offset += width)));
}
