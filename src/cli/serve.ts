import type { Earshot } from "../earshot.js";
import { startEarly, termination, type AppOptions, type EarlyServer } from "../server/index.js";
import { openWhenAtHand, type Opening } from "./at-hand.js";
import type { Console } from "./console.js";
import { endEarshot } from "./ending.js";

/** How a server is run. */
export interface ServeOptions extends Omit<Opening, "mayCome"> {
  port: number;
  host: string;
  app: AppOptions;
}

/**
 * `earshot serve`: serves until a signal comes, then ends gracefully.
 *
 * @returns the exit code
 * @throws what kept it from starting
 */
export async function serveCommand({ port, host, app, ...opening }: ServeOptions, out: Console): Promise<number> {
  const asked = termination(opening.logger);
  const ended = new AbortController();
  void asked.then(() => {
    ended.abort();
  });
  const server = await startEarly(port, host);
  try {
    const earshot = await openWhenAtHand(opening, ended.signal);
    if (earshot !== null) await serve(earshot, server, app, asked, out);
    return 0;
  } finally {
    await server.close();
  }
}

/** Serves an Earshot that is open already, until a signal comes; then closes it. */
export async function serveOpened(
  earshot: Earshot,
  { port, host, app }: Pick<ServeOptions, "port" | "host" | "app">,
  out: Console,
): Promise<number> {
  const server = await startEarly(port, host);
  try {
    await serve(earshot, server, app, termination(earshot.logger), out);
    return 0;
  } finally {
    await server.close();
  }
}

async function serve(
  earshot: Earshot,
  server: EarlyServer,
  app: AppOptions,
  asked: Promise<unknown>,
  out: Console,
): Promise<void> {
  try {
    await server.serve(earshot, app);
    await earshot.start();
    out.print(`Search page: ${server.url}`);
    out.print(`GraphQL:     ${server.url}/graphql`);
    await asked;
  } finally {
    await server.close();
    await endEarshot(earshot, { logger: earshot.logger });
  }
}
