import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from "type-graphql";
import { withUserErrors } from "../errors.js";
import { localId } from "../ids.js";
import { pageComplexity } from "../limits.js";
import { checkFirst, DEFAULT_PAGE_SIZE, decodeAgeCursor, encodeAgeCursor, pageOf } from "../paging.js";
import type { GraphQLServices } from "../services.js";
import { Video } from "../video/types.js";
import { checkRight } from "../viewer.js";
import { IngestVideoInput, RetryIngestJobInput } from "./inputs.js";
import { IngestJob, IngestJobConnection, IngestJobState, IngestVideoPayload, RetryIngestJobPayload } from "./types.js";

/** Name of the list in its cursors. */
const LIST = "jobs";

/** Queries `ingestJob` and `ingestJobs`, mutations `ingestVideo` and `retryIngestJob`. */
@Resolver(() => IngestJob)
export class IngestResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => IngestJob, { nullable: true, description: "One ingest job; null when there is none with that id." })
  async ingestJob(
    @Ctx() context: unknown,
    @Arg("id", () => ID, { description: "Id of the job." }) id: string,
  ): Promise<IngestJob | null> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "read");
    const record = await this.services.catalog.jobs.find(viewer.tenant, localId("IngestJob", id, "id"));
    return record === null ? null : IngestJob.from(record);
  }

  @Query(() => IngestJobConnection, { description: "Ingest jobs, newest first.", complexity: pageComplexity(1) })
  async ingestJobs(
    @Ctx() context: unknown,
    @Arg("first", () => Int, {
      nullable: true,
      defaultValue: DEFAULT_PAGE_SIZE,
      description: "The most jobs to return, 1 to 100.",
    })
    first: number | null,
    @Arg("after", () => String, { nullable: true, description: "Cursor of the last job of the page before." })
    after: string | null | undefined,
    @Arg("state", () => IngestJobState, { nullable: true, description: "Only jobs in this state." })
    state: IngestJobState | null | undefined,
  ): Promise<IngestJobConnection> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "read");
    const size = first ?? DEFAULT_PAGE_SIZE;
    checkFirst(size);
    const { jobs } = this.services.catalog;
    const filter = state === null || state === undefined ? {} : { state };
    const position = after === null || after === undefined ? undefined : decodeAgeCursor(LIST, after);
    const records = await jobs.list(viewer.tenant, filter, size + 1, position);
    const page = pageOf(
      records,
      { size, after },
      (record) => encodeAgeCursor(LIST, record),
      (record) => IngestJob.from(record),
    );
    return Object.assign(new IngestJobConnection(), {
      ...page,
      countAll: () => jobs.count(viewer.tenant, filter),
    });
  }

  @Mutation(() => IngestVideoPayload, {
    description:
      "Submits a video and returns at once; the job goes on in the background. A video with the same external id is replaced once the job is done, and stays as it is should the job fail.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  async ingestVideo(
    @Ctx() context: unknown,
    @Arg("input", () => IngestVideoInput, { description: "The video." }) input: IngestVideoInput,
  ): Promise<IngestVideoPayload> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "ingest");
    const { result, userErrors } = await withUserErrors(() =>
      this.services.ingest.submit(
        {
          source: input.source,
          externalId: input.externalId ?? null,
          title: input.title ?? null,
          metadata: input.metadata ?? null,
          priority: input.priority ?? null,
          requestId: viewer.requestId,
        },
        viewer.tenant,
      ),
    );
    const video = result?.videoId ? await viewer.loaders.video.load(result.videoId) : null;
    return Object.assign(new IngestVideoPayload(), {
      job: result === null ? null : IngestJob.from(result),
      video: video === null ? null : Video.from(video),
      userErrors,
    });
  }

  @Mutation(() => RetryIngestJobPayload, {
    description:
      "Does again, as a new job with all its attempts, what a job was asked to do that failed or was cancelled. The file has to be where it was.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  async retryIngestJob(
    @Ctx() context: unknown,
    @Arg("input", () => RetryIngestJobInput, { description: "The job." }) input: RetryIngestJobInput,
  ): Promise<RetryIngestJobPayload> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "ingest");
    const { result, userErrors } = await withUserErrors(() =>
      this.services.ingest.retry(viewer.tenant, localId("IngestJob", input.id, "id"), viewer.requestId),
    );
    const job = result === null ? null : IngestJob.from(result);
    return Object.assign(new RetryIngestJobPayload(), { job, userErrors });
  }

  @FieldResolver(() => Video, {
    nullable: true,
    description: "The video; null when it was deleted, or its first ingest failed.",
    complexity: ({ childComplexity }) => 1 + childComplexity,
  })
  async video(@Root() job: IngestJob, @Ctx() context: unknown): Promise<Video | null> {
    if (job.videoId === null) return null;
    const record = await (await this.services.viewerOf(context)).loaders.video.load(job.videoId);
    return record === null ? null : Video.from(record);
  }
}

/** Field `totalCount` of a page of jobs. */
@Resolver(() => IngestJobConnection)
export class IngestJobConnectionResolver {
  @FieldResolver(() => Int, { description: "Number of jobs on all pages together." })
  async totalCount(@Root() connection: IngestJobConnection): Promise<number> {
    return connection.countAll();
  }
}
