import type { ClaimOptions } from "./claim-order.js";
import { textOf, type CatalogTransaction } from "./database.js";
import type {
  EvaluationFilter,
  EvaluationOrder,
  EvaluationRecord,
  EvaluationResult,
  EvaluationStage,
} from "./evaluation-records.js";
import type { Prisma } from "./generated/client.js";
import { newId } from "./ids.js";
import {
  completed,
  due,
  ended,
  latestAttempt,
  LeasedJobs,
  taken,
  type JobLease,
  type LeasedTable,
} from "./leased-jobs.js";
import type { AgePosition } from "./records.js";
import { storableJson } from "./storable-text.js";
import { olderThan } from "./videos.js";

/** The evaluation to be taken next. */
const CLAIMABLE = `SELECT e."id" FROM "Evaluation" e
  WHERE e."state" = 'PENDING' AND (e."nextAttemptAt" IS NULL OR e."nextAttemptAt" <= ? OR e."nextAttemptAt" > ?)
  ORDER BY e."createdAt", e."id" LIMIT 1`;

/** An evaluation to be queued. */
export interface NewEvaluation {
  tenant: string;
  order: EvaluationOrder;
  maxAttempts: number;
  requestId: string | null;
}

/** What is known of an evaluation once its pack and its data set are open. */
export type EvaluationIdentity = Pick<
  EvaluationRecord,
  "packId" | "datasetTitle" | "datasetVersion" | "provenanceHash"
>;

/** Evaluations, which workers hold by lease. Methods that take no transaction run in one of their own. */
export class EvaluationRepository extends LeasedJobs<EvaluationStage> {
  protected override table(client: Prisma.TransactionClient): LeasedTable {
    return client.evaluation;
  }

  /** The tenant's evaluation of that id; null when there is none. */
  async find(tenant: string, id: string): Promise<EvaluationRecord | null> {
    return toRecord(await this.database.reader.evaluation.findUnique({ where: { id, tenant } }));
  }

  /** The newest evaluations that pass a filter, at most `limit`, beginning after a place in the list. */
  async list(
    tenant: string,
    filter: EvaluationFilter,
    limit: number,
    after?: AgePosition,
  ): Promise<EvaluationRecord[]> {
    const rows = await this.database.reader.evaluation.findMany({
      where: { AND: [{ tenant, ...filter }, ...olderThan(after)] },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit,
    });
    return rows.map((row) => toRecord(row));
  }

  /** Number of the tenant's evaluations that pass a filter. */
  count(tenant: string, filter: EvaluationFilter): Promise<number> {
    return this.database.reader.evaluation.count({ where: { tenant, ...filter } });
  }

  /** Ids of the evaluations that wait or run, of all tenants. */
  async unfinishedIds(): Promise<string[]> {
    const rows = await this.database.reader.evaluation.findMany({
      where: { state: { in: ["PENDING", "RUNNING"] } },
      select: { id: true },
    });
    return rows.map(({ id }) => id);
  }

  /** Queues an evaluation. */
  async create(evaluation: NewEvaluation): Promise<EvaluationRecord> {
    const { order, ...columns } = evaluation;
    return toRecord(
      await this.database.writer.evaluation.create({
        data: { ...columns, id: newId(), dataset: order.dataset, order: toJson(order) },
      }),
    );
  }

  /** Takes the oldest evaluation that is due; counts the attempt. Null when there is none. */
  async claim(
    lease: JobLease,
    now: Date,
    { longestWaitMs }: Pick<ClaimOptions, "longestWaitMs"> = {},
  ): Promise<EvaluationRecord | null> {
    const where = due(now, longestWaitMs);
    if ((await this.database.reader.evaluation.findFirst({ where, select: { id: true } })) === null) return null;
    return this.database.transaction(
      async (tx) => {
        const args = [now, latestAttempt(now, longestWaitMs)];
        const [first] = await tx.execute(`${CLAIMABLE}${this.database.dialect.lockFree("e")}`, args);
        if (first === undefined) return null;
        return toRecord(
          await tx.prisma.evaluation.update({ where: { id: textOf(first, "id") }, data: taken(lease, now) }),
        );
      },
      { isolation: "LOCKING" },
    );
  }

  /** Writes what the evaluation turned out to measure. False when it is no longer the worker's. */
  identify(id: string, workerId: string, identity: EvaluationIdentity): Promise<boolean> {
    return this.updateOwn(this.database.writer, id, workerId, identity);
  }

  /**
   * Ends an evaluation well, with its figures. False when it is no longer the worker's: the transaction must then be
   * given up. Its ranks belong into the same transaction.
   */
  complete(tx: CatalogTransaction, id: string, workerId: string, result: EvaluationResult): Promise<boolean> {
    return this.updateOwn(tx.prisma, id, workerId, { ...completed(), result: toJson(result) });
  }

  /** Cancels the tenant's evaluation if it waits or runs. False when it has ended, or there is none of that id. */
  async cancel(tenant: string, id: string): Promise<boolean> {
    const { count } = await this.database.writer.evaluation.updateMany({
      where: { id, tenant, state: { in: ["PENDING", "RUNNING"] } },
      data: ended("CANCELLED"),
    });
    return count === 1;
  }

  /** All evaluations that are being worked on, by any process. */
  async running(): Promise<EvaluationRecord[]> {
    const rows = await this.database.reader.evaluation.findMany({ where: { state: "RUNNING" } });
    return rows.map((row) => toRecord(row));
  }
}

/** A record's object as Prisma takes it. */
export function toJson(value: object): Prisma.InputJsonObject {
  return JSON.parse(storableJson(value)) as Prisma.InputJsonObject;
}

type EvaluationRow = Prisma.EvaluationModel;

function toRecord(row: EvaluationRow): EvaluationRecord;
function toRecord(row: EvaluationRow | null): EvaluationRecord | null;
function toRecord(row: EvaluationRow | null): EvaluationRecord | null {
  if (row === null) return null;
  const { dataset: _, nextAttemptAt: __, order, result, ...columns } = row;
  return {
    ...columns,
    order: order as unknown as EvaluationOrder,
    result: result as unknown as EvaluationResult | null,
  };
}
