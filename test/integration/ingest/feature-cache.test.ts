import { mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Observation } from "../../../src/telemetry/index.js";
import { openIngesting } from "../../fixtures/ingesting.js";
import { writeWav } from "../../fixtures/media-files.js";
import { addPackVersion } from "../../fixtures/pack-versions.js";
import { inTurn, noise, SAMPLE_RATE, silence, tone } from "../../fixtures/sounds.js";

const OLD = "tiny@1.0.0";
const NEW = "tiny@2.0.0";

describe("the cache of features in a re-index", { timeout: 60_000 }, () => {
  it.each([
    ["spares the experts that both packs share", { maxBytes: 10 ** 7 }],
    ["is off unless it is asked for", undefined],
  ])("%s; every vector is the same to the bit", async (_, featureCache) => {
    const folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-feature-cache-")));
    onTestFinished(() => rm(folder, { recursive: true }));
    const [media, roots] = [path.join(folder, "media"), path.join(folder, "packs")];
    await addPackVersion(roots, "2.0.0");
    const options = { modelPackRoots: [roots], inference: { threads: 1, batchSize: 4 } };
    const test = await openIngesting([media], { ...options, ...(featureCache === undefined ? {} : { featureCache }) });
    onTestFinished(() => test.end());
    const { catalog, events, options: resolved, pack, reindex } = test.earshot;
    const observed: Observation[] = [];
    events.on("observation", (observation) => observed.push(observation));
    /** What happened since the last call. */
    const since = () => {
      const seen = observed.splice(0);
      const hits = seen.flatMap((one) => (one.kind === "cache" && one.cache === "features" ? [one.hit] : []));
      const ran = seen.flatMap((one) =>
        one.kind === "inference" && !one.model.endsWith("-encoder") ? [one.model] : [],
      );
      return { hits, ran: [...new Set(ran)].sort() };
    };
    const vectors = async (index: string) => {
      const found: unknown[] = [];
      for await (const page of catalog.vectors.read(index))
        found.push(...page.map(({ videoId, ordinal, pattern, vector }) => [`${videoId} ${ordinal}`, pattern, vector]));
      return new Map(found.map((entry) => [(entry as [string])[0], entry]));
    };

    const sounds = [
      tone(2000, 6 * SAMPLE_RATE),
      inTurn(noise(SAMPLE_RATE, 1), silence(9 * SAMPLE_RATE), noise(50_000, 2)),
    ];
    for (const [i, sound] of sounds.entries())
      expect((await test.ingestFile(await writeWav(path.join(media, `${i}.wav`), sound))).state).toBe("COMPLETED");
    const experts = pack.manifest.experts.map(({ name }) => name).sort();
    const each = sounds.length * experts.length;
    expect(since()).toEqual({ hits: featureCache === undefined ? [] : Array(each).fill(false), ran: experts });
    const kept = await readdir(path.join(resolved.dataDirectory, "features")).catch(() => []);
    expect(kept).toHaveLength(featureCache === undefined ? 0 : each);

    const { id } = await reindex.begin({ modelPack: NEW });
    await vi.waitFor(async () => expect((await reindex.find(id)).state).toBe("COMPLETED"), {
      timeout: 30_000,
      interval: 50,
    });
    expect(since()).toEqual(
      featureCache === undefined ? { hits: [], ran: experts } : { hits: Array(each).fill(true), ran: [] },
    );
    const before = await vectors(OLD);
    expect(before.size).toBeGreaterThan(4);
    expect(await vectors(NEW)).toEqual(before);
  });
});
