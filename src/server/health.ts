import type { RequestHandler } from "express";
import type { Earshot } from "../earshot.js";

/** `/health`: the process is alive. It asks nobody else, so that an orchestrator never kills for a slow disk. */
export const healthHandler: RequestHandler = (_request, response) => {
  response.set("Cache-Control", "no-store").json({ status: "alive" });
};

/** `/ready`: catalog, index and model pack can serve; 503 with the same JSON when one of them cannot. */
export function readyHandler(earshot: Earshot): RequestHandler {
  return async (_request, response) => {
    const { ok, checks } = await earshot.health();
    response
      .status(ok ? 200 : 503)
      .set("Cache-Control", "no-store")
      .json({ status: ok ? "ready" : "not ready", checks });
  };
}
