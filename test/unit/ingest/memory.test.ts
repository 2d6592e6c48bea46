import { describe, expect, it } from "vitest";
import { resolveOptions, type EarshotOptions, type Logger } from "../../../src/config/index.js";
import { bytesOfJob, IngestMemory } from "../../../src/ingest/memory.js";
import { loadModelPack } from "../../../src/models/index.js";
import { recordedLog } from "../../fixtures/recorded-log.js";
import { SEEING_PACK, TINY_PACK } from "../../fixtures/tiny-pack.js";

const hearing = await loadModelPack(TINY_PACK);
const { inference } = resolveOptions();
const hour = bytesOfJob(hearing, inference, 3600);

describe("what a job takes", () => {
  it("grows with the length of the media, the batches and the pictures", async () => {
    expect(bytesOfJob(hearing, inference, 36_000)).toBeGreaterThan(hour);
    expect(bytesOfJob(hearing, { ...inference, batchSize: 64 }, 3600)).toBeGreaterThan(hour);
    expect(bytesOfJob(await loadModelPack(SEEING_PACK), inference, 3600)).toBeGreaterThan(hour);
  });

  it("is at least the memory that batches may take, when their size is found by trial runs", () => {
    const memoryBudgetBytes = 10 * 2 ** 30;
    expect(bytesOfJob(hearing, { ...inference, batchSize: "auto", memoryBudgetBytes }, 1)).toBeGreaterThan(
      memoryBudgetBytes,
    );
  });
});

function memoryOf(ingest: EarshotOptions["ingest"], rss = () => 0) {
  const log = recordedLog();
  return { log, memory: new IngestMemory(() => hearing, resolveOptions({ ingest }), log as unknown as Logger, rss) };
}

describe("the memory of a process", () => {
  it("has room for as many jobs as fit, and says once when not, once when again", () => {
    const { memory, log } = memoryOf({ memoryBytes: Math.round(2.5 * hour) });
    memory.taken("a");
    expect(memory.hasRoom()).toBe(true);
    memory.taken("b");
    expect([memory.hasRoom(), memory.hasRoom()]).toEqual([false, false]);
    memory.ended("a");
    expect(memory.hasRoom()).toBe(true);
    expect(log.lines.map(({ message }) => message)).toEqual([
      "no further ingest job is taken: the memory for jobs is taken",
      "there is memory for further ingest jobs again",
    ]);
  });

  it("is reckoned anew when it is known how long the media are", () => {
    const { memory } = memoryOf({ memoryBytes: Math.round(2.5 * hour) });
    memory.taken("a");
    memory.measured("a", 1e7);
    expect(memory.hasRoom()).toBe(false);
    memory.measured("a", 10);
    expect(memory.hasRoom()).toBe(true);
  });

  it("has no room while the process takes more than it should", () => {
    let rss = 2 ** 30 + 1;
    const { memory, log } = memoryOf({ maxRssBytes: 2 ** 30 }, () => rss);
    expect(memory.hasRoom()).toBe(false);
    rss -= 2;
    expect(memory.hasRoom()).toBe(true);
    expect(log.lines[0]).toMatchObject({ level: "warn", details: { rssBytes: 2 ** 30 + 1, maxRssBytes: 2 ** 30 } });
  });
});
