import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCatalog, toCatalogError } from "../../../src/catalog/index.js";
import { DEFAULT_TENANT } from "../../../src/graphql/viewer.js";
import type { TestEarshot } from "../../fixtures/earshot.js";
import { openIngesting } from "../../fixtures/ingesting.js";
import { sample } from "../../fixtures/media-samples.js";
import { startPostgresCluster, type PostgresCluster } from "../../fixtures/postgres-cluster.js";
import { silentLogger } from "../../fixtures/tools.js";

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

describe("a PostgreSQL server that goes down", () => {
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
