/** The search page: static files of `web/`, and the little it wants to know from the server. */
import { fileURLToPath } from "node:url";
import express, { type RequestHandler, type Router } from "express";

/** What the page wants to know. */
export interface PageSettings {
  /** Whether `/media/<video id>` plays videos. */
  mediaServed: boolean;
  /** Queries to offer. */
  examples: readonly string[];
}

/** `web/` of the package; this file is two folders below it, in `src` as in `dist`. */
const WEB_DIRECTORY = fileURLToPath(new URL("../../web/", import.meta.url));

/** Everything comes from this server, nothing is inline, nobody may frame the page. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Headers for every answer of the server. */
export const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
  });
  next();
};

/** Routes of the page. */
export function pageRoutes(settings: PageSettings): Router {
  const routes = express.Router();
  routes.get("/page.json", (_request, response) => {
    response.set("Cache-Control", "no-store").json(settings);
  });
  routes.use(express.static(WEB_DIRECTORY, { maxAge: 0, redirect: false }));
  return routes;
}
