import { existsSync, readdirSync } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { openIngesting } from "../../fixtures/ingesting.js";
import { SEEING_PACK } from "../../fixtures/tiny-pack.js";

/** Real and odd videos, which are not part of the repository. */
const FOLDER = fileURLToPath(new URL("../../../../shared/data/videos", import.meta.url));
const there = existsSync(FOLDER);

/** Seconds of sound for a file that is indexed, the code for one that is refused. */
const outcomes: Record<string, number | string> = {
  "audio-starts-late.mkv": 7.5,
  "bbb-1s.webm": 1,
  "bbb-30s.webm": 30,
  "bbb-5s-surround51.mp4": 5.3,
  "bbb-ac3-surround51.ts": 5,
  "bbb-vfr.mp4": 8,
  "empty.mp4": "MEDIA_EMPTY",
  "flac-audio.mkv": 6.15,
  "flower-no-audio-stream.mp4": "MEDIA_NO_AUDIO",
  "flower-silent-audio.mp4": "MEDIA_SILENT",
  "his-girl-friday.mp4": 6.15,
  "nasa-two-video-two-audio-two-subs.mp4": 13.05,
  "no-duration.webm": 7.8,
  "pcm-u8-8khz.avi": 3.15,
  "physics-lecture-audio-only-51.webm": 203.3,
  "rabbit.mp4": 7.8,
  "rabbit.webm": 7.8,
  "random-bytes.mkv": "MEDIA_UNREADABLE",
  "scene-farm.mp4": 70,
  "scene-kitchen.mp4": 65,
  "scene-quiet-then-siren.mov": 120,
  "scene-rainy-night.mp4": 80,
  "scene-seaside.mkv": 60,
  "scene-workshop.webm": 75,
  "stream-of-water.mp4": 3.15,
  "text-named.mp4": "MEDIA_UNREADABLE",
  "truncated-no-index.mp4": "MEDIA_TRUNCATED",
  "truncated.mp4": 2.5,
  "truncated.webm": 4.55,
  "two-audio-tracks.mkv": 5,
  "very-short-0.2s.mp4": 0.25,
  "webm-named.avi": 1,
  "webm-named.mp4": 7.8,
  "été – eau & rivière (1).mp4": 3.15,
};

describe.skipIf(!there)(`the videos of ../shared/data${there ? "" : " (SKIPPED: the folder is not there)"}`, () => {
  let test: Awaited<ReturnType<typeof openIngesting>>;
  beforeAll(async () => {
    test = await openIngesting([FOLDER]);
  });
  afterAll(() => test.end());

  it("are all in the table", () => {
    const names = readdirSync(FOLDER).filter((name) => !/\.(csv|json)$/.test(name));
    expect(names.map((name) => name.normalize()).sort()).toEqual(Object.keys(outcomes).sort());
  });

  it.each(Object.entries(outcomes))("ends %s with %s", async (name, outcome) => {
    const { catalog, pack } = test.earshot;
    const job = await test.ingestFile(path.join(await realpath(FOLDER), name), name);
    const video = await catalog.videos.findByExternalId(DEFAULT_TENANT, name);
    if (typeof outcome === "string") {
      expect(job).toMatchObject({ state: "FAILED", errorCode: outcome, attempts: 1, videoId: null });
      expect(video).toBeNull();
      return;
    }
    expect(job).toMatchObject({ state: "COMPLETED", errorCode: null, progress: 1 });
    expect(video).toMatchObject({ state: "INDEXED", sourceName: name });
    expect(video?.durationSeconds).toBeGreaterThan(outcome - 0.06);
    expect(video?.durationSeconds).toBeLessThan(outcome + 0.06);
    const segments = await catalog.segments.ofVideos(pack.id, [video?.id ?? ""]);
    expect(segments.length).toBeGreaterThan(0);
    expect(segments.at(-1)?.endSeconds).toBeLessThanOrEqual(video?.durationSeconds ?? 0);
  });

  it("leave no rows and no files behind but those of the indexed ones", async () => {
    const { catalog, pack, options } = test.earshot;
    const indexed = Object.values(outcomes).filter((outcome) => typeof outcome === "number").length;
    expect(await catalog.videos.count(DEFAULT_TENANT, {})).toBe(indexed);
    expect(await catalog.vectors.count(pack.id)).toBe(await catalog.segments.count(pack.id));
    expect(await catalog.jobs.countByState()).toMatchObject({ PENDING: 0, RUNNING: 0, COMPLETED: indexed });
    expect(await readdir(options.temporaryDirectory)).toEqual([]);
  });

  it("are heard at the right time when the sound starts late", async () => {
    const { catalog, pack } = test.earshot;
    const video = await catalog.videos.findByExternalId(DEFAULT_TENANT, "audio-starts-late.mkv");
    const segments = await catalog.segments.ofVideos(pack.id, [video?.id ?? ""]);
    // The first 2.49 s are silence; a segment that ended before would not be indexed.
    expect(segments[0]?.endSeconds).toBeGreaterThan(2.49);
  });
});

/** Bits of the pack's experts: Vggish Inst R2p1d Scene vggSound. */
const HEARS = 0b10001;
const SEES = 0b01110;

describe.skipIf(!there)(`odd ones of these videos with a pack that sees${there ? "" : " (SKIPPED)"}`, () => {
  let test: Awaited<ReturnType<typeof openIngesting>>;
  beforeAll(async () => {
    test = await openIngesting([FOLDER], { modelPack: SEEING_PACK });
  });
  afterAll(() => test.end());

  it.each([
    ["audio-starts-late.mkv", HEARS | SEES],
    ["bbb-ac3-surround51.ts", HEARS | SEES],
    ["bbb-vfr.mp4", HEARS | SEES],
    ["flower-no-audio-stream.mp4", SEES],
    ["flower-silent-audio.mp4", SEES],
    ["nasa-two-video-two-audio-two-subs.mp4", HEARS | SEES],
    ["no-duration.webm", HEARS | SEES],
    ["physics-lecture-audio-only-51.webm", HEARS],
    ["truncated.mp4", HEARS | SEES],
    ["truncated.webm", HEARS | SEES],
    ["very-short-0.2s.mp4", HEARS | SEES],
    ["webm-named.avi", HEARS | SEES],
  ])("give %s the experts %d", async (name, expected) => {
    const job = await test.ingestFile(path.join(await realpath(FOLDER), name), name);
    expect(job).toMatchObject({ state: "COMPLETED", errorCode: null });
    const { catalog, pack } = test.earshot;
    const video = await catalog.videos.findByExternalId(DEFAULT_TENANT, name);
    const segments = await catalog.segments.ofVideos(pack.id, [video?.id ?? ""]);
    expect(segments.reduce((all, { pattern }) => all | pattern, 0)).toBe(expected);
  });
});
