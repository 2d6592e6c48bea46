import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { addScoredVideo, openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

const FOLDER = fileURLToPath(new URL("../../../schema/examples/", import.meta.url));
const files = (await readdir(FOLDER)).filter((name) => name.endsWith(".graphql")).sort();

/** The example that removes the video the others use comes last. */
const inOrder = [...files.filter((name) => name !== "delete-video.graphql"), "delete-video.graphql"];

describe("schema/examples", () => {
  let test: TestEarshot;
  const values: Record<string, string> = {};

  beforeAll(async () => {
    test = await openTestEarshot();
    await test.earshot.start();
    await writeWav(path.join(test.media, "harbour.wav"), tone(2000, 8 * SAMPLE_RATE));
    await addScoredVideo(test, { externalId: "other", word: TEST_PACK_WORD, scores: [0.4, 0.3] });
    const job = await test.earshot.ingest.submit(
      {
        source: { path: "harbour.wav" },
        externalId: "harbour-camera-17",
        title: "Harbour",
        metadata: { camera: { site: "harbour" } },
      },
      DEFAULT_TENANT,
    );
    await test.earshot.ingest.waitFor(DEFAULT_TENANT, job.id);
    const known = await test.run(`{
      video(externalId: "harbour-camera-17") { id latestJob { id } }
      searchVideosByAudio(query: "${TEST_PACK_WORD}", first: 1) { edges { cursor } }
    }`);
    values["$mediaPath"] = path.join(test.media, "harbour.wav");
    values["$videoId"] = known.data!["video"].id;
    values["$jobId"] = known.data!["video"].latestJob.id;
    values["$searchCursor"] = known.data!["searchVideosByAudio"].edges[0].cursor;
  });
  afterAll(() => test.end());

  it.each(inOrder)("%s runs", async (name) => {
    const operation = await readFile(path.join(FOLDER, name), "utf8");
    const variables = await readFile(path.join(FOLDER, name.replace(/graphql$/, "json")), "utf8").catch(() => "{}");
    const filled = JSON.parse(
      // The examples speak of dogs and rain; the pack of the tests knows other words.
      variables.replace(/"query": "[^"]*"/, `"query": "${TEST_PACK_WORD}"`),
      (_key, value: unknown) => (typeof value === "string" ? (values[value] ?? value) : value),
    ) as Record<string, unknown>;
    const { data, errors } = await test.run(operation, filled);
    expect(errors).toBeUndefined();
    const answer = Object.values(data!)[0];
    expect(answer).not.toBeNull();
    if ("userErrors" in answer) expect(answer.userErrors).toEqual([]);
    if ("edges" in answer) expect(answer.edges).not.toEqual([]);
  });
});
