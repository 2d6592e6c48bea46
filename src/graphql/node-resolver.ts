import { Arg, Ctx, ID, Query, Resolver } from "type-graphql";
import { parseGlobalId } from "./ids.js";
import { IngestJob } from "./ingest/types.js";
import { Node } from "./node.js";
import type { GraphQLServices } from "./services.js";
import { Video } from "./video/types.js";
import { checkRight } from "./viewer.js";

/** Query `node`. */
@Resolver()
export class NodeResolver {
  constructor(private readonly services: GraphQLServices) {}

  @Query(() => Node, { nullable: true, description: "Anything that has an id; null when it is gone." })
  async node(
    @Ctx() context: unknown,
    @Arg("id", () => ID, { description: "Id of the thing." }) id: string,
  ): Promise<Node | null> {
    const viewer = await this.services.viewerOf(context);
    checkRight(viewer, "read");
    const parsed = parseGlobalId(id);
    if (parsed.type === "Video") {
      const record = await viewer.loaders.video.load(parsed.id);
      return record === null ? null : Video.from(record);
    }
    const record = await this.services.catalog.jobs.find(viewer.tenant, parsed.id);
    return record === null ? null : IngestJob.from(record);
  }
}
