import { access, chmod, constants, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { childEnvironment, type Logger, type ResolvedOptions } from "../config/index.js";
import { FfmpegNotFoundError } from "../errors.js";
import { runTool } from "./tool.js";

/** The two programs that open media, and where they come from. */
export interface FfmpegTools {
  /** Absolute path of ffmpeg. */
  ffmpeg: string;
  /** Absolute path of ffprobe. */
  ffprobe: string;
  /** As ffmpeg prints it, e.g. "7.1.1" or "N-47683-g0e8eb07980-static". */
  version: string;
  origin: "configured" | "system" | "bundled";
}

type FfmpegOptions = Pick<ResolvedOptions, "ffmpegPath" | "ffprobePath" | "allowBundledFfmpeg">;

/** Oldest release of a system ffmpeg that is taken; older ones get no security fixes. */
const oldestMajor = 5;

/**
 * Finds ffmpeg and ffprobe: those of the options, else the system's if they are recent enough, else the bundled
 * ones with a warning.
 *
 * @throws FfmpegNotFoundError when a configured program does not run, or none is found
 */
export async function findFfmpeg(options: FfmpegOptions, logger: Logger): Promise<FfmpegTools> {
  if (options.ffmpegPath !== undefined) return configured(options, options.ffmpegPath);
  const system = await systemTools(options);
  if (system !== null) return system;
  if (!options.allowBundledFfmpeg) {
    throw new FfmpegNotFoundError(
      `No ffmpeg of version ${oldestMajor} or later was found, and the bundled one is not allowed. Install ffmpeg, or set FFMPEG_PATH.`,
    );
  }
  const tools = await bundledTools(options);
  logger.warn(
    { version: tools.version },
    "using the bundled ffmpeg of December 2018: its decoders have known security holes. Install ffmpeg 5 or later where media come from strangers, or set allowBundledFfmpeg to false",
  );
  return tools;
}

async function configured(options: FfmpegOptions, ffmpegPath: string): Promise<FfmpegTools> {
  const ffmpeg = path.resolve(ffmpegPath);
  const version = await versionOf(ffmpeg);
  if (version === null) {
    throw new FfmpegNotFoundError("The configured ffmpeg does not run. Check ffmpegPath (FFMPEG_PATH).", {
      field: "ffmpegPath",
      detail: ffmpeg,
    });
  }
  const { dir, ext } = path.parse(ffmpeg);
  const beside = path.join(dir, `ffprobe${ext}`);
  if (options.ffprobePath === undefined && (await versionOf(beside)) !== null) {
    return { ffmpeg, ffprobe: beside, version, origin: "configured" };
  }
  return { ffmpeg, ffprobe: await findFfprobe(options), version, origin: "configured" };
}

async function systemTools(options: FfmpegOptions): Promise<FfmpegTools | null> {
  const ffmpeg = await onPath("ffmpeg");
  const version = ffmpeg === null ? null : await versionOf(ffmpeg);
  if (ffmpeg === null || version === null || !isRecent(version)) return null;
  const ffprobe = options.ffprobePath === undefined ? await onPath("ffprobe") : await findFfprobe(options);
  return ffprobe === null ? null : { ffmpeg, ffprobe, version, origin: "system" };
}

async function bundledTools(options: FfmpegOptions): Promise<FfmpegTools> {
  const ffmpeg = await bundledProgram("@ffmpeg-installer/ffmpeg");
  const version = await versionOf(ffmpeg);
  if (version === null)
    throw new FfmpegNotFoundError("The bundled ffmpeg does not run here. Install ffmpeg, or set FFMPEG_PATH.");
  return { ffmpeg, ffprobe: await findFfprobe(options), version, origin: "bundled" };
}

/** ffprobe on its own: the configured one, the system's, or the bundled one. */
async function findFfprobe(options: FfmpegOptions): Promise<string> {
  if (options.ffprobePath !== undefined) {
    const ffprobe = path.resolve(options.ffprobePath);
    if ((await versionOf(ffprobe)) !== null) return ffprobe;
    throw new FfmpegNotFoundError("The configured ffprobe does not run. Check ffprobePath (FFPROBE_PATH).", {
      field: "ffprobePath",
      detail: ffprobe,
    });
  }
  const system = await onPath("ffprobe");
  const version = system === null ? null : await versionOf(system);
  if (system !== null && version !== null && isRecent(version)) return system;
  if (options.allowBundledFfmpeg) return bundledProgram("@ffprobe-installer/ffprobe");
  throw new FfmpegNotFoundError("No ffprobe was found, and the bundled one is not allowed. Set FFPROBE_PATH.");
}

async function bundledProgram(packageName: string): Promise<string> {
  let program: string;
  try {
    // The package throws when it has no program for this platform.
    program = (createRequire(import.meta.url)(packageName) as { path: string }).path;
  } catch (cause) {
    throw new FfmpegNotFoundError("No ffmpeg is bundled for this platform. Install ffmpeg, or set FFMPEG_PATH.", {
      cause,
    });
  }
  if (!(await isExecutable(program))) {
    // Installed without its script, which would have set the run bit.
    await chmod(program, 0o755).catch((cause: unknown) => {
      throw new FfmpegNotFoundError("The bundled ffmpeg may not be run, and its rights cannot be changed.", { cause });
    });
  }
  return program;
}

/** The version a program prints; null when it does not run. */
async function versionOf(program: string): Promise<string | null> {
  try {
    const { code, stdout } = await runTool(program, ["-version"], { timeoutSeconds: 20, maxOutputBytes: 65_536 });
    return code === 0 ? (/^ff(?:mpeg|probe) version (\S+)/.exec(stdout)?.[1] ?? null) : null;
  } catch {
    return null;
  }
}

/** Builds from the repository have no release number ("N-1234-g..."); whoever made one is taken to know. */
function isRecent(version: string): boolean {
  const major = /^n?(\d+)\./i.exec(version)?.[1];
  return major === undefined || Number(major) >= oldestMajor;
}

async function onPath(name: string): Promise<string | null> {
  const { PATH, Path, PATHEXT } = childEnvironment();
  for (const folder of (PATH ?? Path ?? "").split(path.delimiter)) {
    for (const extension of PATHEXT?.split(";") ?? [""]) {
      const program = path.join(folder, name + extension);
      if (path.isAbsolute(program) && (await isExecutable(program))) return program;
    }
  }
  return null;
}

async function isExecutable(program: string): Promise<boolean> {
  try {
    await access(program, constants.X_OK);
    return (await stat(program)).isFile();
  } catch {
    return false;
  }
}
