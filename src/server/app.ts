/** The HTTP application: GraphQL with its subscriptions, the search page, health, metrics and media. */
import type { Server } from "node:http";
import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginLandingPageDisabled } from "@apollo/server/plugin/disabled";
import { ApolloServerPluginDrainHttpServer } from "@apollo/server/plugin/drainHttpServer";
import { expressMiddleware } from "@as-integrations/express5";
import express, { type ErrorRequestHandler } from "express";
import { GraphQLError } from "graphql";
import type { Earshot } from "../earshot.js";
import { INTERNAL_ERROR_CODE, maskedError } from "../graphql/errors.js";
import { requestContext, type RequestContext } from "./context.js";
import { healthHandler, readyHandler } from "./health.js";
import { mediaHandler } from "./media.js";
import { createMetrics } from "./metrics.js";
import { pageRoutes, securityHeaders } from "./page.js";
import { MAX_TOKENS } from "./subscription-operation.js";
import { serveSubscriptions } from "./subscriptions.js";
import { tracedRequest } from "./tracing.js";

/** Options of the HTTP application. */
export interface AppOptions {
  /**
   * Answer `/media/<video id>` with the media files inside the media roots.
   * Anyone who reaches the server can then fetch every ingested file; on in the demo only.
   * @default false
   */
  serveMedia?: boolean;
  /**
   * Queries which the search page offers.
   * @default none
   */
  exampleQueries?: readonly string[];
}

/** An application on an HTTP server. */
export interface EarshotApp {
  /** Refuses new requests, lets those in flight end, ends WebSockets, and stops Apollo. The Earshot inside stays open. */
  readonly close: () => Promise<void>;
}

/** Builds the application around a running Earshot; the server's requests are answered by it from then on. */
export async function createApp(earshot: Earshot, options: AppOptions, http: Server): Promise<EarshotApp> {
  const { logger } = earshot;
  const { graphql, server } = earshot.options;
  const app = express().disable("x-powered-by");
  const subscriptions = serveSubscriptions(http, app, earshot);
  const apollo = new ApolloServer<RequestContext>({
    schema: earshot.schema,
    introspection: graphql.introspection,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    maxRecursiveSelections: true,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: !graphql.introspection,
    parseOptions: { maxLexicalTokens: MAX_TOKENS },
    stopOnTerminationSignals: false,
    logger,
    plugins: [
      earshot.limits,
      ApolloServerPluginDrainHttpServer({ httpServer: http }),
      // Beside it, for the HTTP server waits for open WebSockets.
      { serverWillStart: () => Promise.resolve({ drainServer: () => subscriptions.close() }) },
      ApolloServerPluginLandingPageDisabled(),
    ],
    // What no resolver threw: failures of the server itself, of the context, of scalars.
    formatError: (formatted, error) =>
      formatted.extensions?.["code"] === INTERNAL_ERROR_CODE && formatted.extensions["requestId"] === undefined
        ? maskedError(error, "unknown", "operation", logger).toJSON()
        : formatted,
  });
  await apollo.start();
  const metrics = createMetrics(earshot);

  app.use(securityHeaders);
  app.get("/health", healthHandler);
  app.get("/ready", readyHandler(earshot));
  app.get("/metrics", async (_request, response) => {
    response.set("Content-Type", metrics.contentType).send(await metrics.text());
  });
  app.use(
    "/graphql",
    express.json({ limit: server.maxBodyBytes }),
    tracedRequest,
    expressMiddleware(apollo, { context: ({ req }) => Promise.resolve(requestContext(req)) }),
  );
  if (options.serveMedia === true) app.get("/media/:id", mediaHandler(earshot, requestContext));
  app.use(pageRoutes({ mediaServed: options.serveMedia ?? false, examples: options.exampleQueries ?? [] }));
  app.use((_request, response) => {
    response.status(404).json({ error: "There is nothing at this address." });
  });
  app.use(failureHandler(earshot));

  http.on("request", app);
  return {
    close: async () => {
      metrics.close();
      await apollo.stop();
    },
  };
}

/** Answers in the shape of GraphQL errors; causes on the server's side are masked. */
function failureHandler(earshot: Earshot): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const status = (error as { status?: unknown } | null)?.status;
    const clientsFault = typeof status === "number" && status >= 400 && status < 500;
    const { requestId } = requestContext(request);
    const shown = clientsFault
      ? new GraphQLError(status === 413 ? "The request is too large." : "The request cannot be read.", {
          extensions: { code: status === 413 ? "REQUEST_TOO_LARGE" : "BAD_REQUEST" },
        })
      : maskedError(error, requestId, request.path, earshot.logger);
    response.status(clientsFault ? status : 500).json({ errors: [shown] });
  };
}
