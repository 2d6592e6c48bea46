import path from "node:path";
import type { Earshot } from "../earshot.js";
import { DEFAULT_TENANT } from "../graphql/viewer.js";
import type { VideoSearchHit } from "../search/index.js";
import type { Console } from "./console.js";
import type { DemoManifest } from "./demo-manifest.js";
import { ingestFiles, type IngestOutcome } from "./follow-jobs.js";
import type { MediaFile } from "./media-files.js";
import { createDisplay } from "./progress.js";
import { percent, span, table } from "./text.js";

/**
 * `earshot demo`: ingests the demo's videos, asks its queries, and tells whether the answers are right.
 *
 * @param directory Folder of the demo's videos.
 * @returns The exit code: 0 when every video was ingested and every expected answer came first.
 */
export async function demoCommand(
  earshot: Earshot,
  directory: string,
  manifest: DemoManifest,
  out: Console,
): Promise<number> {
  const files: MediaFile[] = manifest.videos.map(({ file, title }) => ({
    path: path.join(directory, file),
    externalId: file,
    title,
  }));
  await removeOthers(earshot, files);
  out.print(`Listening to ${files.length} videos with the model pack ${earshot.pack.id}`);
  const failed = await ingest(earshot, files, out);

  out.print();
  const answers: Answer[] = [];
  for (const query of manifest.queries) answers.push(await ask(earshot, query));
  for (const line of table(COLUMNS, answers.map(answerRow))) out.print(line);
  const right = answers.filter((answer) => answer.right).length;
  out.print();
  out.print(`${right} of ${answers.length} expected answers came first`);
  return failed === 0 && right === answers.length ? 0 : 1;
}

async function ingest(earshot: Earshot, files: readonly MediaFile[], out: Console): Promise<number> {
  const display = createDisplay(files.length, out);
  let outcomes: IngestOutcome[];
  try {
    await earshot.start();
    outcomes = await ingestFiles(earshot, files, display.outcome, display.activity);
  } finally {
    display.end();
  }
  return outcomes.filter(({ failure }) => failure !== null).length;
}

/** Removes videos of an earlier demo which this one does not have: they would answer, too. */
async function removeOthers(earshot: Earshot, files: readonly MediaFile[]): Promise<void> {
  const known = new Set(files.map(({ externalId }) => externalId));
  for (const id of await earshot.catalog.videos.findIds(DEFAULT_TENANT, {})) {
    const video = await earshot.catalog.videos.find(DEFAULT_TENANT, id);
    if (video !== null && !known.has(video.externalId ?? "")) await earshot.ingest.deleteVideo(DEFAULT_TENANT, { id });
  }
}

type DemoQuery = DemoManifest["queries"][number];

interface Answer {
  query: DemoQuery;
  /** The video that came first; undefined when nothing was found. */
  hit: VideoSearchHit | undefined;
  right: boolean;
}

async function ask(earshot: Earshot, query: DemoQuery): Promise<Answer> {
  const page = await earshot.search.search({ tenant: DEFAULT_TENANT, query: query.text, first: 1, momentsPerVideo: 1 });
  const hit = page.hits[0];
  return { query, hit, right: hit !== undefined && isExpected(query, hit) };
}

/** Whether the expected video came first, with a best moment in which the sound is heard. */
function isExpected(query: DemoQuery, { video, moments }: VideoSearchHit): boolean {
  const moment = moments[0];
  return (
    video.externalId === query.video &&
    moment !== undefined &&
    moment.startSeconds < query.endSeconds &&
    moment.endSeconds > query.startSeconds
  );
}

const COLUMNS = [
  { header: "" },
  { header: "query" },
  { header: "video" },
  { header: "moment" },
  { header: "score", align: "right" },
  { header: "relevance", align: "right" },
  { header: "expected" },
] as const;

function answerRow({ query, hit, right }: Answer): string[] {
  const moment = hit?.moments[0];
  return [
    right ? "✓" : "✗",
    query.text,
    hit?.video.title ?? "nothing",
    moment === undefined ? "" : span(moment),
    hit?.score.toFixed(3) ?? "",
    hit === undefined ? "" : percent(hit.relevance),
    `${query.video} ${span(query)}`,
  ];
}
