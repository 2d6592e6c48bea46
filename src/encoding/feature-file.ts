import { createHash, type Hash } from "node:crypto";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { endianness } from "node:os";

/**
 * A file of features: a header of HEADER_BYTES, and a record for each window, in any order: its number (uint32) and its
 * features (float32), all little-endian. The header: MAGIC, VERSION, numbers in a window, windows (uint32 each), the key
 * (32 bytes), and the SHA-256 of key and records.
 */
const MAGIC = 0x46_52_41_45; // "EARF"
const VERSION = 1;
const KEY_AT = 16;
const CHECKSUM_AT = 48;
const HEADER_BYTES = 80;

/** Bytes that are checked or copied at once. */
const READ_BYTES = 2 ** 20;

/** What a file of features is about. */
export interface FeatureFileParts {
  path: string;
  /** Where it is written before it takes that place; nobody else's. */
  temporaryPath: string;
  /** 32 bytes that stand for everything the features depend on. */
  key: Buffer;
  /** Numbers in one window's features. */
  width: number;
  /** A file that would grow beyond this is not kept. */
  maxBytes: number;
}

/** What is stored and checked. */
interface Stored {
  handle: FileHandle;
  /** By the number of a window: one more than the number of its record; 0 where there is none. */
  records: Uint32Array;
  bytes: number;
  /** Over key and records, still open for more. */
  hash: Hash;
}

/** One expert's features of one media file: those stored earlier, and those that are being added. Close it when done. */
export class FeatureFile {
  private writing: Promise<Writer | undefined> | undefined;
  private hasRead = false;
  private temporary: FileHandle | undefined;
  /** Whether nothing is added any more: a run that was under way may come back late. */
  private isOver = false;

  private constructor(
    private readonly parts: FeatureFileParts,
    private readonly stored: Stored | undefined,
  ) {}

  /** Opens what is stored, if anything; a file that is damaged or about something else is removed. */
  static async open(parts: FeatureFileParts): Promise<FeatureFile> {
    const handle = await open(parts.path, "r").catch(ignoreMissing);
    if (handle === undefined) return new FeatureFile(parts, undefined);
    try {
      const stored = await check(handle, parts);
      if (stored !== undefined) return new FeatureFile(parts, stored);
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    await rm(parts.path, { force: true });
    return new FeatureFile(parts, undefined);
  }

  /** Whether features had to be added; undefined when none were asked for. */
  get isHit(): boolean | undefined {
    if (this.writing !== undefined) return false;
    return this.hasRead ? true : undefined;
  }

  /** Whether a window was stored when the file was opened. */
  has(window: number): boolean {
    return (this.stored?.records[window] ?? 0) > 0;
  }

  /** The features of a window that is stored. */
  async read(window: number): Promise<Float32Array> {
    this.hasRead = true;
    const { width } = this.parts;
    const { handle, records } = this.stored!;
    const bytes = Buffer.from(new ArrayBuffer(4 * width));
    // Behind the number of the window.
    await readFully(handle, bytes, HEADER_BYTES + (records[window]! - 1) * recordBytes(width) + 4);
    return new Float32Array(littleEndian(bytes).buffer);
  }

  /**
   * Adds the features of windows, [windows.length, width] row-major. What cannot be written is said by {@link keep}.
   *
   * @returns when they have been written
   */
  async add(windows: readonly number[], features: Float32Array): Promise<void> {
    if (this.isOver) return;
    const { width, maxBytes } = this.parts;
    const words = new Float32Array(windows.length * (width + 1));
    const numbers = new Uint32Array(words.buffer);
    windows.forEach((window, row) => {
      numbers[row * (width + 1)] = window;
      words.set(features.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
    });
    const before = this.writing ?? this.begin();
    this.writing = before.then(async (writer) => {
      if (writer === undefined) return undefined;
      if (writer.bytes + words.byteLength <= maxBytes) return append(writer, littleEndian(Buffer.from(words.buffer)));
      await writer.handle.close();
      await rm(this.parts.temporaryPath, { force: true });
      return undefined;
    });
    await this.writing.catch(() => undefined);
  }

  /**
   * Puts what was added beside what was stored, for good.
   *
   * @returns bytes of the new file; 0 when there is none
   * @throws the errors of the file system, those of {@link add} included
   */
  async keep(): Promise<number> {
    this.isOver = true;
    const writer = await this.writing;
    if (writer === undefined) return 0;
    const { path, temporaryPath, key, width } = this.parts;
    const header = Buffer.alloc(HEADER_BYTES);
    const count = (writer.bytes - HEADER_BYTES) / recordBytes(width);
    [MAGIC, VERSION, width, count].forEach((value, i) => header.writeUInt32LE(value, 4 * i));
    key.copy(header, KEY_AT);
    writer.hash.copy().digest().copy(header, CHECKSUM_AT);
    await writeFully(writer.handle, header, 0);
    await writer.handle.datasync();
    await writer.handle.close();
    await rename(temporaryPath, path);
    return writer.bytes;
  }

  /** Gives up what was added and not kept. Never fails. */
  async close(): Promise<void> {
    this.isOver = true;
    await this.stored?.handle.close().catch(() => undefined);
    if (this.writing === undefined) return;
    await this.writing.catch(() => undefined);
    await this.temporary?.close().catch(() => undefined);
    await rm(this.parts.temporaryPath, { force: true }).catch(() => undefined);
  }

  /** Begins a new file with what is stored. */
  private async begin(): Promise<Writer> {
    const { stored } = this;
    const { temporaryPath, key } = this.parts;
    const handle = await open(temporaryPath, "wx");
    this.temporary = handle;
    const writer: Writer = {
      handle,
      bytes: HEADER_BYTES,
      hash: stored?.hash.copy() ?? createHash("sha256").update(key),
    };
    if (stored === undefined) return writer;
    for await (const [piece, position] of pieces(stored.handle, stored.bytes, READ_BYTES))
      await writeFully(handle, piece, position);
    return { ...writer, bytes: stored.bytes };
  }
}

/** A file that is being written. */
interface Writer {
  handle: FileHandle;
  bytes: number;
  hash: Hash;
}

async function append({ handle, bytes, hash }: Writer, piece: Buffer): Promise<Writer> {
  await writeFully(handle, piece, bytes);
  return { handle, hash: hash.update(piece), bytes: bytes + piece.length };
}

/** @returns undefined when the file is damaged or about something else */
async function check(handle: FileHandle, { key, width }: FeatureFileParts): Promise<Stored | undefined> {
  const { size: bytes } = await handle.stat();
  if (bytes < HEADER_BYTES) return undefined;
  const header = Buffer.alloc(HEADER_BYTES);
  await readFully(handle, header, 0);
  const [magic, version, ownWidth, count] = [0, 4, 8, 12].map((at) => header.readUInt32LE(at));
  const isOurs = magic === MAGIC && version === VERSION && ownWidth === width;
  const record = recordBytes(width);
  if (!isOurs || !header.subarray(KEY_AT, CHECKSUM_AT).equals(key) || bytes !== HEADER_BYTES + count! * record)
    return undefined;
  const hash = createHash("sha256").update(key);
  const windows: number[] = [];
  for await (const [piece] of pieces(handle, bytes, Math.ceil(READ_BYTES / record) * record)) {
    hash.update(piece);
    for (let at = 0; at < piece.length; at += record) windows.push(piece.readUInt32LE(at));
  }
  if (!hash.copy().digest().equals(header.subarray(CHECKSUM_AT))) return undefined;
  const records = new Uint32Array(windows.reduce((most, window) => Math.max(most, window + 1), 0));
  windows.forEach((window, i) => {
    records[window] = i + 1;
  });
  return { handle, records, bytes, hash };
}

/** What lies behind the header, with the places in the file; each piece holds until the next. */
async function* pieces(handle: FileHandle, bytes: number, pieceBytes: number): AsyncGenerator<[Buffer, number]> {
  const buffer = Buffer.alloc(Math.min(pieceBytes, bytes - HEADER_BYTES));
  for (let position = HEADER_BYTES; position < bytes; position += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, bytes - position));
    await readFully(handle, piece, position);
    yield [piece, position];
  }
}

async function readFully(handle: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new Error("a file of features ends early");
    done += bytesRead;
  }
}

async function writeFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

function recordBytes(width: number): number {
  return 4 * (1 + width);
}

/** Between this machine's order of bytes and the file's, in place. */
function littleEndian<T extends Buffer>(bytes: T): T {
  if (endianness() === "BE") bytes.swap32();
  return bytes;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
