import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { EarshotOptions } from "../../../src/config/index.js";
import type { HostOptions } from "../../../src/earshot.js";
import { VectorIndexUnavailableError } from "../../../src/errors.js";
import { addScoredVideo, openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";
import { addPackVersion } from "../../fixtures/pack-versions.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";

const TINY = "tiny@1.0.0";

/** How long to wait for what takes its time on a busy machine. */
const PATIENCE = { timeout: 60_000, interval: 50 };

/** A data directory and a folder of packs, and Earshots that share them. */
async function library(): Promise<{
  packs: string;
  open: (options?: EarshotOptions & HostOptions) => Promise<TestEarshot>;
}> {
  const folder = await mkdtemp(path.join(tmpdir(), "earshot-library-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const open = async (options: EarshotOptions & HostOptions = {}) => {
    const test = await openTestEarshot({ dataDirectory: path.join(folder, "data"), ...options });
    onTestFinished(() => test.end());
    return test;
  };
  return { packs: path.join(folder, "packs"), open };
}

/** A logger whose warnings and errors are kept. */
function loggerWithComplaints() {
  const complaints: string[] = [];
  const write = (line: string) => void complaints.push((JSON.parse(line) as { msg: string }).msg);
  return { logger: pino({ level: "warn" }, { write }), complaints };
}

/** Which index a search names, and the titles of what it finds there. */
async function search(test: TestEarshot): Promise<{ index: string; titles: string[] }> {
  const { data, errors } = await test.run(
    `query ($query: String!) { searchVideosByAudio(query: $query) { index { index } nodes { title } } }`,
    { query: TEST_PACK_WORD },
  );
  expect(errors).toBeUndefined();
  const { index, nodes } = data!["searchVideosByAudio"] as { index: { index: string }; nodes: { title: string }[] };
  return { index: index.index, titles: nodes.map(({ title }) => title) };
}

const VIDEO = { externalId: "v", title: "An alarm", word: TEST_PACK_WORD, scores: [0.9] };

describe("the index in use", () => {
  it("is that of the option modelPack at the first start", async () => {
    const { open } = await library();
    const test = await open();
    expect(await search(test)).toEqual({ index: TINY, titles: [] });
    expect(await test.earshot.catalog.liveIndex.find()).toBe(TINY);
  });

  it("of an empty library gives way to that of another modelPack", async () => {
    const { packs, open } = await library();
    await (await open()).earshot.close();
    const test = await open({ modelPack: await addPackVersion(packs, "2.0.0") });
    expect(await search(test)).toEqual({ index: "tiny@2.0.0", titles: [] });
  });

  it("of a library with videos stays in use with its own pack, and the log says how to change over", async () => {
    const { packs, open } = await library();
    const before = await open();
    await addScoredVideo(before, VIDEO);
    await before.earshot.close();
    const { logger, complaints } = loggerWithComplaints();
    const test = await open({
      modelPack: await addPackVersion(packs, "2.0.0"),
      modelPackRoots: [path.dirname(TINY_PACK)],
      logger,
    });
    expect(await search(test)).toEqual({ index: TINY, titles: ["An alarm"] });
    expect(complaints).toEqual([expect.stringContaining('run "earshot reindex --pack tiny@2.0.0"')]);
    expect((await test.earshot.health()).checks.modelPack).toEqual({ ok: true, message: TINY });
  });

  it("is stood in for by modelPack's when its own pack is nowhere; log and health say what to do", async () => {
    const { packs, open } = await library();
    const before = await open();
    await addScoredVideo(before, VIDEO);
    await before.earshot.close();
    const { logger, complaints } = loggerWithComplaints();
    const test = await open({ modelPack: await addPackVersion(packs, "2.0.0"), logger });
    expect(await search(test)).toEqual({ index: "tiny@2.0.0", titles: [] });
    const advice =
      'Put the pack tiny@1.0.0 into a folder of modelPackRoots, or run "earshot reindex --pack tiny@2.0.0"';
    expect(complaints).toEqual([expect.stringContaining(advice)]);
    const { modelPack } = (await test.earshot.health()).checks;
    expect(modelPack.message).toContain(advice);
    // Nothing was decided for good: with its pack back, the library is as it was.
    await test.earshot.close();
    expect(await search(await open())).toEqual({ index: TINY, titles: ["An alarm"] });
  });

  it("of a library from before is the one that holds its videos", async () => {
    const { packs, open } = await library();
    const before = await open();
    await addScoredVideo(before, VIDEO);
    await before.earshot.catalog.transaction(({ prisma }) => prisma.liveIndex.deleteMany());
    await before.earshot.close();
    const test = await open({
      modelPack: await addPackVersion(packs, "2.0.0"),
      modelPackRoots: [path.dirname(TINY_PACK)],
    });
    expect(await search(test)).toEqual({ index: TINY, titles: ["An alarm"] });
  });

  describe("when it is changed by another process", () => {
    const NEXT = "tiny@2.0.0";

    /** A library of which another process has made a second index. */
    async function changing(options: EarshotOptions & HostOptions = {}) {
      const { packs, open } = await library();
      await addPackVersion(packs, "2.0.0");
      const test = await open({ modelPackRoots: [packs], ...options });
      await addScoredVideo(test, VIDEO);
      const change = () =>
        test.earshot.catalog.transaction((tx) => test.earshot.catalog.liveIndex.change(tx, TINY, NEXT));
      return { test, change };
    }

    it("is followed without a search that waits for it to be read", async () => {
      const { test, change } = await changing();
      const { vectors } = test.earshot;
      expect((await search(test)).index).toBe(TINY);
      let read: (() => void) | undefined;
      const held = new Promise<void>((resolve) => (read = resolve));
      const load = vi.spyOn(vectors, "load").mockImplementation(() => held);
      await change();
      await vi.waitFor(async () => {
        expect(await search(test)).toEqual({ index: TINY, titles: ["An alarm"] });
        expect(load).toHaveBeenCalledExactlyOnceWith(NEXT);
      }, PATIENCE);
      read?.();
      await vi.waitFor(async () => expect(await search(test)).toEqual({ index: NEXT, titles: [] }), PATIENCE);
    });

    it("is followed later when it cannot be opened, with one complaint; searches go on, ingests wait", async () => {
      const { logger, complaints } = loggerWithComplaints();
      const { test, change } = await changing({ logger });
      const { vectors, live } = test.earshot;
      const create = vi
        .spyOn(vectors, "create")
        .mockRejectedValue(new VectorIndexUnavailableError("The vector engine does not answer."));
      await change();
      await vi.waitFor(async () => {
        expect(await search(test)).toEqual({ index: TINY, titles: ["An alarm"] });
        expect(create.mock.calls.length).toBeGreaterThan(1);
      }, PATIENCE);
      await expect(live.borrowForIngest()).rejects.toMatchObject({ code: "VECTOR_INDEX_UNAVAILABLE" });
      expect(complaints).toEqual([expect.stringContaining("cannot be opened")]);
      create.mockRestore();
      await vi.waitFor(async () => expect((await search(test)).index).toBe(NEXT), PATIENCE);
    });

    it("is not read into memory by a process that does not search", async () => {
      const { test, change } = await changing({ ingest: { work: false }, evaluation: { work: false } });
      const { vectors, live } = test.earshot;
      const load = vi.spyOn(vectors, "load");
      await test.earshot.start({ search: false });
      await change();
      await live.look();
      expect(live.runtime.pack.id).toBe(NEXT);
      expect(load).not.toHaveBeenCalled();
    });
  });
});
