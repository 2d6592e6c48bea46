/** The composition root: wires everything from options. Nothing else makes its own parts. */
import { EventEmitter } from "node:events";
import path from "node:path";
import type { ApolloServerPlugin } from "@apollo/server";
import { printSchema, type GraphQLSchema } from "graphql";
import { createResolversMap, type ResolversMap } from "type-graphql";
import { openCatalog, type Catalog, type VideoRecord } from "./catalog/index.js";
import {
  createLogger,
  resolveOptions,
  type EarshotOptions,
  type Environment,
  type Logger,
  type ResolvedOptions,
} from "./config/index.js";
import { FeatureCache, PackRuntimes, type Encoder } from "./encoding/index.js";
import { createEvaluationService, type EvaluationService } from "./evaluation/index.js";
import { limitsPlugin } from "./graphql/limits.js";
import { buildEarshotSchema } from "./graphql/schema.js";
import { createViewerOf, type ViewerHook, type ViewerOf } from "./graphql/viewer.js";
import { IndexService, LiveIndex, VectorUpkeep } from "./indexes/index.js";
import {
  createIngestService,
  IndexReconciler,
  mediaFileInRoots,
  ReindexService,
  type IngestService,
} from "./ingest/index.js";
import type { ModelPack } from "./models/index.js";
import type { QueueStatus, StopOptions } from "./queue/index.js";
import { createMomentFinder, createSearchService, type SearchService } from "./search/index.js";
import type { Observation, Observe } from "./telemetry/index.js";
import { observedVectorIndex } from "./vectors/observed.js";
import type { VectorIndex } from "./vectors/index.js";
import { openVectorIndex } from "./vectors/open.js";

/** What a host gives beside the {@link EarshotOptions}. */
export interface HostOptions {
  /**
   * Tells the tenant and the rights of a caller from the host's GraphQL context value.
   * @default everyone is the tenant "default" and may do everything
   *
   * WARNING: without it, everyone who reaches the GraphQL endpoint sees and deletes all videos.
   */
  context?: ViewerHook;
  /**
   * Where log lines go.
   * @default JSON lines on stderr, from `logLevel` on
   */
  logger?: Logger;
  /**
   * Environment variables to read options from; options given in code win.
   * @default none
   */
  env?: Environment;
}

/** What Earshot tells its host while it works. */
export interface EarshotEvents {
  /** A search was answered; the seconds it took. */
  search: [seconds: number];
  /** Something was done: what metrics are made of. A listener must not throw. */
  observation: [Observation];
}

/** State of one part. */
export interface PartHealth {
  ok: boolean;
  /** What is wrong, or what is worth knowing. */
  message?: string;
}

/** Whether the parts that a search needs are at hand, and how the work on ingest jobs stands. */
export interface EarshotHealth {
  /** Whether searches can be answered. */
  ok: boolean;
  checks: {
    catalog: PartHealth;
    index: PartHealth;
    modelPack: PartHealth;
    /** Where the models run: `cpu`, or `cuda:<number>` for each GPU; and why not where they were asked to. */
    inference: PartHealth;
    /** Only where ingest jobs are worked on. */
    ingest?: PartHealth;
    /** Only where evaluations are worked on. */
    evaluation?: PartHealth;
  };
}

/** What a process does once it has started. */
export interface StartOptions {
  /** Whether it will answer searches: their index is then read into memory at once. @default true */
  search?: boolean;
}

/** A running Earshot. */
export interface Earshot {
  /** The options in effect. */
  readonly options: ResolvedOptions;
  readonly logger: Logger;
  /** Executable schema, for a server of its own or for stitching. */
  readonly schema: GraphQLSchema;
  /** The schema's SDL, to be merged into a host's server together with {@link Earshot.resolvers}. */
  readonly typeDefs: string;
  /** Resolvers for {@link Earshot.typeDefs}. */
  readonly resolvers: ResolversMap;
  /** Apollo Server plugin for the host's server: limits the depth and the cost of operations. */
  readonly limits: ApolloServerPlugin;
  /** Finds the caller of a context value, by the host's `context` hook. */
  readonly viewerOf: ViewerOf;
  readonly catalog: Catalog;
  readonly vectors: VectorIndex;
  readonly ingest: IngestService;
  /** Compares indexes with the catalog, and mends what differs. */
  readonly reconciler: IndexReconciler;
  /** Builds indexes of other model packs, and changes over to them. */
  readonly reindex: ReindexService;
  /** Lists indexes, and removes those that are no longer needed. */
  readonly indexes: IndexService;
  readonly search: SearchService;
  readonly evaluation: EvaluationService;
  /** The index in use, with its model pack. */
  readonly live: LiveIndex;
  /** The model pack of the index in use, as last known; it changes when searches change over to another index. */
  readonly pack: ModelPack;
  /** Turns sound and text into embeddings with that pack. */
  readonly encoder: Encoder;
  readonly events: EventEmitter<EarshotEvents>;
  /** What was done while it was opened, before anyone could listen: models were loaded. */
  readonly openingObservations: readonly Observation[];
  /** Real path of a video's media file, when it lies inside a media root now; null otherwise. */
  mediaFile(video: VideoRecord): Promise<string | null>;
  health(): Promise<EarshotHealth>;
  /**
   * Reads the index into memory, which otherwise the first search does, and starts to work on ingest jobs
   * and evaluations, as far as the options `ingest.work` and `evaluation.work` say, those first which an earlier process
   * left unfinished.
   *
   * @throws FfmpegNotFoundError
   */
  start(options?: StartOptions): Promise<void>;
  /** Takes no more ingest jobs and evaluations; those that run are given back, at once or after a while. */
  stopWorking(options?: StopOptions): Promise<void>;
  /** Ends everything: jobs and evaluations in progress are put back into the queue. Does nothing the second time. */
  close(): Promise<void>;
}

/**
 * Opens the catalog and the index, loads and checks the model pack, and builds the schema. Searches work
 * at once; ingest jobs are worked on from `start()` on.
 *
 * @throws InvalidOptionsError, InvalidEnvironmentError, and the errors of model packs, models and catalog
 */
export async function createEarshot(options: EarshotOptions & HostOptions = {}): Promise<Earshot> {
  const { context: hook, logger: hostLogger, env, ...given } = options;
  const resolved = resolveOptions(given, env ?? {});
  const logger = hostLogger ?? createLogger(resolved.logLevel);
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    // Last opened, first closed; each at most once.
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  };
  try {
    const catalog = await openCatalog(resolved, logger);
    closers.push(() => catalog.close());
    const events = new EventEmitter<EarshotEvents>();
    const openingObservations: Observation[] = [];
    let opening = true;
    const observe: Observe = (observation) => {
      if (opening) openingObservations.push(observation);
      else events.emit("observation", observation);
    };
    const vectors = observedVectorIndex(
      await openVectorIndex(catalog, resolved.vectors, logger),
      resolved.vectors.engine,
      observe,
    );
    const upkeep = new VectorUpkeep({ catalog, vectors, logger });
    closers.push(async () => {
      // The upkeep goes on at the next start: requests of its own are not waited for.
      await Promise.all([upkeep.stop(), vectors.close()]);
    });
    const cache = featureCacheOf(resolved, logger, observe);
    if (cache !== undefined) closers.push(() => cache.close());
    const runtimes = new PackRuntimes(resolved, logger, observe, cache, (packId) => {
      // With the pack goes its index: nobody searches it without. A thread that was lost has nothing to give back.
      vectors.unload(packId).catch(() => undefined);
    });
    closers.push(() => runtimes.close());
    const live = await LiveIndex.open({ catalog, vectors, runtimes, places: resolved, logger });
    closers.push(() => live.close());
    const indexes = new IndexService({ catalog, vectors, live, places: resolved, logger });
    const search = createSearchService({
      catalog,
      vectors,
      live,
      maxQueryCharacters: resolved.search.maxQueryLength,
      logger,
      slowSeconds: resolved.search.slowSeconds,
      observe: (observation) => {
        if (observation.kind === "search") events.emit("search", observation.seconds);
        observe(observation);
      },
    });
    const ingest = createIngestService({ catalog, vectors, live, options: resolved, logger, observe });
    closers.push(() => ingest.stop());
    const reconciler = new IndexReconciler({ catalog, vectors, live, ingest, logger });
    const reindex = new ReindexService({ catalog, vectors, live, runtimes, ingest, options: resolved, logger });
    closers.push(() => reindex.stop());
    const evaluation = createEvaluationService({
      catalog,
      vectors,
      live,
      runtimes,
      options: resolved,
      logger,
      observe,
      momentFinder: createMomentFinder,
    });
    closers.push(() => evaluation.stop());
    const viewerOf = createViewerOf({ catalog, live }, hook);
    const { pollSeconds } = resolved.evaluation;
    const schema = await buildEarshotSchema(
      { catalog, vectors, ingest, reconciler, reindex, indexes, search, evaluation, live, viewerOf, pollSeconds },
      logger,
    );
    opening = false;
    return {
      options: resolved,
      logger,
      schema,
      typeDefs: printSchema(schema),
      resolvers: createResolversMap(schema),
      limits: limitsPlugin(resolved.graphql, schema),
      viewerOf,
      catalog,
      vectors,
      ingest,
      reconciler,
      reindex,
      indexes,
      search,
      evaluation,
      live,
      get pack() {
        return live.runtime.pack;
      },
      get encoder() {
        return live.runtime.encoder;
      },
      events,
      openingObservations,
      mediaFile: (video) => mediaFileInRoots(video, resolved.mediaRoots),
      health: () => health(catalog, vectors, live, { ingest, evaluation }),
      start: async ({ search = true } = {}) => {
        upkeep.start();
        const started = await Promise.allSettled([
          search ? live.load() : undefined,
          resolved.ingest.work ? ingest.start() : undefined,
          resolved.evaluation.work ? evaluation.start() : undefined,
        ]);
        // Only now: a part that is still starting when everything is closed would go on behind the others' backs.
        for (const part of started) if (part.status === "rejected") throw part.reason;
        if (resolved.ingest.work) reindex.start();
      },
      stopWorking: async (options) => {
        await Promise.all([ingest.stop(options), evaluation.stop(options), reindex.stop()]);
      },
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function featureCacheOf(
  { featureCache, dataDirectory, inference: { cudaTf32 } }: ResolvedOptions,
  logger: Logger,
  observe: Observe,
): FeatureCache | undefined {
  if (featureCache === undefined) return undefined;
  const folder = path.join(dataDirectory, "features");
  return new FeatureCache({ folder, ...featureCache, cudaTf32, logger, observe });
}

async function health(
  catalog: Catalog,
  vectors: VectorIndex,
  live: LiveIndex,
  work: { ingest: IngestService; evaluation: EvaluationService },
): Promise<EarshotHealth> {
  const [catalogHealth, index] = await Promise.all([catalog.health(), vectors.health()]);
  const ingest = workHealth(work.ingest.status());
  const evaluation = workHealth(work.evaluation.status());
  // A pack that is not whole never gets this far: createEarshot refuses it.
  const { devices, shortfall } = live.runtime.inference;
  const inference = {
    ok: true,
    message: [devices.join(", "), ...(shortfall === undefined ? [] : [shortfall])].join("; "),
  };
  const checks = {
    catalog: catalogHealth,
    index,
    modelPack: live.health(),
    inference,
    ...(ingest === null ? {} : { ingest }),
    ...(evaluation === null ? {} : { evaluation }),
  };
  return { ok: catalogHealth.ok && index.ok, checks };
}

function workHealth(status: QueueStatus | null): PartHealth | null {
  if (status === null) return null;
  const { running, paused, stuck, full } = status;
  if (stuck.length > 0) return { ok: false, message: "A job does not end. This process has to be started again." };
  if (paused !== null) return { ok: false, message: `No jobs are taken: ${paused.message} (${paused.code})` };
  return { ok: true, message: `${running} running${full ? ", no memory for more" : ""}` };
}
