/** The commands of `earshot` and their flags. */
import { existsSync } from "node:fs";
import path from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { createLogger, resolveOptions, type EarshotOptions, type Environment } from "../config/index.js";
import { createEarshot, type Earshot } from "../earshot.js";
import { startTracing, steppedTermination } from "../server/index.js";
import type { Console } from "./console.js";
import { demoCommand } from "./demo.js";
import { DEMO_DIRECTORY, readDemoManifest } from "./demo-manifest.js";
import { doctorCommand } from "./doctor.js";
import { evaluateCommand } from "./evaluate.js";
import { evaluationRoots, withEvaluateFlags, type EvaluateFlags } from "./evaluate-flags.js";
import { ingestCommand } from "./ingest.js";
import { collectMediaFiles } from "./media-files.js";
import { reconcileCommand, type ReconcileFlags } from "./reconcile.js";
import { indexesCommand, reindexCommand, type ReindexFlags } from "./reindex.js";
import { searchCommand, type SearchFlags } from "./search.js";
import { serveCommand, serveOpened } from "./serve.js";
import { workerCommand } from "./worker.js";

/** Where the demo keeps its data, so that it never touches a real library. */
const DEMO_DATA_DIRECTORY = ".earshot/demo";

const WAIT = "how long to wait for a database that is away; default as long as it takes";

/** Flags which every command has. */
interface CommonFlags {
  dataDir?: string;
  modelPack?: string;
  mediaRoot?: string[];
  modelPackRoot?: string[];
  logLevel?: EarshotOptions["logLevel"];
}

interface ServeFlags extends CommonFlags {
  port?: number;
  host?: string;
  serveMedia?: boolean;
  work?: boolean;
  wait?: number;
}

interface WorkerFlags extends CommonFlags {
  concurrency?: number;
  healthPort?: number;
  host?: string;
  evaluations: boolean;
  wait?: number;
}

/**
 * Builds the command line.
 *
 * @param out Where the commands write.
 * @param env Environment variables to read options from.
 * @param exit Told the exit code of the command that was run.
 * @returns The program; its `parseAsync` throws a CommanderError for wrong usage, and after help was printed.
 */
export function createProgram(out: Console, env: Environment, exit: (code: number) => void): Command {
  const program = new Command("earshot")
    .description("Search videos by what is heard in them.")
    .configureOutput({
      writeOut: (text) => out.print(text.trimEnd()),
      writeErr: (text) => out.complain(text.trimEnd()),
    })
    .exitOverride()
    .showHelpAfterError("(earshot --help lists commands and flags)");
  const command = (usage: string, description: string): Command =>
    program
      .command(usage)
      .description(description)
      .option("--data-dir <folder>", "folder of the database (EARSHOT_DATA_DIRECTORY; default .earshot)")
      .option("--model-pack <folder>", "folder of the model pack (EARSHOT_MODEL_PACK; default the starter pack)")
      .addOption(
        new Option("--log-level <level>", "least severe log level (EARSHOT_LOG_LEVEL)").choices([
          ...["fatal", "error", "warn", "info", "debug", "trace", "silent"],
        ]),
      );

  command("serve", "Serve GraphQL, the search page, health and metrics, and work on ingest jobs.")
    .option("--port <number>", "TCP port; 0 takes a free one (EARSHOT_PORT; default 4000)", wholeNumber)
    .option("--host <address>", "address to listen on (EARSHOT_HOST; default 127.0.0.1)")
    .option("--media-root <folder...>", "folders whose files may be ingested by path (EARSHOT_MEDIA_ROOTS)")
    .option("--serve-media", "let everyone who reaches the server play the media files in the search page")
    .option("--no-work", "leave ingest jobs and evaluations to `earshot worker` (EARSHOT_WORK=false)")
    .option("--wait <seconds>", WAIT, wholeNumber)
    .action(async (flags: ServeFlags) => {
      // Without the flag, the environment decides.
      const idle = flags.work === false ? { ingest: { work: false }, evaluation: { work: false } } : {};
      const { server, logLevel } = resolveOptions(givenOptions(flags), env);
      const app = { serveMedia: flags.serveMedia ?? false };
      const options = { logger: createLogger(logLevel), waitSeconds: flags.wait, app, ...server, ...address(flags) };
      exit(await serveCommand({ ...options, open: () => open(flags, env, idle) }, out));
    });

  command("worker", "Work on ingest jobs and evaluations that a server queued; any number of workers share them.")
    .option(
      "--concurrency <number>",
      "ingest jobs at the same time (EARSHOT_INGEST_CONCURRENCY; default 1)",
      wholeNumber,
    )
    .option("--no-evaluations", "leave evaluations to others (EARSHOT_EVALUATION_WORK=false)")
    .option("--health-port <number>", "serve /health, /ready and /metrics (EARSHOT_HEALTH_PORT)", wholeNumber)
    .option("--host <address>", "address for these (EARSHOT_HOST; default 127.0.0.1)")
    .option("--wait <seconds>", WAIT, wholeNumber)
    .action(async (flags: WorkerFlags) => {
      const { concurrency, healthPort, host, evaluations, wait: waitSeconds } = flags;
      // EARSHOT_WORK=false, where server and workers share an environment, is about the server.
      const own = { EARSHOT_EVALUATION_WORK: env["EARSHOT_EVALUATION_WORK"] };
      const work = evaluations && resolveOptions({}, own).evaluation.work;
      const suited: EarshotOptions = {
        ingest: { work: true, ...(concurrency === undefined ? {} : { concurrency }) },
        evaluation: { work },
        server: { ...(healthPort === undefined ? {} : { healthPort }), ...(host === undefined ? {} : { host }) },
      };
      const { logLevel, server } = resolveOptions({ ...givenOptions(flags), server: suited.server ?? {} }, env);
      const logger = createLogger(logLevel);
      const health = server.healthPort === undefined ? undefined : { port: server.healthPort, host: server.host };
      const options = { logger, termination: steppedTermination(logger), waitSeconds, health };
      exit(await workerCommand({ ...options, open: () => open(flags, env, suited) }, out));
    });

  command("demo", "Ingest the demo's videos, ask its queries, then serve them.")
    .option("--no-serve", "end after the answers")
    .option("--port <number>", "TCP port (EARSHOT_PORT; default 4000)", wholeNumber)
    .option("--host <address>", "address to listen on (EARSHOT_HOST; default 127.0.0.1)")
    .action(async (flags: ServeFlags & { serve: boolean }) => {
      const manifest = await readDemoManifest(DEMO_DIRECTORY);
      const dataDirectory = flags.dataDir ?? DEMO_DATA_DIRECTORY;
      const earshot = await open(flags, env, {
        dataDirectory,
        // Whatever the environment says: the demo never touches a real library.
        databaseUrl: `file:${path.join(dataDirectory, "earshot.db")}`,
        mediaRoots: [DEMO_DIRECTORY],
        logLevel: "error",
      });
      const code = await closingOnFailure(earshot, () => demoCommand(earshot, DEMO_DIRECTORY, manifest, out));
      if (!flags.serve) {
        await earshot.close();
        exit(code);
        return;
      }
      const exampleQueries = manifest.queries.map(({ text }) => text);
      const app = { serveMedia: true, exampleQueries };
      const served = await closingOnFailure(earshot, () =>
        serveOpened(earshot, { ...earshot.options.server, ...address(flags), app }, out),
      );
      exit(Math.max(code, served));
    });

  command("ingest <paths...>", "Make media files, or all of a folder's, searchable.")
    .option("--id-prefix <text>", "put before the external ids, which are the paths from the named folders", "")
    .action(async (paths: string[], flags: CommonFlags & { idPrefix: string }) => {
      const { files, unusable } = await collectMediaFiles(paths, flags.idPrefix);
      // The person who types the command may read what they name. Jobs that a server queued and this process
      // takes up were checked by that server, with roots that are not known here.
      const roots = [...new Set(files.map((file) => path.parse(file.path).root))];
      const earshot = await open(flags, env, { mediaRoots: roots, logLevel: "error" });
      exit(await interruptible(earshot, (signal) => ingestCommand(earshot, files, unusable, out, signal)));
    });

  command("search <words...>", "Find videos and moments by a description of a sound.")
    .option("--first <number>", "the most videos, 1 to 100", wholeNumber, 10)
    .option("--moments <number>", "the most moments for each video, 1 to 20", wholeNumber, 3)
    .option("--min-relevance <number>", "leave out videos less relevant than this, 0 to 1", decimalNumber)
    .option("--json", "print JSON")
    .action(async (words: string[], flags: CommonFlags & SearchFlags) => {
      const earshot = await open(flags, env, { logLevel: "error" });
      try {
        exit(await searchCommand(earshot, words.join(" "), flags, out));
      } finally {
        await earshot.close();
      }
    });

  withEvaluateFlags(
    command("evaluate", "Measure a model pack on a data set, as the paper does, or show an earlier evaluation."),
    wholeNumber,
  ).action(async (flags: CommonFlags & EvaluateFlags) => {
    const earshot = await open(flags, env, {
      // The person who types the command may read what they name; a report shows frames of indexed videos.
      evaluation: { roots: evaluationRoots(flags) },
      ...(flags.html === undefined ? {} : { mediaRoots: [path.parse(process.cwd()).root] }),
      logLevel: "error",
    });
    exit(await interruptible(earshot, (signal) => evaluateCommand(earshot, flags, out, signal)));
  });

  command("reconcile", "Compare an index with the catalog, and mend what differs.")
    .option("--index <id>", "name@version of the index's model pack; the index in use when left out")
    .option("--dry-run", "count, and change nothing")
    .action(async (flags: CommonFlags & ReconcileFlags) => {
      const earshot = await open(flags, env, { logLevel: "error" });
      exit(await interruptible(earshot, (signal) => reconcileCommand(earshot, flags, out, signal)));
    });

  command("reindex", "Build the index of another model pack beside the one in use, then change searches over to it.")
    .option("--pack <name@version or folder>", "the model pack; without it, go on with the re-index that was begun")
    .option("--model-pack-root <folder...>", "folders that hold model packs (EARSHOT_MODEL_PACK_ROOTS)")
    .option("--swap", "change over now; with --pack as soon as every video is in, which is the default")
    .option("--no-swap", "leave the change to a later --swap")
    .option("--allow-missing", "change over although videos are missing")
    .option("--pause", "stop the re-index for a while")
    .option("--resume", "go on, and try failed videos again")
    .option("--cancel", "end the re-index; what is in its index stays there")
    .action(async (flags: CommonFlags & ReindexFlags) => {
      const { modelPackRoots } = resolveOptions(givenOptions(flags), env);
      // The person who types the command may use a pack that they name by its folder.
      const named = flags.pack !== undefined && existsSync(flags.pack) ? [flags.pack] : [];
      const earshot = await open({ ...flags, modelPackRoot: [...modelPackRoots, ...named] }, env, {
        logLevel: "error",
      });
      exit(await interruptible(earshot, (signal) => reindexCommand(earshot, flags, out, signal)));
    });

  const indexes = command("indexes", "List the indexes, or remove one.").action(async (flags: CommonFlags) => {
    const earshot = await open(flags, env, { logLevel: "error" });
    exit(await interruptible(earshot, () => indexesCommand(earshot, out)));
  });
  indexes
    .command("drop <name@version>")
    .description("Remove an index that is neither in use nor being built; the videos stay.")
    .action(async (id: string) => {
      const earshot = await open(indexes.opts<CommonFlags>(), env, { logLevel: "error" });
      exit(
        await interruptible(earshot, async () => {
          await earshot.indexes.drop(id);
          out.print(`The index ${id} is gone.`);
          return 0;
        }),
      );
    });

  command("doctor", "Check ffmpeg, models, database and folders, and say what to do.")
    .option("--media-root <folder...>", "folders whose files may be ingested by path (EARSHOT_MEDIA_ROOTS)")
    .action(async (flags: CommonFlags) => {
      exit(await doctorCommand(resolveOptions(givenOptions(flags), env), out));
    });
  return program;
}

/** Opens an Earshot with the flags, then the environment, then what suits the command. */
async function open(flags: CommonFlags, env: Environment, suited: EarshotOptions): Promise<Earshot> {
  const { logLevel, ...fixed } = suited;
  const own = givenOptions(flags);
  // A level that merely suits the command gives way to the environment.
  const quiet = logLevel === undefined || env["EARSHOT_LOG_LEVEL"] !== undefined ? {} : { logLevel };
  const earshot = await createEarshot({ ...quiet, ...fixed, ...own, env });
  const tracing = await startTracing(earshot.options.tracing, earshot.logger);
  const close = earshot.close.bind(earshot);
  // The spans of what it did at last are sent before the program ends.
  return Object.assign(earshot, { close: () => close().finally(() => tracing?.close()) });
}

function givenOptions({ dataDir, modelPack, modelPackRoot, mediaRoot, logLevel }: CommonFlags): EarshotOptions {
  return {
    ...(dataDir === undefined ? {} : { dataDirectory: dataDir }),
    ...(modelPack === undefined ? {} : { modelPack }),
    ...(modelPackRoot === undefined || modelPackRoot.length === 0 ? {} : { modelPackRoots: modelPackRoot }),
    ...(mediaRoot === undefined ? {} : { mediaRoots: mediaRoot }),
    ...(logLevel === undefined ? {} : { logLevel }),
  };
}

function address({ port, host }: ServeFlags): { port?: number; host?: string } {
  return { ...(port === undefined ? {} : { port }), ...(host === undefined ? {} : { host }) };
}

/** Does work that SIGINT or SIGTERM asks to end; a second signal ends the process at once. Closes the Earshot in any case. */
async function interruptible(earshot: Earshot, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const interrupted = new AbortController();
  const onSignal = (): void => {
    interrupted.abort();
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    return await work(interrupted.signal);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    await earshot.close();
  }
}

async function closingOnFailure<T>(earshot: Earshot, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await earshot.close();
    throw error;
  }
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError("It must be a whole number.");
  return value;
}

function decimalNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number.");
  return value;
}
