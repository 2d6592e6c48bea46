import "reflect-metadata";
import { GraphQLDateTime, GraphQLJSONObject } from "graphql-scalars";
import { Field, Float, ID, ObjectType, registerEnumType } from "type-graphql";
import type { VideoRecord } from "../../catalog/index.js";
import { UserError } from "../errors.js";
import { toGlobalId } from "../ids.js";
import { Node } from "../node.js";
import { PageInfo } from "../paging.js";

/** State of a video, as the catalog has it. */
export enum VideoState {
  PENDING = "PENDING",
  INDEXED = "INDEXED",
}

registerEnumType(VideoState, {
  name: "VideoState",
  description: "Whether a video can be found.",
  valuesConfig: {
    PENDING: { description: "Never indexed so far: no search finds it." },
    INDEXED: { description: "Its segments are in the index. It stays so while it is ingested again." },
  },
});

@ObjectType({ implements: Node, simpleResolvers: true, description: "A video of the library." })
export class Video extends Node {
  @Field(() => String, {
    nullable: true,
    description: "The platform's own id of the video, unique within the tenant; null when none was given.",
  })
  externalId!: string | null;

  @Field(() => String, { nullable: true, description: "Title; null when none was given." })
  title!: string | null;

  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description: "Free-form facts which the platform gave along; null when none were given.",
  })
  metadata!: Record<string, unknown> | null;

  @Field(() => String, { description: "File name of the source, without its folders." })
  sourceName!: string;

  @Field(() => Float, {
    nullable: true,
    description:
      "Length in seconds of the sound, or of the pictures where the model pack attends to them and they are longer; null until the video was indexed.",
  })
  durationSeconds!: number | null;

  @Field(() => VideoState, { description: "Whether searches find the video." })
  state!: VideoState;

  @Field(() => GraphQLDateTime, { description: "When the video was first submitted." })
  createdAt!: Date;

  @Field(() => GraphQLDateTime, { description: "When anything about the video last changed." })
  updatedAt!: Date;

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: "When it was last indexed; null until it was.",
  })
  indexedAt!: Date | null;

  /** Id in the catalog. */
  localId!: string;

  /** The video as GraphQL shows it. */
  static from(record: VideoRecord): Video {
    return Object.assign(new Video(), {
      id: toGlobalId("Video", record.id),
      localId: record.id,
      externalId: record.externalId,
      title: record.title,
      metadata: record.metadata,
      sourceName: record.sourceName,
      durationSeconds: record.durationSeconds,
      state: VideoState[record.state],
      createdAt: record.createdAt,
      updatedAt: record.updatedAt,
      indexedAt: record.indexedAt,
    });
  }
}

@ObjectType({ simpleResolvers: true, description: "A video in a list." })
export class VideoEdge {
  @Field(() => String, { description: "Place in the list, for `after`." })
  cursor!: string;

  @Field(() => Video, { description: "The video." })
  node!: Video;
}

@ObjectType({ simpleResolvers: true, description: "A page of videos, newest first." })
export class VideoConnection {
  @Field(() => [VideoEdge], { description: "The videos with their cursors." })
  edges!: VideoEdge[];

  @Field(() => [Video], { description: "The videos alone." })
  nodes!: Video[];

  @Field(() => PageInfo, { description: "Where the page lies in the list." })
  pageInfo!: PageInfo;

  /** Counts all videos of the list; run only when a client asks. */
  countAll!: () => Promise<number>;
}

@ObjectType({ simpleResolvers: true, description: "What became of a deletion." })
export class DeleteVideoPayload {
  @Field(() => ID, {
    nullable: true,
    description: "Id of the video that was deleted, with its segments and vectors; null when none was.",
  })
  deletedVideoId!: string | null;

  @Field(() => String, { nullable: true, description: "External id of the deleted video, if it had one." })
  deletedExternalId!: string | null;

  @Field(() => [UserError], { description: "Why nothing was deleted; empty when it was." })
  userErrors!: UserError[];
}
