import "reflect-metadata";
import { Field, Float, Int, ObjectType } from "type-graphql";

@ObjectType({ simpleResolvers: true, description: "A clip that could not take part." })
export class MissingClip {
  @Field(() => String, { description: "Id of the clip in the data set." })
  clip!: string;

  @Field(() => String, { description: "Why, in English." })
  reason!: string;
}

@ObjectType({
  simpleResolvers: true,
  description: "Clips of the split that could not take part. They are not in the pool.",
})
export class MissingClips {
  @Field(() => Int, { description: "No file, no features, or no indexed video of that id." })
  notFound!: number;

  @Field(() => Int, { description: "A file is there, but nothing of it can be decoded." })
  unreadable!: number;

  @Field(() => Int, { description: "No expert that takes part heard or saw anything in it." })
  withoutExpert!: number;

  @Field(() => Int, { description: "The data set has no caption for it." })
  withoutCaption!: number;

  @Field(() => [MissingClip], { description: "A few of each, with the reason." })
  examples!: MissingClip[];
}

@ObjectType({ simpleResolvers: true, description: "Where the time went." })
export class EvaluationTimings {
  @Field(() => Float, { description: "Seconds to open model pack and data set." })
  preparingSeconds!: number;

  @Field(() => Float, { description: "Seconds to turn clips into embeddings." })
  encodingClipsSeconds!: number;

  @Field(() => Float, { description: "Seconds to turn captions into embeddings." })
  encodingCaptionsSeconds!: number;

  @Field(() => Float, { description: "Seconds to score, rank and draw the confidence intervals." })
  scoringSeconds!: number;

  @Field(() => Float, {
    nullable: true,
    description:
      "Length in seconds of the media that were encoded in the last attempt; null unless the source is media.",
  })
  mediaSeconds!: number | null;
}

@ObjectType({ simpleResolvers: true, description: "Something worth knowing about the figures." })
export class EvaluationNotice {
  @Field(() => String, { description: "Stable, machine-readable name of the cause, e.g. `TOKEN_LIMITS_DIFFER`." })
  code!: string;

  @Field(() => String, { description: "The notice in words, in English." })
  message!: string;
}
