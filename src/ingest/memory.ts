import type { Logger, ResolvedOptions } from "../config/index.js";
import { flatDimension, type ExpertManifest, type ModelPack } from "../models/index.js";

/** What one decoder (ffmpeg) takes that gives sound, in bytes. */
const soundDecoderBytes = 64 * 2 ** 20;

/** What one decoder takes that gives pictures: frames in flight, of large pictures too. */
const pictureDecoderBytes = 320 * 2 ** 20;

/** What a run of an expert takes for each byte of its input: layers in between, copies between threads. */
const bytesForEachInputByte = 24;

/** A segment as an object, its vector aside. */
const segmentBytes = 400;

/** Length that is reckoned with until it is known, in seconds. */
const expectedSeconds = 3600;

/** Share of the memory free at the start that jobs may take, when no option says how much. */
const shareOfFree = 0.7;

/** What a process may take before it takes no more jobs, as a share of its container's limit. */
const shareOfLimit = 0.9;

/**
 * Bytes that one job takes beside the models, which all jobs share.
 *
 * @param durationSeconds length of the media
 */
export function bytesOfJob(
  { manifest }: Pick<ModelPack, "manifest">,
  inference: ResolvedOptions["inference"],
  durationSeconds: number,
): number {
  const { experts, segment, sampleRate } = manifest;
  const decoders = new Set(experts.map(({ modality }) => modality));
  let bytes = 0;
  if (decoders.has("audio")) bytes += soundDecoderBytes;
  if (decoders.has("visual")) bytes += pictureDecoderBytes;
  const largest = Math.max(...experts.map((expert) => bytesOfWindow(expert)));
  bytes +=
    inference.batchSize === "auto"
      ? inference.memoryBudgetBytes
      : inference.batchSize * largest * bytesForEachInputByte;
  const segments = (durationSeconds * sampleRate) / segment.hopSamples;
  return Math.round(bytes + segments * (4 * flatDimension(manifest) + segmentBytes));
}

function bytesOfWindow(expert: ExpertManifest): number {
  if (expert.modality === "audio") return 4 * expert.windowSamples;
  return 3 * expert.framesPerWindow * expert.frameWidth * expert.frameHeight;
}

/** Keeps the jobs of one process within its memory. One job is always allowed. */
export class IngestMemory {
  private readonly reckoned = new Map<string, number>();
  private readonly budgetBytes: number;
  private readonly maxRssBytes: number;
  private said: string | null = null;

  constructor(
    /** The pack in use; another one after a change of the index. */
    private readonly pack: () => ModelPack,
    private readonly options: Pick<ResolvedOptions, "ingest" | "inference">,
    private readonly logger: Logger,
    private readonly rss: () => number = () => process.memoryUsage.rss(),
  ) {
    const { memoryBytes, maxRssBytes } = options.ingest;
    this.budgetBytes = memoryBytes ?? Math.round(shareOfFree * process.availableMemory());
    this.maxRssBytes = maxRssBytes ?? shareOfLimit * containerLimit();
  }

  /** A job begins. */
  taken(jobId: string): void {
    this.reckoned.set(jobId, this.bytes(expectedSeconds));
  }

  /** How long a job's media are; null while even that is unknown. */
  measured(jobId: string, durationSeconds: number | null): void {
    if (durationSeconds !== null && this.reckoned.has(jobId)) this.reckoned.set(jobId, this.bytes(durationSeconds));
  }

  /** A job has ended. */
  ended(jobId: string): void {
    this.reckoned.delete(jobId);
  }

  /** Whether another job may be taken beside those that run. The log tells once when not, and once when again. */
  hasRoom(): boolean {
    const rssBytes = this.rss();
    const neededBytes = [...this.reckoned.values()].reduce((sum, bytes) => sum + bytes, this.bytes(expectedSeconds));
    const why =
      rssBytes > this.maxRssBytes
        ? "the process takes more memory than it should"
        : neededBytes > this.budgetBytes
          ? "the memory for jobs is taken"
          : null;
    if (why !== this.said) {
      const { budgetBytes, maxRssBytes } = this;
      const facts = { running: this.reckoned.size, neededBytes, budgetBytes, rssBytes, maxRssBytes };
      if (why === null) this.logger.info(facts, "there is memory for further ingest jobs again");
      else if (rssBytes > maxRssBytes) this.logger.warn(facts, `no further ingest job is taken: ${why}`);
      else this.logger.info(facts, `no further ingest job is taken: ${why}`);
      this.said = why;
    }
    return why === null;
  }

  private bytes(durationSeconds: number): number {
    return bytesOfJob(this.pack(), this.options.inference, durationSeconds);
  }
}

/** Memory limit of the container this runs in, in bytes; infinite outside one. */
function containerLimit(): number {
  // Without a limit, Node gives 0 or a number beyond every machine.
  const limit = process.constrainedMemory();
  return limit === 0 || limit > Number.MAX_SAFE_INTEGER ? Infinity : limit;
}
