import { Arg, Ctx, ID, Query, Resolver } from "type-graphql";
import { Evaluation } from "./evaluation/types.js";
import { parseGlobalId, type NodeTypeName } from "./ids.js";
import { IngestJob } from "./ingest/types.js";
import { Node } from "./node.js";
import { Reindex } from "./reindex/types.js";
import type { GraphQLServices } from "./services.js";
import { Video } from "./video/types.js";
import { checkRight, type Right, type Viewer } from "./viewer.js";

/** The right that reading a thing takes. */
const RIGHT_TO_READ: Readonly<Record<NodeTypeName, Right>> = {
  Video: "read",
  IngestJob: "read",
  Evaluation: "evaluator",
  Reindex: "operator",
};

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
    // A caller who may read nothing learns nothing about ids.
    if (!viewer.rights.has("evaluator") && !viewer.rights.has("operator")) checkRight(viewer, "read");
    const parsed = parseGlobalId(id);
    checkRight(viewer, RIGHT_TO_READ[parsed.type]);
    return this.load(viewer, parsed);
  }

  private async load({ tenant, loaders }: Viewer, { type, id }: { type: NodeTypeName; id: string }) {
    switch (type) {
      case "Video": {
        const record = await loaders.video.load(id);
        return record === null ? null : Video.from(record);
      }
      case "IngestJob": {
        const record = await this.services.catalog.jobs.find(tenant, id);
        return record === null ? null : IngestJob.from(record);
      }
      case "Evaluation": {
        const record = await this.services.catalog.evaluations.find(tenant, id);
        return record === null ? null : Evaluation.from(record);
      }
      case "Reindex": {
        const record = await this.services.catalog.reindexes.find(id);
        return record === null ? null : Reindex.from(record);
      }
    }
  }
}
