import { copyFile } from "node:fs/promises";
import path from "node:path";
import { pino } from "pino";
import { expect, it } from "vitest";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { openTestEarshot, TEST_PACK_WORD } from "../../fixtures/earshot.js";
import { sample } from "../../fixtures/media-samples.js";

it("a process that leaves the work to others needs no ffmpeg, and opens no model but that of the texts", async () => {
  const opened: string[] = [];
  const logger = pino(
    { level: "debug" },
    {
      write: (line: string) => {
        const { models } = JSON.parse(line) as { models?: string[] };
        opened.push(...(models ?? []));
      },
    },
  );
  const idle = { ingest: { work: false }, evaluation: { work: false } };
  const test = await openTestEarshot({ ...idle, ffmpegPath: "/nowhere/ffmpeg", logger });
  try {
    await test.earshot.start();
    await copyFile(await sample("tone.mp4"), path.join(test.media, "tone.mp4"));
    const { id } = await test.earshot.ingest.submit({ source: { path: "tone.mp4" } }, DEFAULT_TENANT);
    await test.earshot.search.search({ tenant: DEFAULT_TENANT, query: TEST_PACK_WORD, first: 1, momentsPerVideo: 1 });
    expect(await test.earshot.catalog.jobs.find(DEFAULT_TENANT, id)).toMatchObject({ state: "PENDING", attempts: 0 });
    expect(opened).toEqual(["text-encoder"]);
    expect((await test.earshot.health()).checks).not.toHaveProperty("ingest");
  } finally {
    await test.end();
  }
});
