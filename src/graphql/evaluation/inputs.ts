import "reflect-metadata";
import { Field, ID, InputType, Int } from "type-graphql";
import { ClipScoring, EvaluationDataset, RetrievalDirection } from "./enums.js";

@InputType({ description: "Where the clips of an evaluation come from: exactly one field must be given." })
export class EvaluationSourceInput {
  @Field(() => String, {
    nullable: true,
    description:
      "Folder of features on the server, inside one of its configured evaluation roots: the neutral layout, or the published archives unpacked.",
  })
  features?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Folder of media files on the server, inside one of its configured evaluation roots.",
  })
  media?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      "`true`: the caller's indexed videos, each under its external id, scored as a search scores them. Needs `captions`.",
  })
  index?: boolean | null;
}

@InputType({ description: "What is to be evaluated." })
export class RunEvaluationInput {
  @Field(() => EvaluationDataset, { description: "The benchmark: it decides on layout, splits and protocol." })
  dataset!: EvaluationDataset;

  @Field(() => String, { nullable: true, description: 'Name of the split; "test" when null.' })
  split?: string | null;

  @Field(() => EvaluationSourceInput, { description: "Where the clips come from." })
  source!: EvaluationSourceInput;

  @Field(() => String, {
    nullable: true,
    description:
      "Folder or file of the captions on the server, inside one of its configured evaluation roots; when null, the folder of the features or media.",
  })
  captions?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Folder of a model pack on the server, inside one of its configured evaluation roots, or the name of the pack in use; when null, the pack in use.",
  })
  modelPack?: string | null;

  @Field(() => [String], {
    nullable: true,
    description: "Names of the experts that take part, as if clips had no others; when null, all of the pack.",
  })
  experts?: string[] | null;

  @Field(() => [RetrievalDirection], { nullable: true, description: "What to measure; when null, both directions." })
  directions?: RetrievalDirection[] | null;

  @Field(() => ClipScoring, {
    nullable: true,
    description:
      "What of a clip is scored; when null, `WHOLE_CLIP` for features (the only choice there), `BEST_SEGMENT` for media and the index (there the only choice).",
  })
  clipScoring?: ClipScoring | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "Seed of the draws behind the confidence intervals, from 0; it also tells the runs of one series apart. 0 when null.",
  })
  seed?: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      "Name that the runs of one model, trained from several seeds, share: comparisons give their mean and standard deviations.",
  })
  series?: string | null;

  @Field(() => String, { nullable: true, description: "What the runner wants to remember." })
  notes?: string | null;
}

@InputType({ description: "Which evaluation to cancel." })
export class CancelEvaluationInput {
  @Field(() => ID, { description: "Id of the evaluation." })
  id!: string;
}
