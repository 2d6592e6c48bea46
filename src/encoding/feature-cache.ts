import { createHash, randomUUID } from "node:crypto";
import { mkdir, utimes } from "node:fs/promises";
import path from "node:path";
import { externalDataFile, type ExpertManifest, type InferencePool, type PackManifest } from "../models/index.js";
import type { Observe } from "../telemetry/index.js";
import { FeatureFile } from "./feature-file.js";
import { FolderLimit } from "./folder-limit.js";

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
  /** Whether GPUs may round to TF32: other features than those of the CPU. */
  cudaTf32: boolean;
  logger: { warn(details: object, message: string): void };
  /** Told of every expert and media file whether its features were all there. */
  observe: Observe;
}

const ENTRY = ".features";
const TEMPORARY = ".writing";

/** The experts that take part, and where they run. */
export interface CachedExperts {
  manifest: PackManifest;
  /** Their names. */
  experts: ReadonlySet<string>;
  inference: Pick<InferencePool, "executionProviders">;
}

/**
 * Keeps what experts made of media files, so that another pack with the same experts need not run them again. Nothing that
 * fails here ends the work: the experts then run. Close it when done.
 */
export class FeatureCache {
  private readonly limit: FolderLimit;
  /** Files that are open. */
  private readonly files = new Set<FeatureFile>();
  /** What is being done in the folder. */
  private readonly pending = new Set<Promise<unknown>>();
  private isClosed = false;

  constructor(private readonly parts: FeatureCacheParts) {
    const { folder, maxBytes, logger } = parts;
    this.limit = new FolderLimit({
      folder,
      maxBytes,
      counted: ENTRY,
      temporary: TEMPORARY,
      onError: (err) => logger.warn({ err }, "the folder of stored features could not be held to its size"),
    });
  }

  /**
   * Opens the features of a media file.
   *
   * @param media undefined: its features are not kept
   */
  async open(parts: CachedExperts, media: CacheableMedia | undefined): Promise<CachedFeatures> {
    const files = new Map<string, FeatureFile>();
    if (media !== undefined) {
      for (const expert of parts.manifest.experts.filter(({ name }) => parts.experts.has(name))) {
        const file = await this.attempt("read", () => this.openFile(this.keyOf(parts, expert, media.key), expert));
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
        for (const file of files.values()) {
          await file.close();
          this.files.delete(file);
        }
      },
    };
  }

  /** Gives up what was not kept, and leaves the folder alone from now on, whatever is still being encoded. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.allSettled(this.pending);
    await Promise.all([...this.files].map((file) => file.close()));
    await this.limit.close();
  }

  private async openFile(key: Buffer, expert: ExpertManifest): Promise<FeatureFile> {
    const { folder } = this.parts;
    await mkdir(folder, { recursive: true });
    // The first time this looks whether what lies there is too much.
    this.limit.count(0);
    const file = path.join(folder, key.toString("hex"));
    const opened = await FeatureFile.open({
      path: `${file}${ENTRY}`,
      temporaryPath: `${file}.${randomUUID()}${TEMPORARY}`,
      key,
      width: expert.tokensPerWindow * expert.featureDim,
      maxBytes: this.limit.largestFile,
    });
    this.files.add(opened);
    const now = new Date();
    // Its last use, which the file system does not tell reliably by itself.
    await utimes(`${file}${ENTRY}`, now, now).catch(() => undefined);
    return opened;
  }

  private async keep(file: FeatureFile): Promise<void> {
    const { isHit: hit } = file;
    if (hit !== undefined) this.parts.observe({ kind: "cache", cache: "features", hit });
    this.limit.count(await file.keep());
  }

  /** Everything that an expert's features of a media file depend on. */
  private keyOf({ manifest, inference }: CachedExperts, expert: ExpertManifest, mediaKey: string): Buffer {
    const { files, sampleRate } = manifest;
    const graph = [expert.file, externalDataFile(expert.file)].map((name) => files[name]?.sha256 ?? null);
    const { modality, tokensPerWindow, featureDim } = expert;
    const input =
      expert.modality === "audio"
        ? [sampleRate, expert.windowSamples, expert.hopSamples]
        : [expert.framesPerSecond, expert.frameWidth, expert.frameHeight, expert.framesPerWindow, expert.hopFrames];
    const isRounded = this.parts.cudaTf32 && inference.executionProviders.includes("cuda");
    const all = [graph, modality, tokensPerWindow, featureDim, input, isRounded, mediaKey];
    return createHash("sha256").update(JSON.stringify(all)).digest();
  }

  /** @returns undefined when it failed or the cache is closed */
  private async attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.isClosed) return undefined;
    const done = work();
    this.pending.add(done);
    try {
      return await done;
    } catch (error) {
      this.parts.logger.warn({ err: error }, `stored features could not be ${what}; the experts run without them`);
      return undefined;
    } finally {
      this.pending.delete(done);
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
