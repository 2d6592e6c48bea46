import type { Prisma } from "./generated/client.js";

/**
 * The database's clock, to the second on SQLite. What processes on several machines agree on by time is compared with
 * this one: their own clocks differ, and jump.
 */
export async function databaseTime(client: Prisma.TransactionClient): Promise<Date> {
  const rows = await client.$queryRaw<{ now: Date | string }[]>`SELECT CURRENT_TIMESTAMP AS now`;
  const now = rows[0]?.now;
  // SQLite gives the text "2026-11-24 12:00:00", which is UTC.
  const time = typeof now === "string" ? new Date(`${now.replace(" ", "T")}Z`) : now;
  if (time === undefined || Number.isNaN(time.getTime())) throw new TypeError("The database told no time.");
  return time;
}

/** A time after another one. */
export function secondsAfter(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}
