import "reflect-metadata";
import { GraphQLDateTime } from "graphql-scalars";
import { Field, ID, Float, Int, ObjectType, registerEnumType } from "type-graphql";
import type { ReindexFailure as FailureRecord, ReindexRecord } from "../../catalog/index.js";
import type { IndexStatus } from "../../indexes/index.js";
import { UserError } from "../errors.js";
import { toGlobalId } from "../ids.js";
import { Node } from "../node.js";

/** State of a re-index, as the catalog has it. */
export enum ReindexState {
  RUNNING = "RUNNING",
  PAUSED = "PAUSED",
  READY = "READY",
  COMPLETED = "COMPLETED",
  CANCELLED = "CANCELLED",
  FAILED = "FAILED",
}

registerEnumType(ReindexState, {
  name: "ReindexState",
  description: "Where a re-index stands. The last three are final.",
  valuesConfig: {
    RUNNING: { description: "Videos are being put into the new index." },
    PAUSED: { description: "Someone stopped it for a while." },
    READY: {
      description: "All that can be done is done; the swap waits for someone. New videos are still put into the index.",
    },
    COMPLETED: { description: "Searches use the new index." },
    CANCELLED: { description: "Someone ended it." },
    FAILED: { description: "It could not go on." },
  },
});

@ObjectType({ simpleResolvers: true, description: "How far an index has come that is being built, over all tenants." })
export class ReindexProgress {
  @Field(() => Int, { description: "Indexed videos of the library." })
  total!: number;

  @Field(() => Int, { description: "Those that are in the new index, with their present media." })
  done!: number;

  @Field(() => Int, { description: "Those that could not be put there." })
  failed!: number;

  @Field(() => Float, { description: "Share of the videos that is done, 0 to 1; 1 for an empty library." })
  share!: number;
}

@ObjectType({ simpleResolvers: true, description: "A video that could not be put into the new index." })
export class ReindexFailure {
  @Field(() => String, { description: "The tenant whose video it is." })
  tenant!: string;

  @Field(() => ID, { description: "Id of the video." })
  videoId!: string;

  @Field(() => String, { nullable: true, description: "The platform's own id of the video, if it has one." })
  externalId!: string | null;

  @Field(() => String, { description: "File name of its media." })
  sourceName!: string;

  @Field(() => String, { description: "Stable code of the failure, e.g. `SOURCE_NOT_FOUND`." })
  code!: string;

  @Field(() => String, { description: "The failure in words." })
  message!: string;

  /** The failure as GraphQL shows it. */
  static from(failure: FailureRecord): ReindexFailure {
    return Object.assign(new ReindexFailure(), { ...failure, videoId: toGlobalId("Video", failure.videoId) });
  }
}

@ObjectType({
  implements: Node,
  simpleResolvers: true,
  description:
    "The work of putting all videos into the index of another model pack, beside the index in use, and of changing over to it.",
})
export class Reindex extends Node {
  @Field(() => String, { description: "The index that is built: name and version of its model pack, `name@version`." })
  index!: string;

  @Field(() => String, { nullable: true, description: "The index that was in use when it began." })
  fromIndex!: string | null;

  @Field(() => ReindexState, { description: "Where it stands." })
  state!: ReindexState;

  @Field(() => Boolean, { description: "Whether searches change over by themselves as soon as every video is in." })
  swapAutomatically!: boolean;

  @Field(() => String, {
    nullable: true,
    description: "Stable code of what keeps it from ending, e.g. `REINDEX_INCOMPLETE`; null when nothing does.",
  })
  errorCode!: string | null;

  @Field(() => String, { nullable: true, description: "What keeps it from ending, in words; null when nothing does." })
  errorMessage!: string | null;

  @Field(() => GraphQLDateTime, { description: "When it began." })
  createdAt!: Date;

  @Field(() => GraphQLDateTime, { nullable: true, description: "When it ended; null while it goes on." })
  finishedAt!: Date | null;

  /** The record behind it. */
  readonly record!: ReindexRecord;

  /** The re-index as GraphQL shows it. */
  static from(record: ReindexRecord): Reindex {
    const { id, indexId, fromIndexId, state, ...rest } = record;
    return Object.assign(new Reindex(), {
      ...{ swapAutomatically: rest.swapAutomatically, errorCode: rest.errorCode, errorMessage: rest.errorMessage },
      ...{ createdAt: rest.createdAt, finishedAt: rest.finishedAt },
      id: toGlobalId("Reindex", id),
      index: indexId,
      fromIndex: fromIndexId,
      state: ReindexState[state],
      record,
    });
  }
}

@ObjectType({ simpleResolvers: true, description: "What became of a re-index." })
export class ReindexPayload {
  @Field(() => Reindex, { nullable: true, description: "The re-index as it stands now; null when nothing was done." })
  reindex!: Reindex | null;

  @Field(() => [UserError], { description: "Why nothing was done; empty when it was." })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: "The vectors of one version of a model pack, over all tenants." })
export class Index {
  @Field(() => String, { description: "Name and version of its model pack, `name@version`." })
  name!: string;

  @Field(() => Int, { description: "Length of its vectors." })
  dimension!: number;

  @Field(() => Int, { description: "Segments in it." })
  segmentCount!: number;

  @Field(() => Int, { description: "Videos in it." })
  videoCount!: number;

  @Field(() => Boolean, { description: "Whether searches use it and ingests fill it." })
  live!: boolean;

  @Field(() => Boolean, { description: "Whether a re-index is building it." })
  building!: boolean;

  @Field(() => Boolean, { description: "Whether its model pack is on the server that answers." })
  modelPackIsHere!: boolean;

  /** The index as GraphQL shows it. */
  static from({ id, dimension, count, videos, live, building, packIsHere }: IndexStatus): Index {
    return Object.assign(new Index(), {
      ...{ dimension, live, building },
      name: id,
      segmentCount: count,
      videoCount: videos,
      modelPackIsHere: packIsHere,
    });
  }
}

@ObjectType({ simpleResolvers: true, description: "What became of an index that was to be removed." })
export class DropIndexPayload {
  @Field(() => String, { nullable: true, description: "The index that was removed; null when none was." })
  droppedIndex!: string | null;

  @Field(() => [UserError], { description: "Why it was not removed; empty when it was." })
  userErrors!: UserError[];
}
