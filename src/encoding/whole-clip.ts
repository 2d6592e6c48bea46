import type { ExpertManifest, PackManifest } from "../models/index.js";
import { runClipEncoder } from "./clip-encoder.js";
import { runExperts } from "./encoding-run.js";
import { featuresOf } from "./segment-group.js";
import { windowLimits } from "./segments.js";
import { TokenMean } from "./token-mean.js";
import type { EncodedClip, EncodingParts, VideoStreams } from "./types.js";

/** Encodes a clip as one; see {@link Encoder.encodeClip}. */
export async function encodeClip(
  parts: EncodingParts,
  { sound, pictures }: VideoStreams,
  signal?: AbortSignal,
): Promise<EncodedClip | null> {
  const { manifest, inference, silenceThreshold } = parts;
  const listener = sound === undefined ? undefined : new Listener(sound, silenceThreshold);
  const streams: VideoStreams = {
    ...(listener === undefined ? {} : { sound: listener.listen() }),
    ...(pictures === undefined ? {} : { pictures }),
  };
  const collected = manifest.experts.map((expert) => new CollectedTokens(expert));
  const listens = manifest.experts.some(({ name, modality }) => modality === "audio" && parts.experts.has(name));
  const isFull = () =>
    manifest.experts.every((expert, e) => {
      const stream = expert.modality === "audio" ? sound : pictures;
      return stream === undefined || !parts.experts.has(expert.name) || collected[e]!.isFull;
    });
  const isSilent = () => listens && listener?.isSilent === true;

  const pieces = runExperts(inPieces(parts), streams, (segments) => featuresOf(manifest, segments), signal);
  for await (const { result } of pieces) {
    for (const features of result) features.forEach((tokens, e) => collected[e]!.add(tokens));
    // As long as nothing was heard it is open whether the clip is silent throughout.
    if (isFull() && !isSilent()) break;
  }
  const features = manifest.experts.map(({ modality }, e) =>
    modality === "audio" && isSilent() ? [] : collected[e]!.pieces,
  );
  if (features.every((tokens) => tokens.length === 0)) return null;
  const [clip] = await runClipEncoder(manifest, inference, [features], signal);
  return clip!;
}

/**
 * The parts that cut a stream into pieces of one hop, each with the windows that start in it: together they are all windows
 * of the stream, in order and once each. Silence is part of a clip.
 */
function inPieces(parts: EncodingParts): EncodingParts {
  const { segment, experts } = parts.manifest;
  const manifest: PackManifest = {
    ...parts.manifest,
    segment: { lengthSamples: segment.hopSamples, hopSamples: segment.hopSamples },
    experts: experts.map((expert) =>
      expert.modality === "audio" ? { ...expert, windowsPerSegment: segment.hopSamples / expert.hopSamples } : expert,
    ),
  };
  return { ...parts, manifest, silenceThreshold: 0, tokenLimit: "stream" };
}

/** The tokens of one expert that a clip encoder takes, in memory that does not grow with the clip. */
class CollectedTokens {
  private readonly kept: Float32Array[] = [];
  private readonly mean: TokenMean | undefined;
  private readonly most: number;
  private windows = 0;

  constructor(expert: ExpertManifest) {
    this.mean = expert.aggregation === "average" ? new TokenMean(expert.featureDim) : undefined;
    this.most = windowLimits(expert, "stream").inStream;
  }

  /** Whether no further window counts. */
  get isFull(): boolean {
    return this.windows >= this.most;
  }

  /** The tokens, or their mean; nothing when there were none. */
  get pieces(): readonly Float32Array[] {
    if (this.mean === undefined || this.windows === 0) return this.kept;
    return [this.mean.value()];
  }

  /** Adds the tokens of windows. */
  add(windows: readonly Float32Array[]): void {
    this.windows += windows.length;
    if (this.mean === undefined) this.kept.push(...windows);
    else for (const tokens of windows) this.mean.add(tokens);
  }
}

/** Passes sound on, and tells whether anything was heard so far. */
class Listener {
  isSilent = true;

  constructor(
    private readonly sound: AsyncIterable<Float32Array>,
    private readonly threshold: number,
  ) {}

  async *listen(): AsyncGenerator<Float32Array, void, undefined> {
    for await (const chunk of this.sound) {
      if (this.isSilent && chunk.some((sample) => Math.abs(sample) >= this.threshold)) this.isSilent = false;
      yield chunk;
    }
  }
}
