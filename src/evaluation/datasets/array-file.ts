import { open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { DatasetInvalidError } from "../../errors.js";
import { halfToFloat } from "../../encoding/half-float.js";
import type { DatasetFolder } from "./dataset-folder.js";

/** Kinds of numbers, as NumPy calls them. All are little-endian. */
type NumberKind = "<f2" | "<f4" | "<i8" | "|b1";

const BYTES: Readonly<Record<NumberKind, number>> = { "<f2": 2, "<f4": 4, "<i8": 8, "|b1": 1 };
const SAFETENSORS: Readonly<Record<string, NumberKind>> = { F16: "<f2", F32: "<f4", I64: "<i8", BOOL: "|b1" };

/** More is no header of an array. */
const LARGEST_HEADER = 1 << 20;

/** An array in a `.npy` or `.safetensors` file that is read part by part: never the whole of a large one. */
export class ArrayFile {
  private constructor(
    /** Of the file, for messages. */
    readonly name: string,
    readonly kind: NumberKind,
    readonly shape: readonly number[],
    private readonly start: number,
    private readonly handle: FileHandle,
  ) {}

  /**
   * Opens an array. Close it when done.
   *
   * @param key The tensor of a `.safetensors` file; a `.npy` file holds one
   * @throws DatasetInvalidError it is missing, cut short, or no array of float16, float32, int64 or truth values
   */
  static async open(folder: DatasetFolder, name: string, key: string): Promise<ArrayFile> {
    const handle = await open(await folder.file(name)).catch((cause: unknown) => {
      if (cause instanceof DatasetInvalidError) throw cause;
      throw new DatasetInvalidError(`${path.basename(name)} cannot be read.`, { cause });
    });
    try {
      const header = name.endsWith(".safetensors")
        ? await safetensorsHeader(handle, path.basename(name), key)
        : await npyHeader(handle, path.basename(name));
      const array = new ArrayFile(path.basename(name), header.kind, header.shape, header.start, handle);
      const { size } = await handle.stat();
      const end = header.start + array.items * BYTES[header.kind];
      if (end > size) throw array.wrong(`is cut short: expected ${end} bytes, there are ${size}`);
      return array;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private get items(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /**
   * Some of the floats, in row-major order.
   *
   * @throws DatasetInvalidError one of them is NaN or infinite
   */
  async floats(first: number, count: number, what: string): Promise<Float32Array> {
    const bytes = await this.bytes(first, count);
    const floats =
      this.kind === "<f4"
        ? new Float32Array(bytes.buffer, bytes.byteOffset, count)
        : Float32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, count), halfToFloat);
    for (const value of floats) {
      if (!Number.isFinite(value)) throw this.wrong(`holds NaN or infinity in ${what}`);
    }
    return floats;
  }

  /** All the whole numbers. */
  async integers(): Promise<Float64Array> {
    const bytes = await this.bytes(0, this.items);
    return Float64Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, this.items), Number);
  }

  /** All the truth values: 1 or 0. */
  async truths(): Promise<Uint8Array> {
    return new Uint8Array(await this.bytes(0, this.items)).map((value) => (value === 0 ? 0 : 1));
  }

  private async bytes(first: number, count: number): Promise<Uint8Array<ArrayBuffer>> {
    const width = BYTES[this.kind];
    return readExactly(this.handle, this.start + first * width, count * width, this.name);
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  /** That the file is not what it should be. */
  wrong(how: string): DatasetInvalidError {
    return new DatasetInvalidError(`${this.name} ${how}.`);
  }

  /** For messages: e.g. "<f4 of shape 12 x 128". */
  get form(): string {
    return `${this.kind} of shape ${this.shape.join(" x ") || "()"}`;
  }
}

async function readExactly(
  handle: FileHandle,
  position: number,
  length: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new DatasetInvalidError(`${name} is cut short.`);
    done += bytesRead;
  }
  return bytes;
}

interface Header {
  kind: NumberKind;
  shape: number[];
  /** Byte at which the numbers begin. */
  start: number;
}

/** The header of a .npy file: its format is told in the documentation of `numpy.lib.format`. */
async function npyHeader(handle: FileHandle, name: string): Promise<Header> {
  const wrong = (how: string) => new DatasetInvalidError(`${name} is no .npy file of plain numbers: ${how}.`);
  const opening = Buffer.from(await readExactly(handle, 0, 12, name));
  const version = opening[6]!;
  if (opening.toString("latin1", 0, 6) !== "\x93NUMPY" || version < 1 || version > 3) throw wrong("another header");
  const [at, length] = version === 1 ? [10, opening.readUInt16LE(8)] : [12, opening.readUInt32LE(8)];
  if (length > LARGEST_HEADER) throw wrong("another header");
  const text = Buffer.from(await readExactly(handle, at, length, name)).toString("latin1");
  const kind = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (kind === undefined || order === undefined || shape === undefined) throw wrong("another header");
  if (!Object.hasOwn(BYTES, kind)) throw wrong(`numbers of type ${kind}, expected float16, float32, int64 or bool`);
  if (order === "True") throw wrong("stored column by column, expected row by row");
  const sizes = shape.split(",").flatMap((size) => (size.trim() === "" ? [] : [Number(size)]));
  return { kind: kind as NumberKind, shape: sizes, start: at + length };
}

async function safetensorsHeader(handle: FileHandle, name: string, key: string): Promise<Header> {
  const wrong = (how: string) => new DatasetInvalidError(`${name} is no .safetensors file with "${key}": ${how}.`);
  const length = Number(Buffer.from(await readExactly(handle, 0, 8, name)).readBigUInt64LE());
  if (length > LARGEST_HEADER) throw wrong("another header");
  let entry: { dtype?: unknown; shape?: unknown; data_offsets?: unknown } | undefined;
  try {
    const header = JSON.parse(Buffer.from(await readExactly(handle, 8, length, name)).toString("utf8")) as unknown;
    entry = (header as Record<string, typeof entry>)[key];
  } catch (cause) {
    if (cause instanceof DatasetInvalidError) throw cause;
    throw wrong("another header");
  }
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  const kind = typeof dtype === "string" && Object.hasOwn(SAFETENSORS, dtype) ? SAFETENSORS[dtype]! : undefined;
  if (kind === undefined) throw wrong("expected F16, F32, I64 or BOOL");
  if (!areSizes(shape) || !areSizes(offsets) || offsets.length !== 2) throw wrong("another header");
  const expected = shape.reduce((product, size) => product * size, BYTES[kind]);
  if (offsets[1]! - offsets[0]! !== expected) throw wrong(`expected ${expected} bytes, there are others`);
  return { kind, shape, start: 8 + length + offsets[0]! };
}

function areSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}
