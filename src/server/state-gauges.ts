import { statfs } from "node:fs/promises";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Earshot } from "../earshot.js";
import { endsWithin } from "../timing/index.js";

/** Longest time for which a scrape waits for a part, in milliseconds: Prometheus waits for 10 seconds. */
const PART_LIMIT_MS = 3000;

/** Values of a gauge: by the value of its label, or one without. */
type Values = Record<string, number> | number;

/**
 * Registers the gauges of what the database, the vector engine and the disk know: read at each scrape. A part that cannot be
 * read in time lacks its values then, and is counted; the others are shown all the same.
 */
export function stateGauges(registry: Registry, earshot: Earshot): void {
  const { catalog, options, logger } = earshot;
  const failures = new Counter({
    name: "earshot_scrape_failures_total",
    help: "Times that a part of the metrics could not be read for a scrape, up to the scrape before.",
    labelNames: ["part"],
    registers: [registry],
  });
  const gauge = (name: string, help: string, label: string | null, read: () => Promise<Values> | Values) => {
    const part = name.replace(/^earshot_/, "");
    failures.inc({ part }, 0);
    new Gauge({
      name,
      help,
      labelNames: label === null ? [] : [label],
      registers: [registry],
      async collect() {
        this.reset();
        try {
          const values = await inTime(read);
          if (typeof values === "number") this.set(values);
          else for (const [value, number] of Object.entries(values)) this.set({ [label!]: value }, number);
        } catch (error) {
          // A gauge without a label would otherwise show 0.
          if (label === null) this.set(Number.NaN);
          failures.inc({ part });
          logger.debug({ err: error, part }, "a part of the metrics could not be read");
        }
      },
    });
  };

  gauge("earshot_ingest_jobs", "Ingest jobs of all tenants by state.", "state", () => catalog.jobs.countByState());
  gauge("earshot_ingest_running_jobs", "Running ingest jobs of all tenants by stage.", "stage", () =>
    catalog.jobs.countRunningByStage(),
  );
  gauge(
    "earshot_ingest_queue_oldest_seconds",
    "Age of the oldest ingest job that is due and waits; 0 when none does.",
    null,
    async () => {
      const oldest = await catalog.jobs.oldestDue(new Date());
      return oldest === null ? 0 : Math.max(0, (Date.now() - oldest.getTime()) / 1000);
    },
  );
  gauge(
    "earshot_ingest_queue_paused",
    "Whether this process takes no jobs, because something that all need is away.",
    null,
    () => (earshot.ingest.status()?.paused ? 1 : 0),
  );
  gauge(
    "earshot_ingest_stuck_jobs",
    "Jobs of this process that do not end though they were told to.",
    null,
    () => earshot.ingest.status()?.stuck.length ?? 0,
  );
  gauge(
    "earshot_evaluation_stuck_jobs",
    "Evaluations of this process that do not end though they were told to.",
    null,
    () => earshot.evaluation.status()?.stuck.length ?? 0,
  );
  gauge(
    "earshot_ingest_dead_letters",
    "Ingest jobs of all tenants that were given up and wait for someone to retry them; 0 without PostgreSQL.",
    null,
    () => catalog.jobs.countDeadLetters(),
  );
  gauge(
    "earshot_reindex_state",
    "The state of the re-index that goes on: 1; none when none does.",
    "state",
    async () => {
      const reindex = await catalog.reindexes.unfinished();
      return reindex === null ? {} : { [reindex.state]: 1 };
    },
  );
  gauge("earshot_reindex_videos", "Videos of the re-index that goes on, of all tenants.", "state", async () => {
    const reindex = await catalog.reindexes.unfinished();
    if (reindex === null) return {};
    const { total, done, failed } = await catalog.reindexes.progress(reindex);
    return { done, failed, waiting: Math.max(0, total - done - failed) };
  });
  gauge("earshot_vector_writes", "Writes to the vector engine that are not finished, by state.", "state", () =>
    catalog.vectorWrites.countByState(),
  );
  gauge("earshot_index_segments", "Segments of all tenants in each vector index.", "index", async () =>
    // As the catalog has it: to have a large engine count its points at each scrape would cost more than searches.
    Object.fromEntries([...(await catalog.indexedVideos.countByIndex())].map(([id, { segments }]) => [id, segments])),
  );
  gauge("earshot_inference_devices", "Where the models run: 1 for each device in use.", "device", () =>
    Object.fromEntries(earshot.live.runtime.inference.devices.map((device) => [device, 1])),
  );
  gauge(
    "earshot_inference_shortfall",
    "Whether models run elsewhere than they were asked to, because something is missing (1) or not (0).",
    null,
    () => (earshot.live.runtime.inference.shortfall === undefined ? 0 : 1),
  );
  gauge(
    "earshot_data_directory_free_bytes",
    "Free bytes of the disk that holds the data directory.",
    null,
    async () => {
      const { bavail, bsize } = await statfs(options.dataDirectory);
      return bavail * bsize;
    },
  );
}

/** Throws when a part takes too long to read. */
async function inTime(read: () => Promise<Values> | Values): Promise<Values> {
  const reading = Promise.resolve(read());
  if (await endsWithin(reading, PART_LIMIT_MS)) return reading;
  throw new Error("the part takes too long to read");
}
