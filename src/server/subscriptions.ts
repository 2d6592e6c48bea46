/** GraphQL subscriptions over WebSockets, in the protocol `graphql-transport-ws`. */
import type { Server } from "node:http";
import type { Express, Request } from "express";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { handleProtocols, makeServer } from "graphql-ws";
import { WebSocketServer } from "ws";
import type { Logger } from "../config/index.js";
import type { Earshot } from "../earshot.js";
import { maskedError } from "../graphql/errors.js";
import { requestContext, type RequestContext } from "./context.js";
import { subscriptionReader } from "./subscription-operation.js";
import { onWebSocket } from "./upgrade.js";
import { converse } from "./websocket.js";

/** Subscriptions which one WebSocket may have at the same time. */
const MAX_SUBSCRIPTIONS = 20;

/** How long a client may take to send its first message, in milliseconds. */
const INIT_TIMEOUT_MS = 3_000;

/** How long clients have to say goodbye when the server ends, in milliseconds. */
const GOODBYE_MS = 1_000;

/** WebSockets that are open. */
export interface SubscriptionServer {
  /** Refuses new WebSockets and ends the open ones, with the code 1001 (going away). */
  close(): Promise<void>;
}

/** What belongs to one WebSocket: the request that opened it. */
interface Connection {
  request: Request;
}

/** Answers WebSockets at `/graphql` of an HTTP server. */
export function serveSubscriptions(http: Server, app: Express, earshot: Earshot): SubscriptionServer {
  const { logger, options } = earshot;
  const { maxBodyBytes, allowedOrigins } = options.server;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxBodyBytes, handleProtocols });
  const read = subscriptionReader(earshot);
  const protocol = makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,
    onSubscribe: ({ subscriptions, extra, connectionParams }, _id, payload) => {
      if (Object.keys(subscriptions).length > MAX_SUBSCRIPTIONS) {
        const message = `A WebSocket has at most ${MAX_SUBSCRIPTIONS} subscriptions. End one first.`;
        return [new GraphQLError(message, { extensions: { code: "TOO_MANY_SUBSCRIPTIONS" } })];
      }
      const reading = read(payload);
      if (!("schema" in reading)) return reading;
      // Every subscription is an operation of its own: the `context` hook is asked again.
      const context = requestContext(extra.request);
      return { ...reading, contextValue: connectionParams === undefined ? context : { ...context, connectionParams } };
    },
    onNext: (_context, _id, _payload, { contextValue }, { data, errors }) => {
      if (errors === undefined) return undefined;
      const { requestId } = contextValue as RequestContext;
      const shown = errors.map((error) => shownError(error, requestId, logger));
      return { ...(data === undefined ? {} : { data }), errors: shown };
    },
  });

  onWebSocket(http, "/graphql", allowedOrigins, ({ request, socket, head }) => {
    sockets.handleUpgrade(request, socket, head, (opened) => {
      // As Express does with every request, so that hooks find the same methods.
      const extra = { request: Object.setPrototypeOf(request, app.request) as Request };
      converse(opened, protocol, extra, (error) => {
        logger.error({ err: error }, "a WebSocket failed unexpectedly");
      });
    });
  });

  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => sockets.close(() => resolve()));
      for (const socket of sockets.clients) socket.close(1001, "Going away");
      const timer = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, GOODBYE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Masks what no resolver threw, failures of scalars for instance: only that has no code. */
function shownError(error: GraphQLError, requestId: string, logger: Logger): GraphQLFormattedError {
  if (error.extensions["code"] !== undefined) return error.toJSON();
  return maskedError(error, requestId, "subscription", logger).toJSON();
}
