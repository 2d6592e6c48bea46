import { constants, mkdir, open, readFile, rename, rm, writeFile, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { CatalogWriteError } from "../../errors.js";
import type { ClipOutcome } from "./outcome.js";

/** What a spool remembers of a clip; the vectors stay on disk. */
const entrySchema = z.union([
  z.strictObject({
    /** CRC-32 of the rows' bytes. */
    crc: z.int(),
    /** By row: its pattern and, where it is a segment, the segment's number, start and end. */
    rows: z.array(z.tuple([z.int()]).or(z.tuple([z.int(), z.int(), z.number(), z.number()]))).min(1),
  }),
  z.strictObject({
    missing: z.enum(["notFound", "unreadable", "withoutExpert", "withoutCaption"]),
    reason: z.string(),
  }),
]);

/** What became of a clip, without its vectors. */
export type SpoolEntry = z.infer<typeof entrySchema>;

const NEWLINE = "\n".charCodeAt(0);

/**
 * What became of the clips of a data set, one after the other, in a folder of three files: `key` tells what the vectors
 * were made of, `rows.f32` holds them, and `clips.jsonl` has a line for each clip that is done.
 *
 * The rows of a clip are written before its line, and the line has their checksum. So whatever a process leaves that is
 * killed, and whatever is left after the power went: the clips before the first line that is torn, or whose rows are not
 * what it says, are whole, and the rest is dropped. That is why nothing has to be forced to the disk on the way.
 *
 * Each clip has its place in the files. So a process that was taken for dead and still writes, while another one has
 * taken the work up, writes over clips what they are anyway.
 */
export class ClipSpool {
  /** The clips that are done, in order. */
  readonly entries: SpoolEntry[] = [];
  /** Where each clip's line, and its rows, end in their files. */
  private readonly ends: { line: number; rows: number }[] = [];

  private constructor(
    /** Absolute path of the vectors: float32, little-endian, [rows, dimension]. */
    readonly rowsFile: string,
    private readonly rows: FileHandle,
    private readonly lines: FileHandle,
    /** Length of a row. */
    readonly dimension: number,
  ) {}

  /**
   * Opens the spool of a folder, which is made when it is missing, and reads what is there. What was made of something
   * else is thrown away.
   *
   * @param key tells what the vectors are made of
   * @throws CatalogWriteError the folder cannot be written
   */
  static async open(folder: string, key: string, dimension: number): Promise<ClipSpool> {
    return writing(async () => {
      const [keyFile, rowsFile, linesFile] = ["key", "rows.f32", "clips.jsonl"].map((name) => path.join(folder, name));
      await mkdir(folder, { recursive: true });
      if ((await readFile(keyFile!, "utf8").catch(() => undefined)) !== key) {
        await Promise.all([rowsFile!, linesFile!].map((file) => rm(file, { force: true })));
        await writeFile(`${keyFile!}.new`, key);
        await rename(`${keyFile!}.new`, keyFile!);
      }
      const rows = await open(rowsFile!, constants.O_RDWR | constants.O_CREAT);
      const lines = await open(linesFile!, constants.O_RDWR | constants.O_CREAT);
      const spool = new ClipSpool(rowsFile!, rows, lines, dimension);
      await spool.recover();
      return spool;
    });
  }

  /** Number of clips that are done. */
  get length(): number {
    return this.entries.length;
  }

  /**
   * Adds what became of the next clips.
   *
   * @throws CatalogWriteError the files cannot be written
   */
  async append(outcomes: readonly ClipOutcome[]): Promise<void> {
    const written = outcomes.map((outcome) => {
      const vectors = "rows" in outcome ? this.bytesOf(outcome.rows.map(({ vector }) => vector)) : Buffer.alloc(0);
      const entry = entryOf(outcome, vectors);
      return { vectors, entry, line: Buffer.from(`${JSON.stringify(entry)}\n`) };
    });
    await writing(async () => {
      const { rows, line } = this.end;
      await writeAt(this.rows, Buffer.concat(written.map(({ vectors }) => vectors)), rows);
      await writeAt(this.lines, Buffer.concat(written.map((of) => of.line)), line);
    });
    for (const { vectors, entry, line } of written) this.remember(entry, line.length, vectors.length);
  }

  /** Drops all clips from this one on. */
  async dropFrom(clip: number): Promise<void> {
    if (clip >= this.entries.length) return;
    this.entries.length = clip;
    this.ends.length = clip;
    const { line, rows } = this.end;
    await writing(async () => {
      await this.lines.truncate(line);
      await this.rows.truncate(rows);
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.rows.close(), this.lines.close()]);
  }

  private get end(): { line: number; rows: number } {
    return this.ends.at(-1) ?? { line: 0, rows: 0 };
  }

  /** Takes up the clips that are whole, and drops the rest. */
  private async recover(): Promise<void> {
    const text = await readFile(this.lines);
    for (let start = 0, end = text.indexOf(NEWLINE); end >= 0; start = end + 1, end = text.indexOf(NEWLINE, start)) {
      const entry = parse(text.toString("utf8", start, end));
      if (entry === undefined || !(await this.hasRows(entry))) break;
      this.remember(entry, end + 1 - start, this.bytesIn(entry));
    }
    await this.lines.truncate(this.end.line);
    await this.rows.truncate(this.end.rows);
  }

  /** Whether the next rows in the file are those of the clip. */
  private async hasRows(entry: SpoolEntry): Promise<boolean> {
    if ("missing" in entry) return true;
    const bytes = Buffer.alloc(this.bytesIn(entry));
    const { bytesRead } = await this.rows.read(bytes, 0, bytes.length, this.end.rows);
    return bytesRead === bytes.length && crc32(bytes) === entry.crc;
  }

  private remember(entry: SpoolEntry, lineBytes: number, rowBytes: number): void {
    const { line, rows } = this.end;
    this.entries.push(entry);
    this.ends.push({ line: line + lineBytes, rows: rows + rowBytes });
  }

  private bytesIn(entry: SpoolEntry): number {
    return "rows" in entry ? entry.rows.length * this.dimension * Float32Array.BYTES_PER_ELEMENT : 0;
  }

  private bytesOf(vectors: readonly Float32Array[]): Buffer {
    const all = new Float32Array(vectors.length * this.dimension);
    vectors.forEach((vector, row) => all.set(vector, row * this.dimension));
    const bytes = Buffer.from(all.buffer);
    return isLittleEndian ? bytes : bytes.swap32();
  }
}

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function entryOf(outcome: ClipOutcome, vectors: Buffer): SpoolEntry {
  if ("missing" in outcome) return outcome;
  return {
    crc: crc32(vectors),
    rows: outcome.rows.map(({ pattern, segment }) =>
      segment === null ? [pattern] : [pattern, segment.index, segment.startSeconds, segment.endSeconds],
    ),
  };
}

function parse(line: string): SpoolEntry | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Writes all of some bytes, wherever the file ends. */
async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function writing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new CatalogWriteError(
      "The vectors of an evaluation cannot be written into the data directory. Check its free space and its rights.",
      { detail: String(cause), cause },
    );
  }
}
