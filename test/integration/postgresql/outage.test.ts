import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCatalog, toCatalogError } from "../../../src/catalog/index.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import { startServer } from "../../../src/server/index.js";
import { databaseOf, removeDatabaseOf } from "../../fixtures/database.js";
import { openTestEarshot, type TestEarshot } from "../../fixtures/earshot.js";
import { openIngesting } from "../../fixtures/ingesting.js";
import { sample } from "../../fixtures/media-samples.js";
import { startPostgresCluster, type PostgresCluster } from "../../fixtures/postgres-cluster.js";
import { StallingProxy } from "../../fixtures/stalling-proxy.js";
import { silentLogger } from "../../fixtures/tools.js";

describe("a PostgreSQL server that goes down", () => {
  /** A server of its own: the tests stop it. */
  let cluster: PostgresCluster;
  let test: TestEarshot | undefined;
  beforeEach(async () => {
    cluster = await startPostgresCluster();
  });
  afterEach(async () => {
    await test?.end();
    test = undefined;
    await cluster.end();
  });

  it("is told as an outage, and everything goes on when it is back", async () => {
    const catalog = await openCatalog({ databaseUrl: cluster.url() }, silentLogger);
    try {
      expect(await catalog.health()).toEqual({ ok: true });
      const interrupted = catalog.transaction(async (tx) => {
        await tx.prisma.vectorIndexRow.create({ data: { id: "half@1", dimension: 1 } });
        await cluster.stop();
        await tx.prisma.vectorIndexRow.create({ data: { id: "whole@1", dimension: 1 } });
      });
      await expect(interrupted).rejects.toMatchObject({ code: "CATALOG_DISCONNECTED", retryable: true });
      const read = catalog.vectors.indexes().catch((error: unknown) => {
        throw toCatalogError(error);
      });
      await expect(read).rejects.toMatchObject({ code: "CATALOG_DISCONNECTED" });
      expect(await catalog.health()).toMatchObject({ ok: false });
      await expect(openCatalog({ databaseUrl: cluster.url() }, silentLogger)).rejects.toMatchObject({
        code: "CATALOG_UNAVAILABLE",
      });
      await cluster.start();
      expect(await catalog.vectors.indexes()).toEqual([]);
      expect(await catalog.health()).toEqual({ ok: true });
      await catalog.vectors.createIndex({ id: "after@1", dimension: 1 });
    } finally {
      await catalog.close();
    }
  });

  it("in the middle of an ingest costs the job no attempt, and clients are told what is the matter", async () => {
    const file = await sample("long.mp4");
    const opened = await openIngesting([path.dirname(file)], { databaseUrl: cluster.url() });
    test = opened;
    const { ingest, catalog } = opened.earshot;
    const encoding = new Promise<void>((resolve) => {
      ingest.events.on("job", ({ stage }) => {
        if (stage === "ENCODING") resolve();
      });
    });
    const { id } = await ingest.submit({ source: { path: file }, externalId: "a" }, DEFAULT_TENANT);
    await encoding;
    await cluster.stop();
    const { data, errors } = await opened.run(`{ videos { nodes { id } } }`);
    expect(data ?? null).toBeNull();
    expect(errors?.[0]?.extensions["code"]).toBe("CATALOG_DISCONNECTED");
    // The work goes on without the database until its end is to be written.
    const waiting = new Promise<void>((resolve) => {
      ingest.events.on("job", ({ state, errorCode }) => {
        if (state === "PENDING" && errorCode === "CATALOG_DISCONNECTED") resolve();
      });
    });
    const committing = new Promise<void>((resolve) => {
      ingest.events.on("job", ({ stage }) => {
        if (stage === "COMMITTING") resolve();
      });
    });
    await committing;
    await cluster.start();
    await Promise.race([waiting, ingest.waitFor(DEFAULT_TENANT, id)]);
    expect(await ingest.waitFor(DEFAULT_TENANT, id)).toMatchObject({
      state: "COMPLETED",
      attempts: 1,
      errorCode: null,
    });
    const video = await catalog.videos.findByExternalId(DEFAULT_TENANT, "a");
    expect(video).toMatchObject({ state: "INDEXED" });
    expect(await catalog.segments.count(opened.earshot.pack.id)).toBeGreaterThan(0);
  });
});

describe("a PostgreSQL server that falls silent", () => {
  it("is told by the health check and the metrics, which still show what the process itself knows", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "earshot-silent-"));
    const databaseUrl = new URL(await databaseOf(folder));
    const proxy = await StallingProxy.start(databaseUrl.hostname, Number(databaseUrl.port));
    databaseUrl.port = String(proxy.port);
    const test = await openTestEarshot({ databaseUrl: databaseUrl.href });
    const server = await startServer(test.earshot, { port: 0 });
    try {
      const scrape = async () => (await fetch(`${server.url}/metrics`)).text();
      expect(await scrape()).toContain('earshot_ingest_jobs{state="FAILED"} 0');
      proxy.stall();
      const [health, metrics, ready] = await Promise.all([
        test.earshot.health(),
        scrape(),
        fetch(`${server.url}/ready`),
      ]);
      expect(health.checks.catalog).toEqual({ ok: false, message: "The database does not answer in time." });
      expect(ready.status).toBe(503);
      expect(metrics).not.toContain("earshot_ingest_jobs{");
      expect(metrics).toContain("earshot_ingest_queue_paused 0");
      expect(await scrape()).toMatch(/earshot_scrape_failures_total{part="ingest_jobs"} [1-9]/);
    } finally {
      await proxy.stop();
      await server.close();
      await test.end();
      await removeDatabaseOf(folder);
      await rm(folder, { recursive: true });
    }
  });
});
