import { open, readdir, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { DatasetInvalidError, DatasetNotFoundError } from "../../errors.js";

/** Texts are read as a whole; the largest public ones have some 20 MB. */
const LARGEST_TEXT = 256 * 1024 * 1024;

/** Bytes that tell what a file is. */
const OPENING = 1 << 16;

/**
 * The folder of a data set. Its files are read by name; a name or a symbolic link that leads out of it is refused, since
 * descriptions of data sets come from elsewhere.
 */
export class DatasetFolder {
  private constructor(
    /** Absolute path, symbolic links resolved. */
    readonly path: string,
    private readonly entries: ReadonlySet<string>,
  ) {}

  /** @throws DatasetNotFoundError there is no such folder, or it may not be read */
  static async open(folder: string): Promise<DatasetFolder> {
    try {
      const real = await realpath(folder);
      return new DatasetFolder(real, new Set(await readdir(real)));
    } catch (cause) {
      throw new DatasetNotFoundError(`There is no readable data set folder "${path.basename(folder)}".`, {
        detail: folder,
        cause,
      });
    }
  }

  /** Its own name, for messages and titles. */
  get name(): string {
    return path.basename(this.path);
  }

  /** Names of the files and folders right in it, sorted. */
  get names(): string[] {
    return [...this.entries].sort();
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /**
   * Absolute path of a file, symbolic links resolved.
   *
   * @throws DatasetInvalidError it is missing, no plain file, or lies outside the folder
   */
  async file(name: string): Promise<string> {
    const named = path.resolve(this.path, name);
    const real = name.includes("\0") ? null : await realpath(named).catch(() => null);
    // The same answer whether or not there is such a file: nobody must learn what lies outside.
    if (!this.holds(named) || (real !== null && !this.holds(real))) {
      throw new DatasetInvalidError(`"${path.basename(name)}" lies outside the data set folder "${this.name}".`, {
        detail: named,
      });
    }
    if (real === null || !(await stat(real)).isFile()) {
      throw new DatasetInvalidError(`The data set folder "${this.name}" lacks its file "${name}".`, { detail: named });
    }
    return real;
  }

  /**
   * A file in UTF-8, without a byte order mark.
   *
   * @throws DatasetInvalidError as {@link file}; or it is too large, or another encoding
   */
  async text(name: string): Promise<string> {
    const file = await this.file(name);
    const { size } = await stat(file);
    if (size > LARGEST_TEXT) {
      throw new DatasetInvalidError(
        `${name} has ${size} bytes; a text file of a data set has at most ${LARGEST_TEXT}.`,
      );
    }
    const bytes = await readFile(file).catch((cause: unknown) => {
      throw new DatasetInvalidError(`${name} cannot be read.`, { detail: file, cause });
    });
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw new DatasetInvalidError(`${name}, line ${firstWrongLine(bytes)}: not UTF-8. Save the file in UTF-8.`);
    }
  }

  /** How a file begins, to tell what it is: its first line, or of a long one the start; empty where it is missing. */
  async opening(name: string): Promise<string> {
    if (!this.has(name)) return "";
    const handle = await open(await this.file(name));
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(OPENING), 0, OPENING, 0);
      return new TextDecoder().decode(buffer.subarray(0, bytesRead)).split(/[\r\n]/, 1)[0]!;
    } finally {
      await handle.close();
    }
  }

  private holds(file: string): boolean {
    return file.startsWith(this.path.endsWith(path.sep) ? this.path : this.path + path.sep);
  }
}

function firstWrongLine(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(0x0a, start);
    const end = found < 0 ? bytes.length : found;
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    start = end + 1;
  }
  return line;
}
