import type { ClipFeatures } from "../../encoding/index.js";
import type { ClipOutcome } from "./outcome.js";
import { takesPart, withoutCaption, type Plan } from "./plan.js";
import type { ClipParts, ClipWork } from "./types.js";

/** Clips that are encoded together. A block that was broken off is encoded anew: it decides the rounding. */
const BLOCK = 64;

/**
 * Clips by the features of their data set. The plan's work throws FeaturesDoNotFitError, DatasetInvalidError, and the errors
 * of inference.
 */
export function planFeatures(parts: ClipParts, work: ClipWork): Plan {
  const { clips } = work.dataset;
  return {
    resumeAt: (done) => (done === clips.length ? done : done - (done % BLOCK)),
    *blocksFrom(first) {
      for (let from = first; from < clips.length; from += BLOCK) {
        yield Array.from({ length: Math.min(BLOCK, clips.length - from) }, (_, i) => from + i);
      }
    },
    async encode(places, signal) {
      const taking = places.filter((place) => takesPart(place, work));
      const encoded = await encode(parts, work, taking, signal);
      const outcomes = new Map(taking.map((place, i) => [place, encoded[i]!]));
      return { outcomes: places.map((place) => outcomes.get(place) ?? withoutCaption), seconds: 0 };
    },
  };
}

async function encode(
  { pack, encoder }: ClipParts,
  { dataset: { clips, features }, experts }: ClipWork,
  places: readonly number[],
  signal: AbortSignal,
): Promise<ClipOutcome[]> {
  const names = pack.manifest.experts.map(({ name }) => name).filter((name) => experts?.includes(name) ?? true);
  const read: ClipFeatures[] = [];
  for (const place of places) {
    signal.throwIfAborted();
    const { row } = clips[place]!;
    const found = names.map(async (name) => [name, row < 0 ? null : await (features?.[name]?.read(row) ?? null)]);
    read.push(Object.fromEntries(await Promise.all(found)) as ClipFeatures);
  }
  const encoded = await encoder.encodeFeatures(read, signal);
  return encoded.map(({ pattern, vector }, i): ClipOutcome => {
    if (clips[places[i]!]!.row < 0) return { missing: "notFound", reason: "The data set has no features of it." };
    if (pattern === 0) return { missing: "withoutExpert", reason: "No expert that takes part has features of it." };
    return { rows: [{ pattern, vector, segment: null }] };
  });
}
