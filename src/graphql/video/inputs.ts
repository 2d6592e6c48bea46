import "reflect-metadata";
import { GraphQLDateTime, GraphQLJSON } from "graphql-scalars";
import { Field, ID, InputType } from "type-graphql";
import type { VideoFilter } from "../../catalog/index.js";
import { localId } from "../ids.js";

@InputType("MetadataFilter", { description: "Keeps videos whose metadata have one value at one place." })
export class MetadataFilterInput {
  @Field(() => [String], {
    description: 'Keys from the top of the metadata down to the value, e.g. `["camera", "site"]`.',
  })
  path!: string[];

  @Field(() => GraphQLJSON, { description: "The value to be equal to: a string, a number, or a boolean." })
  equals!: unknown;
}

@InputType("VideoFilter", {
  description:
    "Which videos to look at. A video has to pass every field that is given; an empty list lets none through.",
})
export class VideoFilterInput {
  @Field(() => [ID], { nullable: true, description: "Only videos with one of these ids." })
  ids?: string[] | null;

  @Field(() => [String], { nullable: true, description: "Only videos with one of these external ids." })
  externalIds?: string[] | null;

  @Field(() => GraphQLDateTime, { nullable: true, description: "Only videos submitted at this time or later." })
  createdAfter?: Date | null;

  @Field(() => GraphQLDateTime, { nullable: true, description: "Only videos submitted before this time." })
  createdBefore?: Date | null;

  @Field(() => String, {
    nullable: true,
    description: "Only videos whose title contains this text, whatever the case of its letters A to Z.",
  })
  titleContains?: string | null;

  @Field(() => [MetadataFilterInput], { nullable: true, description: "Only videos whose metadata pass all of these." })
  metadata?: MetadataFilterInput[] | null;
}

@InputType({ description: "Which video to delete: exactly one field must be given." })
export class DeleteVideoInput {
  @Field(() => ID, { nullable: true, description: "Id of the video." })
  id?: string | null;

  @Field(() => String, { nullable: true, description: "External id of the video." })
  externalId?: string | null;
}

/**
 * The filter as the catalog takes it.
 *
 * @throws InvalidIdError when an id is not one of a video.
 */
export function toVideoFilter(input: VideoFilterInput | null | undefined): VideoFilter {
  if (input === null || input === undefined) return {};
  const { ids, externalIds, createdAfter, createdBefore, titleContains, metadata } = input;
  return {
    ...(ids ? { ids: ids.map((id) => localId("Video", id, "filter.ids")) } : {}),
    ...(externalIds ? { externalIds } : {}),
    ...(createdAfter ? { createdAfter } : {}),
    ...(createdBefore ? { createdBefore } : {}),
    ...(titleContains ? { titleContains } : {}),
    ...(metadata ? { metadata: metadata.map(({ path, equals }) => ({ path, equals })) } : {}),
  };
}
