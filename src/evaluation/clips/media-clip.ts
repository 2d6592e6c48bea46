import { stat } from "node:fs/promises";
import type { VideoStreams } from "../../encoding/index.js";
import { EarshotError } from "../../errors.js";
import { openMediaFile, type FfmpegTools } from "../../media/index.js";
import type { ResolvedMedia } from "../datasets/index.js";
import type { ClipOutcome, ClipRow } from "./outcome.js";
import type { ClipParts, ClipWork } from "./types.js";

/** A clip after the models, and the seconds of it that were decoded. */
export interface EncodedMedia {
  outcome: ClipOutcome;
  seconds: number;
}

/** Codes of what is wrong with a file in which no expert that takes part hears or sees anything. */
const NOTHING_FOR_EXPERTS = new Set(["MEDIA_SILENT", "MEDIA_NO_AUDIO", "MEDIA_NO_PICTURES"]);

/**
 * Encodes a clip from its file. What is wrong with the file is told as its outcome; a failure that may pass is tried once
 * more.
 *
 * @throws FfmpegUnavailableError, the errors of inference, and the signal's reason when aborted
 */
export async function encodeMediaClip(
  parts: ClipParts,
  { scoring, experts }: Pick<ClipWork, "scoring" | "experts">,
  tools: FfmpegTools,
  clip: ResolvedMedia | null,
  signal: AbortSignal,
): Promise<EncodedMedia> {
  if (clip === null) return without("notFound", "There is no file of its name.");
  const attempt = () => encodeFile(parts, { scoring, experts }, tools, clip, signal);
  try {
    return await attempt().catch((error: unknown) => {
      if (isMediaFailure(error) && error.retryable) return attempt();
      throw error;
    });
  } catch (error) {
    if (isMediaFailure(error)) {
      const kind = NOTHING_FOR_EXPERTS.has(error.code) ? "withoutExpert" : "unreadable";
      return without(kind, `${error.code}: ${error.message}`);
    }
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return without("notFound", "Its file is gone.");
    if (code === "EACCES" || code === "EPERM") return without("unreadable", "The server may not read its file.");
    throw error;
  }
}

function without(missing: "notFound" | "unreadable" | "withoutExpert", reason: string): EncodedMedia {
  return { outcome: { missing, reason }, seconds: 0 };
}

/** Whether something is wrong with a file, rather than with the server. */
function isMediaFailure(error: unknown): error is EarshotError {
  return error instanceof EarshotError && error.code.startsWith("MEDIA_");
}

async function encodeFile(
  parts: ClipParts,
  { scoring, experts }: Pick<ClipWork, "scoring" | "experts">,
  tools: FfmpegTools,
  { file, startSeconds, endSeconds }: ResolvedMedia,
  signal: AbortSignal,
): Promise<EncodedMedia> {
  const { pack, options, logger } = parts;
  const request = {
    path: file,
    bytes: (await stat(file)).size,
    sound: attends(parts, experts, "audio"),
    pictures: attends(parts, experts, "visual"),
    sampleRate: pack.manifest.sampleRate,
    ...(startSeconds === null && endSeconds === null ? {} : { span: { startSeconds: startSeconds ?? 0, endSeconds } }),
  };
  const media = await openMediaFile({ tools, options, logger }, request, signal);
  try {
    const found = await encodeStreams(parts, scoring, media.streams, signal);
    if (found.rows.length === 0) throw media.whyNothing();
    return { outcome: { rows: found.rows }, seconds: found.seconds };
  } finally {
    media.close();
  }
}

/** Whether experts that take part attend to sound, or to pictures. */
export function attends(
  { pack }: Pick<ClipParts, "pack">,
  experts: ClipWork["experts"],
  modality: "audio" | "visual",
): boolean {
  return pack.manifest.experts.some(
    (expert) => expert.modality === modality && (experts?.includes(expert.name) ?? true),
  );
}

/** The rows of a clip, none where nothing is heard or seen, and the seconds that were read. */
export async function encodeStreams(
  { pack, encoder }: Pick<ClipParts, "pack" | "encoder">,
  scoring: ClipWork["scoring"],
  streams: VideoStreams,
  signal: AbortSignal,
): Promise<{ rows: ClipRow[]; seconds: number }> {
  const meter = new Meter(pack.manifest.sampleRate);
  const measured = meter.measured(streams);
  const rows: ClipRow[] = [];
  if (scoring === "WHOLE_CLIP") {
    const encoded = await encoder.encodeClip(measured, signal);
    if (encoded !== null) rows.push({ ...encoded, segment: null });
  } else {
    for await (const group of encoder.encodeVideo(measured, undefined, signal)) {
      for (const { pattern, vector, ...segment } of group) rows.push({ pattern, vector, segment });
    }
  }
  return { rows, seconds: meter.seconds };
}

/** Tells how many seconds of a clip are decoded. */
class Meter {
  /** Seconds of the longest stream that have come in. */
  seconds = 0;

  constructor(private readonly sampleRate: number) {}

  /** The same streams, read with the meter. */
  measured({ sound, pictures }: VideoStreams): VideoStreams {
    return {
      ...(sound === undefined ? {} : { sound: this.count(sound, 0, (chunk) => chunk.length / this.sampleRate) }),
      ...(pictures === undefined
        ? {}
        : {
            pictures: {
              startSeconds: pictures.startSeconds,
              open: (format) =>
                this.count(pictures.open(format), pictures.startSeconds, () => 1 / format.framesPerSecond),
            },
          }),
    };
  }

  private async *count<T>(stream: AsyncIterable<T>, start: number, lengthOf: (item: T) => number): AsyncGenerator<T> {
    let reached = start;
    for await (const item of stream) {
      reached += lengthOf(item);
      this.seconds = Math.max(this.seconds, reached);
      yield item;
    }
  }
}
