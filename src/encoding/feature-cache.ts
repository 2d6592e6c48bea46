import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { externalDataFile, type ExpertManifest, type PackManifest } from "../models/index.js";
import type { Observe } from "../telemetry/index.js";
import { FeatureFile } from "./feature-file.js";

/** A media file, so far as its features depend on it. */
export interface CacheableMedia {
  /** Stands for the content of the streams: the file, its version, and how it is decoded. */
  key: string;
  /** Whether the key is still that of the file. */
  isUnchanged(): Promise<boolean>;
}

/** What a cache works with. */
export interface FeatureCacheParts {
  /** Its folder; made when it is missing. Several processes may share it. */
  folder: string;
  /** Most bytes in the folder; those go first that were not used for the longest time. */
  maxBytes: number;
  logger: { warn(details: object, message: string): void };
  /** Told of every expert and media file whether its features were all there. */
  observe: Observe;
}

const ENTRY = ".features";
const TEMPORARY = ".writing";

/** Files that nobody has written to for so long were left behind by a process that ended. */
const ABANDONED_MS = 24 * 3_600_000;

/**
 * Keeps what experts made of media files, so that another pack with the same experts need not run them again. Nothing that
 * fails here ends the work: the experts then run.
 */
export class FeatureCache {
  constructor(private readonly parts: FeatureCacheParts) {}

  /**
   * Opens the features of a media file.
   *
   * @param experts names of those that take part
   * @param media undefined: its features are not kept
   */
  async open(
    manifest: PackManifest,
    experts: ReadonlySet<string>,
    media: CacheableMedia | undefined,
  ): Promise<CachedFeatures> {
    const files = new Map<string, FeatureFile>();
    if (media !== undefined) {
      for (const expert of manifest.experts.filter(({ name }) => experts.has(name))) {
        const file = await this.attempt("read", () => this.openFile(manifest, expert, media.key));
        if (file !== undefined) files.set(expert.name, file);
      }
    }
    return {
      files,
      keep: async () => {
        // What was heard of a file that changed meanwhile belongs to no version of it.
        if (media === undefined || !(await media.isUnchanged())) return;
        for (const file of files.values()) await this.attempt("written", () => this.keep(file));
      },
      close: async () => {
        for (const file of files.values()) await file.close();
      },
    };
  }

  private async openFile(manifest: PackManifest, expert: ExpertManifest, mediaKey: string): Promise<FeatureFile> {
    const { folder, maxBytes } = this.parts;
    await mkdir(folder, { recursive: true });
    const key = keyOf(manifest, expert, mediaKey);
    const file = path.join(folder, key.toString("hex"));
    const opened = await FeatureFile.open({
      path: `${file}${ENTRY}`,
      temporaryPath: `${file}.${randomUUID()}${TEMPORARY}`,
      key,
      width: expert.tokensPerWindow * expert.featureDim,
      maxBytes,
    });
    const now = new Date();
    // Its last use, which the file system does not tell reliably by itself.
    await utimes(`${file}${ENTRY}`, now, now).catch(() => undefined);
    return opened;
  }

  private async keep(file: FeatureFile): Promise<void> {
    const { isHit: hit } = file;
    if (hit !== undefined) this.parts.observe({ kind: "cache", cache: "features", hit });
    if (await file.keep()) await this.makeRoom();
  }

  /** Removes files until the rest fits. Other processes may do the same: what is gone is gone. */
  private async makeRoom(): Promise<void> {
    const { folder, maxBytes } = this.parts;
    const found: { file: string; bytes: number; usedMs: number }[] = [];
    for (const name of await readdir(folder)) {
      if (!name.endsWith(ENTRY) && !name.endsWith(TEMPORARY)) continue;
      const file = path.join(folder, name);
      const state = await stat(file).catch(() => undefined);
      if (state === undefined) continue;
      if (name.endsWith(ENTRY)) found.push({ file, bytes: state.size, usedMs: state.mtimeMs });
      else if (Date.now() - state.mtimeMs > ABANDONED_MS) await rm(file, { force: true });
    }
    let bytes = found.reduce((sum, entry) => sum + entry.bytes, 0);
    found.sort((a, b) => a.usedMs - b.usedMs);
    for (const entry of found) {
      if (bytes <= maxBytes) return;
      await rm(entry.file, { force: true });
      bytes -= entry.bytes;
    }
  }

  private async attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.parts.logger.warn({ err: error }, `stored features could not be ${what}; the experts run without them`);
      return undefined;
    }
  }
}

/** The features of one media file by the experts' names, as far as there is a place for them. */
export interface CachedFeatures {
  files: ReadonlyMap<string, FeatureFile>;
  /** Keeps what was added: the media were read to their end. */
  keep(): Promise<void>;
  /** Gives up what was not kept. */
  close(): Promise<void>;
}

/** Everything that an expert's features of a media file depend on. */
function keyOf({ files, sampleRate }: PackManifest, expert: ExpertManifest, mediaKey: string): Buffer {
  const graph = [expert.file, externalDataFile(expert.file)].map((name) => files[name]?.sha256 ?? null);
  const { modality, tokensPerWindow, featureDim } = expert;
  const input =
    expert.modality === "audio"
      ? [sampleRate, expert.windowSamples, expert.hopSamples]
      : [expert.framesPerSecond, expert.frameWidth, expert.frameHeight, expert.framesPerWindow, expert.hopFrames];
  const all = [graph, modality, tokensPerWindow, featureDim, input, mediaKey];
  return createHash("sha256").update(JSON.stringify(all)).digest();
}
