/** Relay's `Node`: everything that has an id of its own and can be loaded again by it. */
import "reflect-metadata";
import { Field, ID, InterfaceType } from "type-graphql";

@InterfaceType({ description: "Something with an id of its own. Load it again with the query `node`." })
export abstract class Node {
  @Field(() => ID, { description: "Opaque, globally unique id." })
  id!: string;
}
