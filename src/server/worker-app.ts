import type { Server } from "node:http";
import express from "express";
import type { Earshot } from "../earshot.js";
import type { EarshotApp } from "./app.js";
import { readyHandler, workerHealthHandler } from "./health.js";
import { createMetrics } from "./metrics.js";

/** The HTTP application of a process that only works, on a server: health, readiness and metrics. */
export function createWorkerApp(earshot: Earshot, http: Server): EarshotApp {
  const app = express().disable("x-powered-by");
  const metrics = createMetrics(earshot);
  app.get("/health", workerHealthHandler(earshot));
  app.get("/ready", readyHandler(earshot, true));
  app.get("/metrics", async (_request, response) => {
    response.set("Content-Type", metrics.contentType).send(await metrics.text());
  });
  app.use((_request, response) => {
    response.status(404).json({ error: "There is nothing at this address." });
  });
  http.on("request", app);
  return {
    close: () => {
      metrics.close();
      return Promise.resolve();
    },
  };
}
