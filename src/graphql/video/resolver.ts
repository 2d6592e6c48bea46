import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from "type-graphql";
import { OneArgumentNeededError } from "../../errors.js";
import { withUserErrors } from "../errors.js";
import { localId, toGlobalId } from "../ids.js";
import { IngestJob } from "../ingest/types.js";
import { pageComplexity } from "../limits.js";
import { checkFirst, DEFAULT_PAGE_SIZE, decodeAgeCursor, encodeAgeCursor, pageOf } from "../paging.js";
import type { GraphQLServices } from "../services.js";
import { checkRight } from "../viewer.js";
import { DeleteVideoInput, toVideoFilter, VideoFilterInput } from "./inputs.js";
import { DeleteVideoPayload, Video, VideoConnection } from "./types.js";

/** Name of the list in its cursors. */
const LIST = "videos";

/** Queries `video` and `videos`, mutation `deleteVideo`, and the fields of a video that are read on demand. */
@Resolver(() => Video)
export class VideoResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => Video, {
    nullable: true,
    description: "One video, by exactly one of its ids; null when there is none.",
  })
  async video(
    @Ctx() context: unknown,
    @Arg("id", () => ID, { nullable: true, description: "Id of the video." }) id: string | null | undefined,
    @Arg("externalId", () => String, { nullable: true, description: "The platform's own id of the video." })
    externalId: string | null | undefined,
  ): Promise<Video | null> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "read");
    const key = videoKey(id, externalId);
    const record =
      key.id === undefined
        ? await this.services.catalog.videos.findByExternalId(viewer.tenant, key.externalId)
        : await viewer.loaders.video.load(key.id);
    return record === null ? null : Video.from(record);
  }

  @Query(() => VideoConnection, {
    description: "The videos of the library, newest first.",
    complexity: pageComplexity(1),
  })
  async videos(
    @Ctx() context: unknown,
    @Arg("first", () => Int, {
      nullable: true,
      defaultValue: DEFAULT_PAGE_SIZE,
      description: "The most videos to return, 1 to 100.",
    })
    first: number | null,
    @Arg("after", () => String, { nullable: true, description: "Cursor of the last video of the page before." })
    after: string | null | undefined,
    @Arg("filter", () => VideoFilterInput, { nullable: true, description: "Which videos to list." })
    filter: VideoFilterInput | null | undefined,
  ): Promise<VideoConnection> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "read");
    const size = first ?? DEFAULT_PAGE_SIZE;
    checkFirst(size);
    const { videos } = this.services.catalog;
    const videoFilter = toVideoFilter(filter);
    const position = after === null || after === undefined ? undefined : decodeAgeCursor(LIST, after);
    const records = await videos.list(viewer.tenant, videoFilter, size + 1, position);
    const page = pageOf(
      records,
      { size, after },
      (record) => encodeAgeCursor(LIST, record),
      (record) => Video.from(record),
    );
    return Object.assign(new VideoConnection(), {
      ...page,
      countAll: () => videos.count(viewer.tenant, videoFilter),
    });
  }

  @Mutation(() => DeleteVideoPayload, {
    description: "Deletes a video with its segments and vectors, and cancels its jobs. The media file is left alone.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  async deleteVideo(
    @Ctx() context: unknown,
    @Arg("input", () => DeleteVideoInput, { description: "Which video." }) input: DeleteVideoInput,
  ): Promise<DeleteVideoPayload> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "ingest");
    const { result, userErrors } = await withUserErrors(() =>
      this.services.ingest.deleteVideo(viewer.tenant, videoKey(input.id, input.externalId)),
    );
    return Object.assign(new DeleteVideoPayload(), {
      deletedVideoId: result === null ? null : toGlobalId("Video", result.id),
      deletedExternalId: result?.externalId ?? null,
      userErrors,
    });
  }

  @FieldResolver(() => Int, { description: "Number of its segments in the index; silent parts have none." })
  async segmentCount(@Root() video: Video, @Ctx() context: unknown): Promise<number> {
    return (await this.services.viewerOf(context)).loaders.segmentCount.load(video.localId);
  }

  @FieldResolver(() => IngestJob, {
    nullable: true,
    description: "The newest job of the video; null when its jobs were removed.",
    complexity: ({ childComplexity }) => 1 + childComplexity,
  })
  async latestJob(@Root() video: Video, @Ctx() context: unknown): Promise<IngestJob | null> {
    const record = await (await this.services.viewerOf(context)).loaders.latestJob.load(video.localId);
    return record === null ? null : IngestJob.from(record);
  }
}

/** Field `totalCount` of a page of videos. */
@Resolver(() => VideoConnection)
export class VideoConnectionResolver {
  @FieldResolver(() => Int, { description: "Number of videos on all pages together." })
  async totalCount(@Root() connection: VideoConnection): Promise<number> {
    return connection.countAll();
  }
}

/** Exactly one key of a video. */
type VideoKey = { id: string; externalId?: undefined } | { id?: undefined; externalId: string };

/**
 * Reads the one key that was given.
 *
 * @throws OneArgumentNeededError when none or both were, InvalidIdError
 */
function videoKey(id: string | null | undefined, externalId: string | null | undefined): VideoKey {
  if (typeof id === "string" && typeof externalId !== "string") return { id: localId("Video", id, "id") };
  if (typeof externalId === "string" && typeof id !== "string") return { externalId };
  throw new OneArgumentNeededError('Give exactly one of "id" and "externalId".');
}
