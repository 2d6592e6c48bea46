import { Ctx, FieldResolver, Int, Query, Resolver, Root } from "type-graphql";
import type { GraphQLServices } from "../services.js";
import { checkRight } from "../viewer.js";
import { ModelPack } from "./types.js";

/** Query `modelPacks`, and the counts of a pack's index. */
@Resolver(() => ModelPack)
export class ModelPackResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => [ModelPack], { description: "The model pack of the index in use, which searches use and ingests fill." })
  async modelPacks(@Ctx() context: unknown): Promise<ModelPack[]> {
    checkRight(await this.services.viewerOf(context), "read");
    return this.services.live.use(({ pack }) => Promise.resolve([ModelPack.from(pack)]));
  }

  @FieldResolver(() => Int, { description: "Segments of the caller's videos in its index." })
  async segmentCount(@Root() pack: ModelPack, @Ctx() context: unknown): Promise<number> {
    const { tenant } = await this.services.viewerOf(context);
    return this.services.vectors.count(pack.index, { tenant });
  }
}
