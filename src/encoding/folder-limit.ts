import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";

/** What a limit works with. */
export interface FolderLimitParts {
  folder: string;
  /** Most bytes in the folder. */
  maxBytes: number;
  /** How the names of those files end that are counted; what else lies there is left alone. */
  counted: string;
  /** How the names of files end that are being written. Those that nobody has written to for a day are removed. */
  temporary: string;
  /** Told what went wrong. */
  onError(error: unknown): void;
}

/**
 * Share of the limit that may be written between two looks at the folder, and that is free after a look which removed something.
 * So the looks cost the same for each file that is written, however many lie there.
 */
const SLACK = 0.05;

/** Files that nobody has written to for so long were left behind by a process that ended. */
const ABANDONED_MS = 24 * 3_600_000;

/**
 * Holds a folder to a size: those files go first that were not touched for the longest time. It counts what this process
 * writes and looks at the folder behind the work, once at the beginning and then whenever its share was written.
 * Other processes may do the same with the same folder: what is gone is gone.
 */
export class FolderLimit {
  /** Largest file that leaves room for the next look. */
  readonly largestFile: number;
  /** Bytes that the last look left there; unknown before the first. */
  private held: number | undefined;
  /** Bytes that were written since the last look began. */
  private written = 0;
  private looking: Promise<void> | undefined;
  private isClosed = false;

  constructor(private readonly parts: FolderLimitParts) {
    this.largestFile = Math.floor((1 - SLACK) * parts.maxBytes);
  }

  /** Counts bytes that were written, and looks at the folder when it is time. Returns at once and never fails. */
  count(bytes: number): void {
    this.written += bytes;
    if (this.isDue) this.looking ??= this.look().finally(() => (this.looking = undefined));
  }

  /** Removes nothing from now on; returns when a look that goes on has ended. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.looking;
  }

  private get isDue(): boolean {
    if (this.isClosed) return false;
    const { maxBytes } = this.parts;
    return this.held === undefined || this.written > SLACK * maxBytes || this.held + this.written > maxBytes;
  }

  private async look(): Promise<void> {
    // Others write on meanwhile.
    while (this.isDue) {
      this.written = 0;
      // A folder that cannot be looked at is left alone until as much was written again.
      this.held ??= 0;
      try {
        this.held = await this.makeRoom();
      } catch (error) {
        this.parts.onError(error);
      }
    }
  }

  /** @returns bytes that are left */
  private async makeRoom(): Promise<number> {
    const found = await this.list();
    let bytes = found.reduce((sum, entry) => sum + entry.bytes, 0);
    if (bytes <= this.parts.maxBytes) return bytes;
    found.sort((a, b) => a.usedMs - b.usedMs);
    for (const entry of found) {
      if (bytes <= this.largestFile || this.isClosed) break;
      await rm(entry.file, { force: true });
      bytes -= entry.bytes;
    }
    return bytes;
  }

  private async list(): Promise<{ file: string; bytes: number; usedMs: number }[]> {
    const { folder, counted, temporary } = this.parts;
    const found = [];
    for (const name of await readdir(folder)) {
      if (this.isClosed) return [];
      if (!name.endsWith(counted) && !name.endsWith(temporary)) continue;
      const file = path.join(folder, name);
      const state = await stat(file).catch(() => undefined);
      if (state === undefined) continue;
      if (name.endsWith(counted)) found.push({ file, bytes: state.size, usedMs: state.mtimeMs });
      else if (Date.now() - state.mtimeMs > ABANDONED_MS) await rm(file, { force: true });
    }
    return found;
  }
}
