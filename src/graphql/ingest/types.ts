import "reflect-metadata";
import { GraphQLDateTime } from "graphql-scalars";
import { Field, Float, Int, ObjectType, registerEnumType } from "type-graphql";
import { ingestPriorities, type IngestJobRecord } from "../../catalog/index.js";
import { UserError } from "../errors.js";
import { toGlobalId } from "../ids.js";
import { Node } from "../node.js";
import { PageInfo } from "../paging.js";
import { Video } from "../video/types.js";

/** State of an ingest job, as the catalog has it. */
export enum IngestJobState {
  PENDING = "PENDING",
  RUNNING = "RUNNING",
  COMPLETED = "COMPLETED",
  FAILED = "FAILED",
  CANCELLED = "CANCELLED",
}

/** What a job is doing, as the catalog has it. */
export enum IngestStage {
  QUEUED = "QUEUED",
  PROBING = "PROBING",
  ENCODING = "ENCODING",
  COMMITTING = "COMMITTING",
}

/** How soon a job is taken. */
export enum IngestPriority {
  LOW = "LOW",
  NORMAL = "NORMAL",
  HIGH = "HIGH",
}

registerEnumType(IngestPriority, {
  name: "IngestPriority",
  description:
    "How soon an ingest job is taken. One job in eight is taken from another priority than the highest, so that none waits for ever.",
  valuesConfig: {
    LOW: { description: "When nothing else waits: an archive that is worked through." },
    NORMAL: { description: "In turn with the jobs of other tenants." },
    HIGH: { description: "Before all others: someone waits for it." },
  },
});

registerEnumType(IngestJobState, {
  name: "IngestJobState",
  description: "Where an ingest job stands.",
  valuesConfig: {
    PENDING: { description: "Waits for its turn, or for another attempt." },
    RUNNING: { description: "Is being worked on." },
    COMPLETED: { description: "Done: searches find the video." },
    FAILED: { description: "Given up; `errorCode` and `errorMessage` say why." },
    CANCELLED: { description: "Cancelled, or overtaken by a later submission of the same video." },
  },
});

registerEnumType(IngestStage, {
  name: "IngestStage",
  description: "What an ingest job is doing.",
  valuesConfig: {
    QUEUED: { description: "Waiting." },
    PROBING: { description: "Looking into the file: which streams, how long." },
    ENCODING: { description: "Decoding the sound and turning it into embeddings." },
    COMMITTING: { description: "Writing segments and vectors, all at once." },
  },
});

@ObjectType({ implements: Node, simpleResolvers: true, description: "The work of making one video searchable." })
export class IngestJob extends Node {
  @Field(() => IngestJobState, { description: "Where the job stands." })
  state!: IngestJobState;

  @Field(() => IngestStage, { description: "What the job is doing, or was doing when it ended." })
  stage!: IngestStage;

  @Field(() => Float, {
    nullable: true,
    description: "Share of the work that is done, 0 to 1; null while the length of the media is unknown.",
  })
  progress!: number | null;

  @Field(() => IngestPriority, { description: "How soon the job is taken." })
  priority!: IngestPriority;

  @Field(() => Int, { description: "Attempts begun so far." })
  attempts!: number;

  @Field(() => Int, { description: "Attempts after which the job is given up." })
  maxAttempts!: number;

  @Field(() => GraphQLDateTime, {
    nullable: true,
    description: "When the next attempt is due, after one that failed; null otherwise.",
  })
  nextAttemptAt!: Date | null;

  @Field(() => String, {
    nullable: true,
    description: "Stable code of the last failure, e.g. `MEDIA_NO_AUDIO`; null when none happened.",
  })
  errorCode!: string | null;

  @Field(() => String, { nullable: true, description: "The last failure, in words; null when none happened." })
  errorMessage!: string | null;

  @Field(() => String, { nullable: true, description: "External id of the video, if it was given one." })
  externalId!: string | null;

  @Field(() => GraphQLDateTime, { description: "When the job was submitted." })
  createdAt!: Date;

  @Field(() => GraphQLDateTime, { nullable: true, description: "When the last attempt began; null before the first." })
  startedAt!: Date | null;

  @Field(() => GraphQLDateTime, { nullable: true, description: "When the job ended; null until it did." })
  finishedAt!: Date | null;

  /** Id of the video in the catalog; null once it is gone. */
  videoId!: string | null;

  /** The job as GraphQL shows it. */
  static from(record: IngestJobRecord): IngestJob {
    return Object.assign(new IngestJob(), {
      id: toGlobalId("IngestJob", record.id),
      state: IngestJobState[record.state],
      stage: IngestStage[record.stage],
      progress: record.progress,
      priority: priorityOf(record),
      attempts: record.attempts,
      maxAttempts: record.maxAttempts,
      nextAttemptAt: record.nextAttemptAt,
      errorCode: record.errorCode,
      errorMessage: record.errorMessage,
      externalId: record.externalId,
      createdAt: record.createdAt,
      startedAt: record.startedAt,
      finishedAt: record.finishedAt,
      videoId: record.videoId,
    });
  }
}

/** The nearest priority that the API knows; jobs of a re-index stand below LOW. */
function priorityOf({ priority }: IngestJobRecord): IngestPriority {
  if (priority >= ingestPriorities.HIGH) return IngestPriority.HIGH;
  return priority >= ingestPriorities.NORMAL ? IngestPriority.NORMAL : IngestPriority.LOW;
}

@ObjectType({ simpleResolvers: true, description: "An ingest job in a list." })
export class IngestJobEdge {
  @Field(() => String, { description: "Place in the list, for `after`." })
  cursor!: string;

  @Field(() => IngestJob, { description: "The job." })
  node!: IngestJob;
}

@ObjectType({ simpleResolvers: true, description: "A page of ingest jobs, newest first." })
export class IngestJobConnection {
  @Field(() => [IngestJobEdge], { description: "The jobs with their cursors." })
  edges!: IngestJobEdge[];

  @Field(() => [IngestJob], { description: "The jobs alone." })
  nodes!: IngestJob[];

  @Field(() => PageInfo, { description: "Where the page lies in the list." })
  pageInfo!: PageInfo;

  /** Counts all jobs of the list; run only when a client asks. */
  countAll!: () => Promise<number>;
}

@ObjectType({ simpleResolvers: true, description: "What became of a submission." })
export class IngestVideoPayload {
  @Field(() => IngestJob, {
    nullable: true,
    description: "The job, which goes on in the background; null when the submission was refused.",
  })
  job!: IngestJob | null;

  @Field(() => Video, {
    nullable: true,
    description: "The video, which searches find once the job is completed; null when the submission was refused.",
  })
  video!: Video | null;

  @Field(() => [UserError], { description: "Why the submission was refused; empty when it was accepted." })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: "What became of another try." })
export class RetryIngestJobPayload {
  @Field(() => IngestJob, {
    nullable: true,
    description: "The new job, which does what the old one was asked to; null when it was refused.",
  })
  job!: IngestJob | null;

  @Field(() => [UserError], { description: "Why it was refused; empty when it was accepted." })
  userErrors!: UserError[];
}
