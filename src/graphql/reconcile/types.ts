import "reflect-metadata";
import { Field, ID, InputType, Int, ObjectType } from "type-graphql";
import type { Reconciliation } from "../../ingest/index.js";
import { UserError } from "../errors.js";
import { toGlobalId } from "../ids.js";

@InputType({ description: "Which index to compare with the catalog." })
export class ReconcileIndexInput {
  @Field(() => String, {
    nullable: true,
    description: "Name of the index, `name@version` of its model pack; the one in use when left out.",
  })
  index?: string | null;

  @Field(() => Boolean, { defaultValue: false, description: "Only count, and change nothing." })
  dryRun!: boolean;
}

@ObjectType({
  simpleResolvers: true,
  description: "A video whose vectors are missing, and which cannot be ingested again by itself.",
})
export class UnmendedVideo {
  @Field(() => ID, { description: "Id of the video." })
  videoId!: string;

  @Field(() => String, { description: "Whose video it is." })
  tenant!: string;

  @Field(() => String, { nullable: true, description: "External id of the video, if it was given one." })
  externalId!: string | null;

  @Field(() => String, { description: "Stable code of what stands in the way, e.g. `SOURCE_NOT_FOUND`." })
  code!: string;

  @Field(() => String, { description: "What stands in the way, in words." })
  message!: string;
}

@ObjectType({
  simpleResolvers: true,
  description: "How the vectors of an index compare with the catalog, over all tenants.",
})
export class IndexReconciliation {
  @Field(() => String, { description: "Name of the index." })
  index!: string;

  @Field(() => Boolean, { description: "Whether it was only counted." })
  dryRun!: boolean;

  @Field(() => Int, { description: "Videos that the catalog has in the index." })
  videos!: number;

  @Field(() => Int, { description: "Segments of those videos." })
  segments!: number;

  @Field(() => Int, { description: "Vectors that the vector engine holds." })
  points!: number;

  @Field(() => Int, {
    description:
      "Of the vectors, those of writes that go on, or that are about to be removed anyway. They were left alone.",
  })
  pendingPoints!: number;

  @Field(() => Int, {
    description: "Of the vectors, those that nothing refers to. They were removed, unless it was only counted.",
  })
  orphanedPoints!: number;

  @Field(() => Int, { description: "Videos of which vectors are missing." })
  incompleteVideos!: number;

  @Field(() => Int, { description: "Of those videos, the ones that wait to be ingested again." })
  queuedVideos!: number;

  @Field(() => Int, { description: "Of those videos, the ones that cannot be ingested again by themselves." })
  unmendedVideos!: number;

  @Field(() => [UnmendedVideo], { description: "The first 100 of those." })
  unmended!: UnmendedVideo[];

  /** The reconciliation as GraphQL shows it. */
  static from({ indexId, unmended, ...counts }: Reconciliation): IndexReconciliation {
    return Object.assign(new IndexReconciliation(), {
      ...counts,
      index: indexId,
      unmended: unmended.map(({ id, ...video }) =>
        Object.assign(new UnmendedVideo(), { ...video, videoId: toGlobalId("Video", id) }),
      ),
    });
  }
}

@ObjectType({ simpleResolvers: true, description: "What came of comparing an index with the catalog." })
export class ReconcileIndexPayload {
  @Field(() => IndexReconciliation, {
    nullable: true,
    description: "What was found and mended; null when it was refused.",
  })
  reconciliation!: IndexReconciliation | null;

  @Field(() => [UserError], { description: "Why it was refused; empty when it was not." })
  userErrors!: UserError[];
}
