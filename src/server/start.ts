import type { AddressInfo } from "node:net";
import type { Earshot } from "../earshot.js";
import { AddressUnavailableError, PortInUseError } from "../errors.js";
import { createApp, type AppOptions, type EarshotApp } from "./app.js";
import { createWorkerApp } from "./worker-app.js";

/** Where and how to listen. */
export interface ServerOptions extends AppOptions {
  /**
   * TCP port; 0 takes a free one.
   * @default `server.port` of the Earshot's options
   */
  port?: number;
  /**
   * Address to listen on.
   * @default `server.host` of the Earshot's options
   */
  host?: string;
}

/** A server that listens. */
export interface RunningServer {
  /** Address for a browser, without a slash at its end. */
  url: string;
  port: number;
  /** Ends the server gracefully: requests in flight are answered, WebSockets closed. The Earshot inside stays open. */
  readonly close: () => Promise<void>;
}

/**
 * Serves GraphQL with its subscriptions, the search page, health and metrics. Starts no ingest worker: that is `earshot.start()`.
 *
 * @throws PortInUseError, AddressUnavailableError
 */
export async function startServer(earshot: Earshot, options: ServerOptions = {}): Promise<RunningServer> {
  const port = options.port ?? earshot.options.server.port;
  const host = options.host ?? earshot.options.server.host;
  return listen(await createApp(earshot, options), port, host);
}

/**
 * Serves the health and the metrics of a worker, and nothing else.
 *
 * @throws PortInUseError, AddressUnavailableError
 */
export async function startWorkerServer(earshot: Earshot, port: number, host: string): Promise<RunningServer> {
  return listen(createWorkerApp(earshot), port, host);
}

async function listen({ http, close }: EarshotApp, port: number, host: string): Promise<RunningServer> {
  try {
    await new Promise<void>((resolve, reject) => {
      http.once("error", reject);
      http.listen(port, host, () => {
        http.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    await close();
    throw listenError(error, port, host);
  }
  const bound = (http.address() as AddressInfo).port;
  return { url: `http://${displayHost(host)}:${bound}`, port: bound, close };
}

function displayHost(host: string): string {
  if (host === "127.0.0.1" || host === "::1" || host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

function listenError(error: unknown, port: number, host: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EADDRINUSE") {
    return new PortInUseError(
      `Port ${port} is in use by another program. End that program, or choose another port with --port or EARSHOT_PORT.`,
      { cause: error },
    );
  }
  if (code === "EACCES" || code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return new AddressUnavailableError(
      `This program may not listen on ${host}:${port} (${code}). Choose another host or port.`,
      {
        cause: error,
      },
    );
  }
  return error;
}
