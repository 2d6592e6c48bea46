/** In which order jobs are taken that wait: by priority, then by tenant, then by age. */
import type { Prisma } from "./generated/client.js";

/** What is asked of a client; both databases understand the two queries. */
type RawReader = Pick<Prisma.TransactionClient, "$queryRaw">;

/** How a claim chooses among the jobs that wait. */
export interface ClaimOptions {
  /**
   * Which priority comes first: 0 the highest, 1 the one below, and so on, from the start again after the lowest. A
   * worker that counts this up now and then gives every priority a share, so that none waits for ever.
   * @default 0
   */
  turn?: number;
  /**
   * Longest wait between two attempts, in milliseconds: one that is further away was set by a clock that was wrong, and
   * is due.
   * @default unlimited
   */
  longestWaitMs?: number;
  /**
   * Whether a job may be taken that no message tells of: after messages were lost, e.g. with a backup of the rows alone.
   * @default false
   */
  untold?: boolean;
  /**
   * A re-index whose jobs are left to others: its model pack is not here.
   * @default none
   */
  withoutReindex?: string;
}

/** The priorities among jobs that wait, in the order in which a claim looks at them. */
export async function prioritiesInTurn(client: RawReader, turn: number): Promise<number[]> {
  // One step down the index for each priority, however many jobs wait.
  const rows = await client.$queryRaw<{ priority: number | bigint }[]>`
    WITH RECURSIVE levels(priority) AS (
      SELECT max(priority) FROM "IngestJob" WHERE state = 'PENDING'
      UNION ALL
      SELECT (SELECT max(job.priority) FROM "IngestJob" job
              WHERE job.state = 'PENDING' AND job.priority < levels.priority)
      FROM levels WHERE levels.priority IS NOT NULL
    )
    SELECT priority FROM levels WHERE priority IS NOT NULL`;
  const levels = rows.map(({ priority }) => Number(priority));
  const first = levels.length === 0 ? 0 : turn % levels.length;
  return [...levels.slice(first), ...levels.slice(0, first)];
}

/**
 * The tenants with waiting jobs of one priority: who has the fewest running first, then whose oldest job waits longest.
 *
 * @param running the tenant of each job that runs
 */
export async function tenantsInTurn(
  client: RawReader,
  priority: number,
  running: readonly string[],
): Promise<string[]> {
  // One step along the index for each tenant, however many jobs it has waiting.
  const rows = await client.$queryRaw<{ tenant: string }[]>`
    WITH RECURSIVE tenants(tenant) AS (
      SELECT min(tenant) FROM "IngestJob" WHERE state = 'PENDING' AND priority = ${priority}
      UNION ALL
      SELECT (SELECT min(job.tenant) FROM "IngestJob" job
              WHERE job.state = 'PENDING' AND job.priority = ${priority} AND job.tenant > tenants.tenant)
      FROM tenants WHERE tenants.tenant IS NOT NULL
    )
    SELECT tenant FROM tenants WHERE tenant IS NOT NULL
    ORDER BY (SELECT min(job."createdAt") FROM "IngestJob" job
              WHERE job.state = 'PENDING' AND job.priority = ${priority} AND job.tenant = tenants.tenant), tenant`;
  const busy = new Map<string, number>();
  for (const tenant of running) busy.set(tenant, (busy.get(tenant) ?? 0) + 1);
  const tenants = rows.map(({ tenant }) => tenant);
  // The order by age stays among those with as many running.
  return tenants.sort((a, b) => (busy.get(a) ?? 0) - (busy.get(b) ?? 0));
}
