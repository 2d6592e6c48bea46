import { mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EarshotOptions } from "../../../src/config/index.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { writeDecoder } from "../../fixtures/decoder-script.js";
import type { AnyData } from "../../fixtures/earshot.js";
import { openIngesting } from "../../fixtures/ingesting.js";
import { sample, type SampleName } from "../../fixtures/media-samples.js";
import { SEEING_PACK, TINY_PACK, WATCHING_PACK } from "../../fixtures/tiny-pack.js";
import { BUNDLED_FFPROBE } from "../../fixtures/tools.js";

type Ingesting = Awaited<ReturnType<typeof openIngesting>>;

async function open(options: EarshotOptions = {}): Promise<Ingesting> {
  const samples = path.dirname(await realpath(await sample("tone.wav")));
  return openIngesting([samples], { modelPack: SEEING_PACK, ...options });
}

async function ingest(test: Ingesting, name: SampleName) {
  return test.ingestFile(await realpath(await sample(name)), name);
}

/** Which experts each segment of a video has, by letters: Vggish Inst R2p1d Scene vggSound. */
async function patterns(test: Ingesting, name: SampleName): Promise<string[]> {
  const { catalog, pack } = test.earshot;
  const video = await catalog.videos.findByExternalId(DEFAULT_TENANT, name);
  const segments = await catalog.segments.ofVideos(pack.id, [video?.id ?? ""]);
  return segments.map(({ ordinal, pattern }) => {
    const experts = [..."virsV"].filter((_, e) => ((pattern >> e) & 1) === 1);
    return `${ordinal} ${experts.join("")}`;
  });
}

describe("ingesting with a pack that hears and sees", () => {
  let test: Ingesting;
  beforeAll(async () => {
    test = await open();
  });
  afterAll(() => test.end());

  it.each([
    ["colours.mp4", 6, ["0 virsV", "1 virsV", "2 virsV", "3 virsV", "4 virsV"]],
    ["colours-only.mp4", 6, ["0 irs", "1 irs", "2 irs", "3 irs", "4 irs"]],
    ["colours-silent.mp4", 6, ["0 irs", "1 irs", "2 irs", "3 irs", "4 irs"]],
    ["colours-without-samples.mkv", 6, ["0 irs", "1 irs", "2 irs", "3 irs", "4 irs"]],
    ["colours-shorter.mp4", 9, ["0 virsV", "1 virsV", "2 vV", "3 vV", "4 vV", "5 vV", "6 vV", "7 vV"]],
    ["colours-late.mp4", 6, ["0 vV", "1 virsV", "2 virsV", "3 virsV", "4 virsV"]],
    ["one-frame.mp4", 0.2, ["0 irs"]],
    ["cover.mp3", 3, ["0 vV", "1 vV"]],
    ["cover.m4a", 3, ["0 vV", "1 vV"]],
    ["unknown-pictures.avi", 6, ["0 vV", "1 vV", "2 vV", "3 vV", "4 vV"]],
  ] as const)("gives each segment of %s, %d s long, the experts it has: %j", async (name, seconds, expected) => {
    expect(await ingest(test, name)).toMatchObject({ state: "COMPLETED", errorCode: null, progress: 1 });
    const found = await patterns(test, name);
    expect(found.slice(0, expected.length)).toEqual(expected);
    // The last frames of AAC may reach beyond the end, and into one segment more.
    expect(found.length - expected.length).toBeLessThanOrEqual(1);
    const video = await test.earshot.catalog.videos.findByExternalId(DEFAULT_TENANT, name);
    expect(Math.abs(video!.durationSeconds! - seconds)).toBeLessThan(0.25);
  });

  it("goes on with the pictures when the sound ends long before", async () => {
    expect(await ingest(test, "colours-longer.mp4")).toMatchObject({ state: "COMPLETED" });
    const all = await patterns(test, "colours-longer.mp4");
    expect(all.slice(0, 2)).toEqual(["0 virsV", "1 virsV"]);
    expect(all.slice(4)).toEqual(["4 irs", "5 irs", "6 irs", "7 irs", "8 irs", "9 irs", "10 irs"]);
  });

  it.each([
    ["text.mp4", "MEDIA_UNREADABLE"],
    ["silent.wav", "MEDIA_SILENT"],
    ["far-pictures.mkv", "MEDIA_TOO_LONG"],
  ] as const)("refuses %s with %s", async (name, errorCode) => {
    expect(await ingest(test, name)).toMatchObject({ state: "FAILED", errorCode, attempts: 1, videoId: null });
  });

  it("finds by what is seen, and when, beside what is heard", async () => {
    await ingest(test, "colours.mp4");
    await ingest(test, "colours-only.mp4");
    const search = async (query: string): Promise<AnyData> => {
      const { data, errors } = await test.run(
        `query ($query: String!) {
          searchVideosByAudio(query: $query, first: 20) {
            edges { score moments { startSeconds endSeconds } node { externalId } }
          }
        }`,
        { query },
      );
      expect(errors).toBeUndefined();
      const edges = data!["searchVideosByAudio"]["edges"] as AnyData[];
      return Object.fromEntries(edges.map((edge) => [edge["node"]["externalId"] as string, edge]));
    };
    const blue = await search("the blue sea");
    for (const name of ["colours.mp4", "colours-only.mp4"]) {
      // Blue from the third second on.
      expect(blue[name].score).toBeGreaterThan(0.9);
      expect(blue[name].moments[0].startSeconds).toBeGreaterThanOrEqual(2);
      expect(blue[name].moments[0].endSeconds).toBeCloseTo(6, 1);
    }
    const red = await search("red");
    expect(red["colours.mp4"].moments[0].startSeconds).toBe(0);
    expect(red["colours.mp4"].moments[0].endSeconds).toBeLessThanOrEqual(4);
    const rumble = await search("rumble");
    expect(rumble["colours.mp4"].score).toBeGreaterThan(0.8);
    // What cannot be heard is scored by what is seen alone, and that says nothing about a rumble.
    expect(rumble["colours-only.mp4"].score).toBeLessThan(rumble["colours.mp4"].score - 0.2);
  });

  it("tells of its experts through the API", async () => {
    const { data } = await test.run("{ modelPacks { index experts { name modality embeddingDimension } } }");
    expect(data!["modelPacks"][0]["experts"][1]).toEqual({ name: "inst", modality: "visual", embeddingDimension: 16 });
  });

  it("ends decoders and models when a job is cancelled, and leaves nothing behind", async () => {
    const { ingest: service, options, catalog } = test.earshot;
    const encoding = new Promise<void>((resolve) => {
      service.events.on("job", ({ stage }) => stage === "ENCODING" && resolve());
    });
    const job = await service.submit({ source: { path: await realpath(await sample("long.mp4")) } }, DEFAULT_TENANT);
    await encoding;
    await service.cancel(DEFAULT_TENANT, job.id);
    // The next job begins when this one has let go.
    await ingest(test, "one-frame.mp4");
    expect(await catalog.videos.find(DEFAULT_TENANT, job.videoId!)).toBeNull();
    expect(await readdir(options.temporaryDirectory)).toEqual([]);
  });
});

describe("ingesting with a pack that only sees", () => {
  it("looks at the pictures, and refuses a file that has none", async () => {
    const test = await open({ modelPack: WATCHING_PACK });
    expect(await ingest(test, "colours.mp4")).toMatchObject({ state: "COMPLETED" });
    const video = await test.earshot.catalog.videos.findByExternalId(DEFAULT_TENANT, "colours.mp4");
    const segments = await test.earshot.catalog.segments.ofVideos(test.earshot.pack.id, [video!.id]);
    expect(segments.map(({ pattern }) => pattern)).toEqual([1, 1, 1, 1, 1]);
    expect(await ingest(test, "tone.wav")).toMatchObject({ state: "FAILED", errorCode: "MEDIA_NO_PICTURES" });
    await test.end();
  });
});

describe("the decoders of an ingest", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "earshot-decoders-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Arguments of the runs of a decoder that read a file. */
  async function runsOf(program: string): Promise<string[]> {
    const lines = (await readFile(`${program}.log`, "utf8")).split("\n");
    return lines.filter((line) => line.includes("pipe:1"));
  }

  it("are one for a pack that only hears, and one for each format of frames besides for one that sees", async () => {
    for (const [name, modelPack, passes] of [
      ["hears", TINY_PACK, ["f32le"]],
      ["sees", SEEING_PACK, ["f32le", "fps=5", "fps=10"]],
    ] as const) {
      const ffmpegPath = await writeDecoder(path.join(folder, name));
      const test = await open({ modelPack, ffmpegPath, ffprobePath: BUNDLED_FFPROBE });
      expect(await ingest(test, "colours.mp4")).toMatchObject({ state: "COMPLETED" });
      await test.end();
      const runs = await runsOf(ffmpegPath);
      expect(runs).toHaveLength(passes.length);
      for (const pass of passes) expect(runs.some((run) => run.includes(pass))).toBe(true);
    }
  });

  it.each([
    ["crashes", "kill -SEGV $$", "MEDIA_DECODER_CRASHED"],
    ["gives nothing", "exec sleep 600", "MEDIA_DECODE_TIMEOUT"],
  ])("are all ended, and the job is tried again, when that of the pictures %s", async (name, onFrames, errorCode) => {
    const ffmpegPath = await writeDecoder(path.join(folder, name.replace(" ", "-")), onFrames);
    const limits = { stallTimeoutSeconds: 1 };
    const test = await open({ ffmpegPath, ffprobePath: BUNDLED_FFPROBE, limits, ingest: { maxAttempts: 2 } });
    expect(await ingest(test, "long.mp4")).toMatchObject({ state: "FAILED", errorCode, attempts: 2 });
    expect(await readdir(test.earshot.options.temporaryDirectory)).toEqual([]);
    expect((await runsOf(ffmpegPath)).filter((run) => run.includes("f32le"))).toHaveLength(2);
    await test.end();
  });
});
