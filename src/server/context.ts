import { randomUUID } from "node:crypto";
import type { Request } from "express";

/** The context value of the standalone server; `context` hooks get it. */
export interface RequestContext {
  /** The HTTP request, for its headers. */
  request: Request;
  /** Id of the request: the `x-request-id` header when it is sane, else a new UUID. */
  requestId: string;
}

/** Makes the context value of a request. */
export function requestContext(request: Request): RequestContext {
  const given = request.get("x-request-id") ?? "";
  return { request, requestId: /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID() };
}
