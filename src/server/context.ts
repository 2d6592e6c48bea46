import { randomUUID } from "node:crypto";
import type { Request } from "express";

/** The context value of the standalone server; `context` hooks get it. */
export interface RequestContext {
  /** The HTTP request, for its headers; for a subscription the one that opened the WebSocket. */
  request: Request;
  /** Id of the request: the `x-request-id` header when it is sane, else a new UUID. */
  requestId: string;
  /**
   * What the client of a WebSocket sent with its first message, as browsers cannot set headers there, e.g. a token.
   * Undefined over HTTP, and when the client sent nothing.
   */
  connectionParams?: Readonly<Record<string, unknown>>;
}

/** Makes the context value of a request. */
export function requestContext(request: Request): RequestContext {
  const given = request.get("x-request-id") ?? "";
  return { request, requestId: /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID() };
}
