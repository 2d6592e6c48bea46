import { open, type FileHandle } from "node:fs/promises";
import { findNonFinite, UnusableScoresError } from "./unusable-scores.js";

/** Rows that are turned into columns at a time, few enough to stay in the processor's cache. */
const TILE = 64;

/** Reads rows of a file of vectors, block by block. */
export class RowBlocks {
  private readonly bytes: Uint8Array;
  private readonly values: Float32Array;

  /**
   * @param file float32, little-endian, [rows, dimension]
   * @param width most rows of a block
   */
  constructor(
    private readonly file: string,
    private readonly dimension: number,
    private readonly width: number,
  ) {
    this.values = new Float32Array(width * dimension);
    this.bytes = new Uint8Array(this.values.buffer);
  }

  /**
   * Reads some rows as columns.
   *
   * @param rows their numbers, ascending
   * @param columns filled: [dimension, width] row-major, zeros behind the last row
   * @throws UnusableScoresError the file ends before, or a value is no finite number
   */
  async read(rows: Int32Array, columns: Float32Array): Promise<void> {
    const handle = await open(this.file, "r");
    try {
      const rowBytes = this.dimension * Float32Array.BYTES_PER_ELEMENT;
      for (let from = 0; from < rows.length;) {
        let to = from + 1;
        while (to < rows.length && rows[to] === rows[to - 1]! + 1) to++;
        await this.fill(handle, from * rowBytes, (to - from) * rowBytes, rows[from]! * rowBytes);
        from = to;
      }
    } finally {
      await handle.close();
    }
    const read = this.values.subarray(0, rows.length * this.dimension);
    if (findNonFinite(read) !== -1) {
      throw new UnusableScoresError("The vectors of the clips hold values that are not finite numbers.");
    }
    this.turn(rows.length, columns);
  }

  private async fill(handle: FileHandle, offset: number, length: number, position: number): Promise<void> {
    for (let done = 0; done < length;) {
      const { bytesRead } = await handle.read(this.bytes, offset + done, length - done, position + done);
      if (bytesRead === 0) throw new UnusableScoresError("The file with the vectors of the clips ends too early.");
      done += bytesRead;
    }
  }

  private turn(rows: number, columns: Float32Array): void {
    columns.fill(0);
    for (let from = 0; from < rows; from += TILE) {
      const to = Math.min(rows, from + TILE);
      for (let d = 0; d < this.dimension; d++) {
        const target = d * this.width;
        for (let row = from; row < to; row++) columns[target + row] = this.values[row * this.dimension + d]!;
      }
    }
  }
}
