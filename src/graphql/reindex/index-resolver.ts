import { Arg, Ctx, Mutation, Query, Resolver } from "type-graphql";
import { withUserErrors } from "../errors.js";
import type { GraphQLServices } from "../services.js";
import { checkRight } from "../viewer.js";
import { DropIndexInput } from "./inputs.js";
import { DropIndexPayload, Index } from "./types.js";

/** Query `indexes`, mutation `dropIndex`. */
@Resolver()
export class IndexResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => [Index], { description: "All indexes, by name. Needs the right `operator`." })
  async indexes(@Ctx() context: unknown): Promise<Index[]> {
    checkRight(await this.services.viewerOf(context), "operator");
    return (await this.services.indexes.list()).map((index) => Index.from(index));
  }

  @Mutation(() => DropIndexPayload, {
    description:
      "Removes an index that is neither in use nor being built; the videos stay. Needs the right `operator`.",
    complexity: ({ childComplexity }) => 10 + childComplexity,
  })
  async dropIndex(
    @Ctx() context: unknown,
    @Arg("input", () => DropIndexInput, { description: "The index." }) input: DropIndexInput,
  ): Promise<DropIndexPayload> {
    checkRight(await this.services.viewerOf(context), "operator");
    const { result, userErrors } = await withUserErrors(async () => {
      await this.services.indexes.drop(input.index);
      return input.index;
    });
    return Object.assign(new DropIndexPayload(), { droppedIndex: result, userErrors });
  }
}
