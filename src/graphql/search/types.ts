import "reflect-metadata";
import { Field, Float, ObjectType, registerEnumType } from "type-graphql";
import { ModelPack } from "../model/types.js";
import { PageInfo } from "../paging.js";
import { Video } from "../video/types.js";

/** Cause of a notice, as the search has it. */
export enum SearchNoticeCode {
  UNKNOWN_WORDS = "UNKNOWN_WORDS",
  NO_KNOWN_WORD = "NO_KNOWN_WORD",
  QUERY_CUT = "QUERY_CUT",
}

registerEnumType(SearchNoticeCode, {
  name: "SearchNoticeCode",
  description: "What there is to know about how a query was understood.",
  valuesConfig: {
    UNKNOWN_WORDS: { description: "Some words are not in the model's vocabulary; the search went on without them." },
    NO_KNOWN_WORD: { description: "No word of the query is in the model's vocabulary; nothing was searched." },
    QUERY_CUT: { description: "The query has more words than the model reads; the last ones were left out." },
  },
});

@ObjectType({ simpleResolvers: true, description: "A hint for the person who searches." })
export class SearchNotice {
  @Field(() => SearchNoticeCode, { description: "Cause, stable." })
  code!: SearchNoticeCode;

  @Field(() => String, { description: "The hint in words, in English." })
  message!: string;

  @Field(() => [String], { description: "The words of the query it is about." })
  words!: string[];
}

@ObjectType({ simpleResolvers: true, description: "A span of a video in which the query is heard." })
export class Moment {
  @Field(() => Float, { description: "Start, in seconds from the start of the video." })
  startSeconds!: number;

  @Field(() => Float, { description: "End, in seconds from the start of the video." })
  endSeconds!: number;

  @Field(() => Float, { description: "Similarity of the moment's best segment and the query, about -1 to 1." })
  score!: number;

  @Field(() => Float, { description: "The model's estimate, 0 to 1, of the probability that the moment is right." })
  relevance!: number;
}

@ObjectType({ simpleResolvers: true, description: "A video that was found." })
export class VideoSearchEdge {
  @Field(() => String, { description: "Place in the results, for `after`." })
  cursor!: string;

  @Field(() => Float, {
    description:
      "Similarity of the video's best segment and the query, about -1 to 1. Results are ordered by it, equal scores by video.",
  })
  score!: number;

  @Field(() => Float, { description: "The model's estimate, 0 to 1, of the probability that the video is right." })
  relevance!: number;

  @Field(() => [Moment], { description: "Where in the video the query is heard, best first, at least one." })
  moments!: Moment[];

  @Field(() => Video, { description: "The video." })
  node!: Video;
}

@ObjectType({ simpleResolvers: true, description: "A page of videos that were found, best first." })
export class VideoSearchConnection {
  @Field(() => [VideoSearchEdge], { description: "The videos with score, relevance and moments." })
  edges!: VideoSearchEdge[];

  @Field(() => [Video], { description: "The videos alone." })
  nodes!: Video[];

  @Field(() => PageInfo, { description: "Where the page lies in the results." })
  pageInfo!: PageInfo;

  @Field(() => [SearchNotice], { description: "How the query was understood, where that is worth knowing." })
  notices!: SearchNotice[];

  @Field(() => ModelPack, { description: "The models whose index was searched." })
  index!: ModelPack;
}
