import { createServer, type RequestListener } from "node:http";
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

/** A server that listens while what it will serve is still being opened: until then it is alive and not ready. */
export interface EarlyServer extends RunningServer {
  /** Serves GraphQL with its subscriptions, the search page, health and metrics. */
  serve(earshot: Earshot, options: AppOptions): Promise<void>;
  /** Serves the health and the metrics of a worker, and nothing else. */
  serveWorker(earshot: Earshot): void;
}

/**
 * Serves GraphQL with its subscriptions, the search page, health and metrics. Starts no ingest worker: that is `earshot.start()`.
 *
 * @throws PortInUseError, AddressUnavailableError
 */
export async function startServer(earshot: Earshot, options: ServerOptions = {}): Promise<RunningServer> {
  const server = await startEarly(
    options.port ?? earshot.options.server.port,
    options.host ?? earshot.options.server.host,
  );
  try {
    await server.serve(earshot, options);
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/**
 * Listens before there is an Earshot, so that who watches the process sees that it is alive.
 *
 * @throws PortInUseError, AddressUnavailableError
 */
export async function startEarly(port: number, host: string): Promise<EarlyServer> {
  const http = createServer(notReadyYet);
  try {
    await new Promise<void>((resolve, reject) => {
      http.once("error", reject);
      http.listen(port, host, () => {
        http.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    throw listenError(error, port, host);
  }
  let app: EarshotApp | undefined;
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await app?.close();
    http.closeAllConnections();
    if (http.listening) await new Promise((resolve) => http.close(resolve));
  };
  const bound = (http.address() as AddressInfo).port;
  return {
    url: `http://${displayHost(host)}:${bound}`,
    port: bound,
    serve: async (earshot, options) => {
      app = await createApp(earshot, options, http);
      http.off("request", notReadyYet);
    },
    serveWorker: (earshot) => {
      app = createWorkerApp(earshot, http);
      http.off("request", notReadyYet);
    },
    close: () => (closed ??= close()),
  };
}

const notReadyYet: RequestListener = (request, response) => {
  const isAlive = request.url?.split("?")[0] === "/health";
  response.writeHead(isAlive ? 200 : 503, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify({ status: isAlive ? "alive" : "not ready" }));
};

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
