import type { Earshot } from "../earshot.js";
import { DEFAULT_TENANT } from "../graphql/viewer.js";
import type { SearchPage } from "../search/index.js";
import type { Console } from "./console.js";
import { percent, span, table } from "./text.js";

/** Options of `earshot search`. */
export interface SearchFlags {
  first: number;
  moments: number;
  minRelevance?: number;
  json?: boolean;
}

/**
 * `earshot search "<words>"`: prints videos and moments, best first.
 *
 * @returns The exit code: 0, also when nothing was found.
 */
export async function searchCommand(
  earshot: Earshot,
  query: string,
  flags: SearchFlags,
  out: Console,
): Promise<number> {
  const page = await earshot.search.search({
    tenant: DEFAULT_TENANT,
    query,
    first: flags.first,
    momentsPerVideo: flags.moments,
    ...(flags.minRelevance === undefined ? {} : { minRelevance: flags.minRelevance }),
  });
  if (flags.json === true) {
    out.print(JSON.stringify(searchJson(page), null, 2));
    return 0;
  }
  for (const { message } of page.notices) out.complain(message);
  if (page.hits.length > 0) {
    for (const line of table(COLUMNS, searchRows(page))) out.print(line);
  } else if ((await earshot.vectors.count(page.pack.id, { tenant: DEFAULT_TENANT })) === 0) {
    out.complain("The library is empty. Fill it with: earshot ingest <file or folder>");
  } else {
    out.complain("No video found.");
  }
  return 0;
}

const COLUMNS = [
  { header: "video" },
  { header: "moment" },
  { header: "score", align: "right" },
  { header: "relevance", align: "right" },
] as const;

/** One row for each moment; the title stands on the first of a video. */
function searchRows(page: SearchPage): string[][] {
  return page.hits.flatMap(({ video, moments }) =>
    moments.map((moment, place) => [
      place === 0 ? (video.title ?? video.externalId ?? video.sourceName) : "",
      span(moment),
      moment.score.toFixed(3),
      percent(moment.relevance),
    ]),
  );
}

function searchJson(page: SearchPage): object {
  return {
    videos: page.hits.map(({ video, score, relevance, moments, cursor }) => ({
      id: video.id,
      externalId: video.externalId,
      title: video.title,
      sourceName: video.sourceName,
      score,
      relevance,
      moments,
      cursor,
    })),
    notices: page.notices,
    index: page.pack.id,
    hasNextPage: page.hasNextPage,
  };
}
