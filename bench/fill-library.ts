/**
 * Fills a data directory with made-up videos: `tsx bench/fill-library.ts <folder> <segments>`.
 *
 * A video has 20 segments, one to four sounds one after the other. A segment's embeddings are the text embeddings of its
 * sound with noise, so that vectors come in clusters as real ones do, and queries find something.
 */
import type { CatalogTransaction } from "../src/catalog/index.js";
import type { Earshot } from "../src/earshot.js";
import { createEarshot, newId, processEnvironment, TENANT } from "./product.js";
import { SOUNDS } from "./queries.js";
import { RandomNumbers } from "./random-numbers.js";

const SEGMENTS_PER_VIDEO = 20;
const VIDEOS_PER_TRANSACTION = 50;

const [folder, segments] = process.argv.slice(2);
if (folder === undefined || segments === undefined) throw new Error("usage: fill-library.ts <folder> <segments>");
const earshot = await createEarshot({ env: processEnvironment(), dataDirectory: folder, logLevel: "error" });
try {
  await fill(earshot, Math.ceil(Number(segments) / SEGMENTS_PER_VIDEO));
} finally {
  await earshot.close();
}

async function fill({ catalog, encoder, pack, vectors }: Earshot, videos: number): Promise<void> {
  const { segment, sampleRate, experts } = pack.manifest;
  const hop = segment.hopSamples / sampleRate;
  const length = segment.lengthSamples / sampleRate;
  const sounds = (await Promise.all(SOUNDS.map((sound) => encoder.encodeText(sound)))).map((query) => query.embeddings);
  const random = new RandomNumbers(1);
  const everyExpert = 2 ** experts.length - 1;

  const addVideo = async (tx: CatalogTransaction, number: number): Promise<void> => {
    const title = `Video ${number}`;
    const details = {
      title,
      metadata: { number },
      sourceName: `${number}.mp4`,
      source: { kind: "path", path: `/nowhere/${number}.mp4` } as const,
    };
    const video = await catalog.videos.create(tx, { ...details, tenant: TENANT, externalId: `bench-${number}` });
    const parts = Array.from({ length: 1 + random.below(4) }, () => ({
      sound: sounds[random.below(sounds.length)]!,
      share: 0.3 + 0.6 * random.uniform(),
    }));
    const rows = Array.from({ length: SEGMENTS_PER_VIDEO }, (_, ordinal) => {
      const { sound, share } = parts[Math.floor((ordinal * parts.length) / SEGMENTS_PER_VIDEO)]!;
      // The second expert has longer windows and often none in the last segment.
      const pattern = ordinal === SEGMENTS_PER_VIDEO - 1 && number % 4 === 0 ? 1 : everyExpert;
      const vector = Float32Array.from(
        sound.flatMap((embedding, e) => {
          const near = random.near(embedding, share);
          return Array.from(near, (x) => (pattern & (1 << e) ? x : 0));
        }),
      );
      const startSeconds = ordinal * hop;
      return { id: newId(), ordinal, startSeconds, endSeconds: startSeconds + length, pattern, vector };
    });
    const points = rows.map(({ id, ordinal, pattern, vector }) => ({
      segmentId: id,
      videoId: video.id,
      tenant: TENANT,
      ordinal,
      pattern,
      vector,
    }));
    // Staged inside the transaction, which the local engine does not mind; never published: nobody searches here.
    const staged = await vectors.stageVideo(pack.id, TENANT, video.id, points);
    const indexedAt = new Date();
    await catalog.segments.replaceForVideo(
      tx,
      { indexId: pack.id, videoId: video.id, tenant: TENANT, generation: staged.generation, mediaVersion: indexedAt },
      rows.map(({ vector: _, ...row }) => row),
    );
    const durationSeconds = (SEGMENTS_PER_VIDEO - 1) * hop + length;
    await catalog.videos.markIndexed(tx, video.id, { ...details, durationSeconds, indexedAt });
    await staged.commit(tx);
  };

  for (let first = 0; first < videos; first += VIDEOS_PER_TRANSACTION) {
    await catalog.transaction(async (tx) => {
      for (let number = first; number < Math.min(videos, first + VIDEOS_PER_TRANSACTION); number++) {
        await addVideo(tx, number);
      }
    });
  }
}
