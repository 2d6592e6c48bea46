import { setImmediate as nextTurn } from "node:timers/promises";
import type { CatalogTransaction, Database } from "./database.js";
import type {
  EvaluationRankRecord,
  MeasuredQuery,
  RankedHit,
  RankListing,
  RetrievalDirection,
} from "./evaluation-records.js";
import type { Prisma } from "./generated/client.js";

/** Rows that are written by one statement. */
const WRITE_SIZE = 500;

/** The queries of completed evaluations, each with the rank of its right answer. */
export class EvaluationRankRepository {
  constructor(private readonly database: Database) {}

  /** Adds the ranks of an evaluation. Other work gets its turn between the statements. */
  async add(tx: CatalogTransaction, evaluationId: string, ranks: readonly EvaluationRankRecord[]): Promise<void> {
    for (let first = 0; first < ranks.length; first += WRITE_SIZE) {
      if (first > 0) await nextTurn();
      const rows = ranks.slice(first, first + WRITE_SIZE).map((rank) => ({ evaluationId, ...rank }));
      await this.database.dialect.insertRows(tx, "EvaluationRank", rows);
    }
  }

  /** A page of the tenant's ranks of one evaluation and direction. */
  async list(
    tenant: string,
    evaluationId: string,
    direction: RetrievalDirection,
    { order, limit, after }: RankListing,
  ): Promise<EvaluationRankRecord[]> {
    const byOrdinal = { ordinal: "asc" as const };
    const rows = await this.database.reader.evaluationRank.findMany({
      where: { AND: [{ evaluationId, direction, evaluation: { tenant } }, ...behind(order, after)] },
      orderBy: order === "DATASET" ? byOrdinal : [{ rank: order === "BEST" ? "asc" : "desc" }, byOrdinal],
      take: limit,
      omit: { evaluationId: true },
    });
    return rows.map(({ hits, ...row }) => ({ ...row, hits: hits as unknown as RankedHit[] }));
  }

  /** Number of the tenant's ranks of one evaluation and direction. */
  count(tenant: string, evaluationId: string, direction: RetrievalDirection): Promise<number> {
    return this.database.reader.evaluationRank.count({ where: { evaluationId, direction, evaluation: { tenant } } });
  }

  /** All of the tenant's ranks of one evaluation and direction, without texts and hits, in the data set's order. */
  measured(tenant: string, evaluationId: string, direction: RetrievalDirection): Promise<MeasuredQuery[]> {
    return this.database.reader.evaluationRank.findMany({
      where: { evaluationId, direction, evaluation: { tenant } },
      orderBy: { ordinal: "asc" },
      select: { key: true, target: true, rank: true },
    });
  }
}

/** A condition for rows that come after a place in a list of ranks. */
function behind(order: RankListing["order"], after: RankListing["after"]): Prisma.EvaluationRankWhereInput[] {
  if (after === undefined) return [];
  const { rank, ordinal } = after;
  if (order === "DATASET") return [{ ordinal: { gt: ordinal } }];
  const further = order === "BEST" ? { gt: rank } : { lt: rank };
  return [{ OR: [{ rank: further }, { rank, ordinal: { gt: ordinal } }] }];
}
