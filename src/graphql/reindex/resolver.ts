import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from "type-graphql";
import type { ReindexRecord } from "../../catalog/index.js";
import { withUserErrors } from "../errors.js";
import { localId } from "../ids.js";
import { checkFirst, DEFAULT_PAGE_SIZE } from "../paging.js";
import type { GraphQLServices } from "../services.js";
import { checkRight, type Viewer } from "../viewer.js";
import { ReindexInput, StartReindexInput, SwapIndexInput } from "./inputs.js";
import { Reindex, ReindexFailure, ReindexPayload, ReindexProgress } from "./types.js";

/** Cost of a look at all videos. */
const PROGRESS_COST = 20;

/** Queries `reindex` and `reindexes`; mutations which begin, stop and end re-indexes. */
@Resolver(() => Reindex)
export class ReindexResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => Reindex, {
    nullable: true,
    description: "One re-index; null when there is none with that id. Needs the right `operator`.",
  })
  async reindex(
    @Ctx() context: unknown,
    @Arg("id", () => ID, { description: "Id of the re-index." }) id: string,
  ): Promise<Reindex | null> {
    await this.operator(context);
    const record = await this.services.catalog.reindexes.find(localId("Reindex", id, "id"));
    return record === null ? null : Reindex.from(record);
  }

  @Query(() => [Reindex], {
    description: "The newest re-indexes, newest first. Needs the right `operator`.",
    complexity: ({ args, childComplexity }) => 1 + Number(args["first"] ?? DEFAULT_PAGE_SIZE) * childComplexity,
  })
  async reindexes(
    @Ctx() context: unknown,
    @Arg("first", () => Int, {
      nullable: true,
      defaultValue: DEFAULT_PAGE_SIZE,
      description: "The most re-indexes to return, 1 to 100.",
    })
    first: number | null,
  ): Promise<Reindex[]> {
    await this.operator(context);
    const size = first ?? DEFAULT_PAGE_SIZE;
    checkFirst(size);
    return (await this.services.catalog.reindexes.list(size)).map((record) => Reindex.from(record));
  }

  @Mutation(() => ReindexPayload, {
    description:
      "Begins to put all videos into the index of another model pack; searches go on with the index in use. Needs the right `operator`.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  startReindex(
    @Ctx() context: unknown,
    @Arg("input", () => StartReindexInput, { description: "The re-index." }) input: StartReindexInput,
  ): Promise<ReindexPayload> {
    return this.payload(context, ({ requestId }) =>
      this.services.reindex.begin({
        modelPack: input.modelPack,
        swapAutomatically: input.swapAutomatically ?? true,
        requestId,
      }),
    );
  }

  @Mutation(() => ReindexPayload, {
    description:
      "Stops a re-index for a while; videos that are being worked on are finished. Needs the right `operator`.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  pauseReindex(
    @Ctx() context: unknown,
    @Arg("input", () => ReindexInput, { description: "The re-index." }) input: ReindexInput,
  ): Promise<ReindexPayload> {
    return this.payload(context, () => this.services.reindex.pause(localId("Reindex", input.id, "id")));
  }

  @Mutation(() => ReindexPayload, {
    description:
      "Goes on with a re-index that was paused, or tries the videos again that failed. Needs the right `operator`.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  resumeReindex(
    @Ctx() context: unknown,
    @Arg("input", () => ReindexInput, { description: "The re-index." }) input: ReindexInput,
  ): Promise<ReindexPayload> {
    return this.payload(context, () => this.services.reindex.resume(localId("Reindex", input.id, "id")));
  }

  @Mutation(() => ReindexPayload, {
    description:
      "Ends a re-index. What is in its index stays there until `dropIndex`, and is used by the next one. Needs the right `operator`.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  cancelReindex(
    @Ctx() context: unknown,
    @Arg("input", () => ReindexInput, { description: "The re-index." }) input: ReindexInput,
  ): Promise<ReindexPayload> {
    return this.payload(context, () => this.services.reindex.cancel(localId("Reindex", input.id, "id")));
  }

  @Mutation(() => ReindexPayload, {
    description:
      "Changes searches and ingests over to the index of a re-index, at once and everywhere. Needs the right `operator`.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  swapIndex(
    @Ctx() context: unknown,
    @Arg("input", () => SwapIndexInput, { description: "The re-index." }) input: SwapIndexInput,
  ): Promise<ReindexPayload> {
    const allowMissing = input.allowMissing ?? false;
    return this.payload(context, () =>
      this.services.reindex.swap(localId("Reindex", input.id, "id"), { allowMissing }),
    );
  }

  @FieldResolver(() => ReindexProgress, {
    description: "How far it has come.",
    complexity: ({ childComplexity }) => PROGRESS_COST + childComplexity,
  })
  async progress(@Root() { record }: Reindex): Promise<ReindexProgress> {
    const { total, done, failed } = await this.services.reindex.progress(record);
    return Object.assign(new ReindexProgress(), { total, done, failed, share: total === 0 ? 1 : done / total });
  }

  @FieldResolver(() => [ReindexFailure], {
    description: "Videos that could not be put into the index, newest failure first.",
    complexity: ({ args, childComplexity }) => 1 + Number(args["first"] ?? DEFAULT_PAGE_SIZE) * childComplexity,
  })
  async failures(
    @Root() { record }: Reindex,
    @Arg("first", () => Int, {
      nullable: true,
      defaultValue: DEFAULT_PAGE_SIZE,
      description: "The most failures to return, 1 to 100.",
    })
    first: number | null,
  ): Promise<ReindexFailure[]> {
    const size = first ?? DEFAULT_PAGE_SIZE;
    checkFirst(size);
    return (await this.services.reindex.failures(record.id, size)).map((failure) => ReindexFailure.from(failure));
  }

  private async payload(context: unknown, work: (viewer: Viewer) => Promise<ReindexRecord>): Promise<ReindexPayload> {
    const viewer = await this.operator(context);
    const { result, userErrors } = await withUserErrors(() => work(viewer));
    return Object.assign(new ReindexPayload(), {
      reindex: result === null ? null : Reindex.from(result),
      userErrors,
    });
  }

  private async operator(context: unknown): Promise<Viewer> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "operator");
    return viewer;
  }
}
