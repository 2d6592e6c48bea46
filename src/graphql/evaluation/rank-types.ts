import "reflect-metadata";
import { Field, Float, ObjectType } from "type-graphql";
import type { EvaluationRankRecord } from "../../catalog/index.js";
import { TOP_HITS } from "../../evaluation/scoring/index.js";
import { PageInfo } from "../paging.js";

@ObjectType({ simpleResolvers: true, description: "An answer to a query, among its first ones." })
export class EvaluationHit {
  @Field(() => String, {
    description: "Id of the clip in the data set; with audio to text the clip that the caption belongs to.",
  })
  clip!: string;

  @Field(() => String, {
    nullable: true,
    description: "With audio to text the caption that was found; null otherwise.",
  })
  caption!: string | null;

  @Field(() => Float, { description: "Similarity of query and answer." })
  score!: number;

  @Field(() => Boolean, { description: "Whether it is a right answer." })
  right!: boolean;
}

@ObjectType({ simpleResolvers: true, description: "A query of a completed evaluation, with its rank." })
export class EvaluationRank {
  @Field(() => String, {
    description:
      "Key of the query in its data set: `<clip id>` or `<clip id>#<caption number>`. The same in every evaluation of the data set.",
  })
  key!: string;

  @Field(() => String, { description: "The caption; with audio to text the id of the clip." })
  query!: string;

  @Field(() => String, { description: "Id of the right clip in the data set." })
  target!: string;

  @Field(() => Float, {
    description: "Rank of the right answer, from 1; the mean of its places where scores are equal.",
  })
  rank!: number;

  @Field(() => Float, { description: "Similarity of the query and the right answer." })
  score!: number;

  @Field(() => [EvaluationHit], {
    description: `The first answers, best first, at most ${TOP_HITS}.`,
    complexity: ({ childComplexity }) => 1 + TOP_HITS * childComplexity,
  })
  hits!: EvaluationHit[];

  /** The query as GraphQL shows it. */
  static from({ key, query, target, rank, score, hits }: EvaluationRankRecord): EvaluationRank {
    return Object.assign(new EvaluationRank(), { key, query, target, rank, score, hits });
  }
}

@ObjectType({ simpleResolvers: true, description: "A query in a list." })
export class EvaluationRankEdge {
  @Field(() => String, { description: "Place in the list, for `after`." })
  cursor!: string;

  @Field(() => EvaluationRank, { description: "The query." })
  node!: EvaluationRank;
}

@ObjectType({ simpleResolvers: true, description: "A page of an evaluation's queries." })
export class EvaluationRankConnection {
  @Field(() => [EvaluationRankEdge], { description: "The queries with their cursors." })
  edges!: EvaluationRankEdge[];

  @Field(() => [EvaluationRank], { description: "The queries alone." })
  nodes!: EvaluationRank[];

  @Field(() => PageInfo, { description: "Where the page lies in the list." })
  pageInfo!: PageInfo;

  /** Counts all queries of the list; run only when a client asks. */
  countAll!: () => Promise<number>;
}
