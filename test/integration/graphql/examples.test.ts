import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { getOperationAST, OperationTypeNode, parse, subscribe } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toGlobalId } from "../../../src/graphql/ids.js";
import { operationCheck } from "../../../src/graphql/limits.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import {
  addScoredVideo,
  openTestEarshot,
  TEST_PACK_WORD,
  type AnyData,
  type TestEarshot,
} from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { addPackVersion } from "../../fixtures/pack-versions.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";
import { OtherProcess } from "../../fixtures/stored-evaluations.js";

const FOLDER = fileURLToPath(new URL("../../../schema/examples/", import.meta.url));
/** Pitch of the tones that stand for "alarm". */
const TONE_HERTZ = 2000;
const files = (await readdir(FOLDER)).filter((name) => name.endsWith(".graphql")).sort();

/** Examples that change what the others use come last, in the order in which one does these things. */
const last = [
  ...["cancel-reindex", "start-reindex", "reindex", "pause-reindex", "resume-reindex", "swap-index", "drop-index"],
  "delete-video",
].map((name) => `${name}.graphql`);
const inOrder = [...files.filter((name) => !last.includes(name)), ...last];

describe("schema/examples", () => {
  let test: TestEarshot;
  let evaluationRoot: string;
  const values: Record<string, string> = {};

  beforeAll(async () => {
    evaluationRoot = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-examples-")));
    const packs = path.join(evaluationRoot, "packs");
    await addPackVersion(packs, "2.0.0");
    test = await openTestEarshot({ evaluation: { roots: [evaluationRoot] }, modelPackRoots: [packs] });
    await prepareEvaluations();
    await test.earshot.start();
    await writeWav(path.join(test.media, "harbour.wav"), tone(TONE_HERTZ, 8 * SAMPLE_RATE));
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
    await writeFile(path.join(test.media, "broken.wav"), "no sound");
    const broken = await test.earshot.ingest.submit({ source: { path: "broken.wav" } }, DEFAULT_TENANT);
    await test.earshot.ingest.waitFor(DEFAULT_TENANT, broken.id);
    values["$failedJobId"] = toGlobalId("IngestJob", broken.id);
    values["$newModelPack"] = "tiny@2.0.0";
    values["$oldIndex"] = test.earshot.pack.id;
    const reindex = await test.earshot.reindex.begin({ modelPack: "tiny@2.0.0", swapAutomatically: false });
    values["$reindexId"] = toGlobalId("Reindex", reindex.id);
    const known = await test.run(`{
      video(externalId: "harbour-camera-17") { id latestJob { id } }
      searchVideosByAudio(query: "${TEST_PACK_WORD}", first: 1) { edges { cursor } }
    }`);
    values["$mediaPath"] = path.join(test.media, "harbour.wav");
    values["$videoId"] = known.data!["video"].id;
    values["$jobId"] = known.data!["video"].latestJob.id;
    values["$searchCursor"] = known.data!["searchVideosByAudio"].edges[0].cursor;
  });
  afterAll(async () => {
    await test.end();
    await rm(evaluationRoot, { recursive: true });
  });

  /** Makes a small data set, and two completed evaluations, before anything works on those that wait. */
  const prepareEvaluations = async (): Promise<void> => {
    await writeWav(path.join(evaluationRoot, "media", "alarm.wav"), tone(TONE_HERTZ, 3 * SAMPLE_RATE));
    const line = JSON.stringify({ id: "alarm", captions: ["alarm"] });
    await writeFile(path.join(evaluationRoot, "clips.jsonl"), line);
    values["$evaluationMedia"] = path.join(evaluationRoot, "media");
    values["$evaluationCaptions"] = evaluationRoot;
    const other = new OtherProcess(test);
    for (const [seed, name] of ["$evaluationId", "$otherEvaluationId"].entries()) {
      const { id } = await other.run({ order: { seed, series: "an example" } });
      values[name] = toGlobalId("Evaluation", id);
    }
  };

  /** Data of an operation; of a subscription the first that comes. */
  const dataOf = async (operation: string, variables: Record<string, unknown>): Promise<AnyData> => {
    const document = parse(operation);
    const definition = getOperationAST(document)!;
    const { schema, options } = test.earshot;
    operationCheck(options.graphql, schema)({ schema, document, operation: definition, variables });
    if (definition.operation !== OperationTypeNode.SUBSCRIPTION) {
      const { data, errors } = await test.run(operation, variables);
      expect(errors).toBeUndefined();
      return data!;
    }
    const stream = await subscribe({ schema, document, variableValues: variables });
    if (!(Symbol.asyncIterator in stream)) throw new Error(JSON.stringify(stream));
    const first = await stream.next();
    await stream.return();
    if (first.done === true) throw new Error("the subscription told nothing");
    expect(first.value.errors).toBeUndefined();
    return first.value.data!;
  };

  it.each(inOrder)("%s runs, within the usual limits", async (name) => {
    const operation = await readFile(path.join(FOLDER, name), "utf8");
    const variables = await readFile(path.join(FOLDER, name.replace(/graphql$/, "json")), "utf8").catch(() => "{}");
    const filled = JSON.parse(
      // The examples speak of dogs and rain; the pack of the tests knows other words.
      variables.replace(/"query": "[^"]*"/, `"query": "${TEST_PACK_WORD}"`),
      (_key, value: unknown) => (typeof value === "string" ? (values[value] ?? value) : value),
    ) as Record<string, unknown>;
    const answer: AnyData = Object.values(await dataOf(operation, filled))[0];
    expect(answer).not.toBeNull();
    if ("userErrors" in answer) expect(answer.userErrors).toEqual([]);
    // The examples after it are about the one that this has begun.
    if (name === "start-reindex.graphql") values["$reindexId"] = answer.reindex.id;
    if ("edges" in answer) expect(answer.edges).not.toEqual([]);
  });
});
