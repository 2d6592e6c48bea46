import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLogger } from "../../../src/config/index.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

type Line = Record<string, unknown> & { msg: string };

describe("log lines", () => {
  let lines: Line[];
  let test: TestEarshot;
  const open = async (slowSeconds: number) => {
    lines = [];
    const logger = createLogger("debug", { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
    test = await openTestEarshot({ logger, search: { slowSeconds } });
  };
  beforeEach(() => open(60));
  afterEach(() => test.end());
  const search = (requestId: string) =>
    test.run(
      `{ searchVideosByAudio(query: "${TEST_PACK_WORD} of a secret kind") { nodes { id } } }`,
      {},
      { requestId },
    );

  it("of a request carry its id, and say nothing of the words that were searched for", async () => {
    await Promise.all([search("request-1"), search("request-2")]);
    const searches = lines.filter(({ msg }) => msg === "a search was answered");
    expect(searches.map(({ requestId }) => requestId).sort()).toEqual(["request-1", "request-2"]);
    expect(searches[0]).toMatchObject({ level: 20, tenant: DEFAULT_TENANT, hits: 0, index: "tiny@1.0.0" });
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  it("warn of a search that is slower than the option allows", async () => {
    await test.end();
    await open(1e-9);
    await search("request-3");
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 40, msg: "a search was slow", requestId: "request-3" }),
    );
  });

  it("of a job carry its id and that of the request that submitted it, from the first to the last", async () => {
    await writeWav(path.join(test.media, "alarm.wav"), tone(2000, 2 * SAMPLE_RATE));
    const submission = await test.run(
      `mutation { ingestVideo(input: { source: { path: "alarm.wav" } }) { job { id } userErrors { code } } }`,
      {},
      { requestId: "request-4" },
    );
    expect(submission.errors).toBeUndefined();
    const [job] = await test.earshot.catalog.jobs.list(DEFAULT_TENANT, {}, 1);
    lines.length = 0;
    await test.earshot.start();
    await test.earshot.ingest.waitFor(DEFAULT_TENANT, job!.id);
    const own = () => lines.filter(({ jobId }) => jobId === job!.id);
    // The last line comes after the row's last change.
    await vi.waitFor(() => {
      expect(own().map(({ msg }) => msg)).toEqual(
        expect.arrayContaining(["ingest job taken", "an inference thread is ready", "ingest job completed"]),
      );
    });
    for (const line of own()) expect(line).toMatchObject({ requestId: "request-4" });
  });
});
