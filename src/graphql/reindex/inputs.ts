import "reflect-metadata";
import { Field, ID, InputType } from "type-graphql";

@InputType({ description: "A re-index to begin." })
export class StartReindexInput {
  @Field(() => String, {
    description:
      "The model pack: `name@version` of one in the server's `modelPack` and `modelPackRoots`, or its folder there.",
  })
  modelPack!: string;

  @Field(() => Boolean, {
    nullable: true,
    description: "Whether searches change over by themselves as soon as every video is in; yes when null.",
  })
  swapAutomatically?: boolean | null;
}

@InputType({ description: "Names a re-index." })
export class ReindexInput {
  @Field(() => ID, { description: "Id of the re-index." })
  id!: string;
}

@InputType({ description: "A re-index whose index searches are to use." })
export class SwapIndexInput {
  @Field(() => ID, { description: "Id of the re-index." })
  id!: string;

  @Field(() => Boolean, {
    nullable: true,
    description: "Also when videos are missing from it, which searches then no longer find; no when null.",
  })
  allowMissing?: boolean | null;
}

@InputType({ description: "An index to remove." })
export class DropIndexInput {
  @Field(() => String, { description: "The index: name and version of its model pack, `name@version`." })
  index!: string;
}
