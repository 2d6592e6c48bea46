import type { RequestHandler } from "express";
import type { Earshot } from "../earshot.js";

/** `/health`: the process is alive. It asks nobody else, so that an orchestrator never kills for a slow disk. */
export const healthHandler: RequestHandler = (_request, response) => {
  response.set("Cache-Control", "no-store").json({ status: "alive" });
};

/** `/health` of a worker: 503 when a job does not end, which only a new process mends. */
export function workerHealthHandler(earshot: Earshot): RequestHandler {
  return (_request, response) => {
    const stuck = [earshot.ingest, earshot.evaluation].some((work) => (work.status()?.stuck.length ?? 0) > 0);
    response
      .status(stuck ? 503 : 200)
      .set("Cache-Control", "no-store")
      .json({ status: stuck ? "stuck" : "alive" });
  };
}

/**
 * `/ready`: catalog, index and model pack can serve; 503 with the same JSON when one of them cannot.
 *
 * @param working whether the process is there for jobs, so that it is not ready either while a queue of them pauses
 */
export function readyHandler(earshot: Earshot, working = false): RequestHandler {
  return async (_request, response) => {
    const { ok, checks } = await earshot.health();
    const works = (checks.ingest?.ok ?? true) && (checks.evaluation?.ok ?? true);
    const ready = ok && (!working || works);
    response
      .status(ready ? 200 : 503)
      .set("Cache-Control", "no-store")
      .json({ status: ready ? "ready" : "not ready", checks });
  };
}
