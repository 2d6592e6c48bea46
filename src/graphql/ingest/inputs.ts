import "reflect-metadata";
import { GraphQLJSONObject } from "graphql-scalars";
import { Field, ID, InputType } from "type-graphql";
import { IngestPriority } from "./types.js";

@InputType({ description: "Where a video comes from: exactly one field must be given." })
export class VideoSourceInput {
  @Field(() => String, {
    nullable: true,
    description: "Path of a file on the server, inside one of its configured media roots.",
  })
  path?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Address of a file. This version refuses it with the code `SOURCE_URL_UNSUPPORTED`.",
  })
  url?: string | null;
}

@InputType({ description: "A video to make searchable." })
export class IngestVideoInput {
  @Field(() => VideoSourceInput, { description: "Where the video comes from." })
  source!: VideoSourceInput;

  @Field(() => String, {
    nullable: true,
    description:
      "The platform's own id of the video. A second submission with the same external id replaces the video's segments, title and metadata.",
  })
  externalId?: string | null;

  @Field(() => String, { nullable: true, description: "Title to show." })
  title?: string | null;

  @Field(() => GraphQLJSONObject, {
    nullable: true,
    description: "Free-form facts, for filters and for the platform itself.",
  })
  metadata?: Record<string, unknown> | null;

  @Field(() => IngestPriority, {
    nullable: true,
    defaultValue: IngestPriority.NORMAL,
    description: "How soon the video is to be taken.",
  })
  priority?: IngestPriority | null;
}

@InputType({ description: "An ingest job to try again." })
export class RetryIngestJobInput {
  @Field(() => ID, { description: "Id of a job that failed or was cancelled." })
  id!: string;
}
