/**
 * How well the moments of a search fit the times at which sounds are heard: scenes with known times are ingested, each
 * query is asked through the search service, and the moments found in its scene are measured.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { Earshot } from "../src/earshot.js";
import type { MomentAnswer, Span } from "../src/evaluation/index.js";
import type { BenchContext, Benchmark, Report } from "./benchmark.js";
import { createEarshot, momentMetrics, processEnvironment, TENANT } from "./product.js";
import { rounded } from "./statistics.js";

const MOMENTS_PER_VIDEO = 10;

const scenesSchema = z.array(
  z.object({
    file: z.string(),
    queries: z.array(z.object({ text: z.string(), start_s: z.number(), end_s: z.number() })),
  }),
);

type Scene = z.output<typeof scenesSchema>[number];

export const moments: Benchmark = {
  name: "moments",
  async run(context) {
    const folder = scenesFolder();
    const list = path.join(folder, "scenes.json");
    if (!existsSync(list))
      return { values: [], settings: { skipped: "no scenes.json; name its folder with EARSHOT_SCENES" } };
    const scenes = scenesSchema.parse(JSON.parse(await readFile(list, "utf8")));
    const earshot = await createEarshot({
      env: processEnvironment(),
      dataDirectory: path.join(context.folder, "moments"),
      mediaRoots: [folder],
      logLevel: "error",
    });
    try {
      return await measure(context, earshot, folder, context.quick ? scenes.slice(0, 1) : scenes);
    } finally {
      await earshot.close();
    }
  },
};

/** Scenes with known times: EARSHOT_SCENES, else those of the shared data beside the repository. */
function scenesFolder(): string {
  const env = processEnvironment();
  return path.resolve(env["EARSHOT_SCENES"] ?? path.join(env["EARSHOT_SHARED"] ?? "../shared", "data", "videos"));
}

async function measure(
  { progress }: BenchContext,
  earshot: Earshot,
  folder: string,
  scenes: readonly Scene[],
): Promise<Report> {
  await earshot.start();
  for (const { file } of scenes) {
    const order = { source: { path: path.join(folder, file) }, externalId: file };
    const { id } = await earshot.ingest.submit(order, TENANT);
    const job = await earshot.ingest.waitFor(TENANT, id);
    if (job.state !== "COMPLETED") throw new Error(`the ingest of ${file} ended as ${job.state}: ${job.errorMessage}`);
    progress(`${file} ingested`);
  }
  const answers: MomentAnswer[] = [];
  let sceneFirst = 0;
  for (const scene of scenes) {
    for (const [text, truths] of truthsByText(scene)) {
      const { found, first } = await ask(earshot, text, scene.file);
      answers.push({ truths, found });
      if (first) sceneFirst += 1;
    }
  }
  const { recallAt1, meanAveragePrecision, averagePrecisionAtHalf } = momentMetrics(answers);
  const share = (name: string, value: number) => ({ name, unit: "share", value: rounded(value) });
  return {
    values: [
      share("R1@0.3", recallAt1["0.3"]),
      share("R1@0.5", recallAt1["0.5"]),
      share("R1@0.7", recallAt1["0.7"]),
      share("mAP", meanAveragePrecision),
      share("mAP@0.5", averagePrecisionAtHalf),
      share("right scene first", sceneFirst / answers.length),
    ],
    settings: { pack: earshot.pack.id, scenes: scenes.length, queries: answers.length, moments: MOMENTS_PER_VIDEO },
  };
}

/** The true spans of each query of a scene: the same words may be heard more than once. */
function truthsByText({ queries }: Scene): Map<string, Span[]> {
  const spans = new Map<string, Span[]>();
  for (const { text, start_s, end_s } of queries) {
    spans.set(text, [...(spans.get(text) ?? []), { startSeconds: start_s, endSeconds: end_s }]);
  }
  return spans;
}

/** The moments found in one scene, best first, and whether that scene came before all others. */
async function ask(earshot: Earshot, query: string, file: string): Promise<{ found: Span[]; first: boolean }> {
  const page = await earshot.search.search({ tenant: TENANT, query, first: 100, momentsPerVideo: MOMENTS_PER_VIDEO });
  const place = page.hits.findIndex(({ video }) => video.externalId === file);
  return { found: page.hits[place]?.moments ?? [], first: place === 0 };
}
