import { Arg, Ctx, Float, Int, Query, Resolver } from "type-graphql";
import { pageComplexity } from "../limits.js";
import { ModelPack } from "../model/types.js";
import { pageInfo } from "../paging.js";
import type { GraphQLServices } from "../services.js";
import { toVideoFilter, VideoFilterInput } from "../video/inputs.js";
import { Video } from "../video/types.js";
import { checkRight } from "../viewer.js";
import { Moment, SearchNotice, SearchNoticeCode, VideoSearchConnection, VideoSearchEdge } from "./types.js";

/** Cost of a search itself, beside what is asked for each video. */
const SEARCH_COST = 50;

const DEFAULT_FIRST = 10;
const DEFAULT_MOMENTS = 3;

/** Query `searchVideosByAudio`. */
@Resolver(() => VideoSearchConnection)
export class SearchResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => VideoSearchConnection, {
    description:
      "Finds videos by what is heard in them. Expected failures are errors with one of these codes in `extensions.code`: QUERY_EMPTY, QUERY_TOO_LONG, FIRST_OUT_OF_RANGE, INVALID_CURSOR, CURSOR_OUTDATED, SEARCH_TOO_DEEP, MIN_RELEVANCE_OUT_OF_RANGE, MOMENTS_PER_VIDEO_OUT_OF_RANGE, INVALID_FILTER, INVALID_ID, FORBIDDEN.",
    complexity: pageComplexity(SEARCH_COST),
  })
  async searchVideosByAudio(
    @Ctx() context: unknown,
    @Arg("query", () => String, {
      description: 'A description of sounds in English, e.g. "a dog barks while rain falls".',
    })
    query: string,
    @Arg("first", () => Int, {
      nullable: true,
      defaultValue: DEFAULT_FIRST,
      description: "The most videos to return, 1 to 100.",
    })
    first: number | null,
    @Arg("after", () => String, {
      nullable: true,
      description:
        "Cursor of the last video of the page before; all other arguments that choose videos must be the same. Behind the first 10,000 videos there are no more pages: SEARCH_TOO_DEEP.",
    })
    after: string | null | undefined,
    @Arg("filter", () => VideoFilterInput, { nullable: true, description: "Which videos to look at." })
    filter: VideoFilterInput | null | undefined,
    @Arg("minRelevance", () => Float, {
      nullable: true,
      description: "Leaves out videos less relevant than this, 0 to 1.",
    })
    minRelevance: number | null | undefined,
    @Arg("momentsPerVideo", () => Int, {
      nullable: true,
      defaultValue: DEFAULT_MOMENTS,
      description: "The most moments to return for each video, 1 to 20.",
    })
    momentsPerVideo: number | null,
  ): Promise<VideoSearchConnection> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "search");
    const page = await this.services.search.search({
      tenant: viewer.tenant,
      query,
      first: first ?? DEFAULT_FIRST,
      momentsPerVideo: momentsPerVideo ?? DEFAULT_MOMENTS,
      filter: toVideoFilter(filter),
      ...(after === null || after === undefined ? {} : { after }),
      ...(minRelevance === null || minRelevance === undefined ? {} : { minRelevance }),
    });
    const edges = page.hits.map((hit) =>
      Object.assign(new VideoSearchEdge(), {
        cursor: hit.cursor,
        score: hit.score,
        relevance: hit.relevance,
        moments: hit.moments.map((moment) => Object.assign(new Moment(), moment)),
        node: Video.from(hit.video),
      }),
    );
    return Object.assign(new VideoSearchConnection(), {
      edges,
      nodes: edges.map(({ node }) => node),
      pageInfo: pageInfo(
        edges.map(({ cursor }) => cursor),
        page.hasNextPage,
        after,
      ),
      notices: page.notices.map((notice) =>
        Object.assign(new SearchNotice(), notice, { code: SearchNoticeCode[notice.code] }),
      ),
      index: ModelPack.from(page.pack),
    });
  }
}
