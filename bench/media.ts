/** The media that are ingested: made by the configured ffmpeg, once in a run of the benchmarks. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchContext } from "./benchmark.js";
import { createLogger, findFfmpeg, processEnvironment, resolveOptions } from "./product.js";

const demo = fileURLToPath(new URL("../demo", import.meta.url));

/** The options of a bare product with the environment of the caller, and its ffmpeg. */
export async function configuredFfmpeg() {
  return findFfmpeg(resolveOptions({}, processEnvironment()), createLogger("error"));
}

/** Makes the media of one run of the benchmarks; what has been made is taken again. */
export class BenchMedia {
  constructor(
    private readonly context: BenchContext,
    private readonly ffmpeg: string,
  ) {}

  /** WAV, 44.1 kHz stereo, 16 bit: the sound of the demo's videos over and over. */
  wav(seconds: number): Promise<string> {
    return this.make(`sound-${seconds}.wav`, async (file) => {
      const loop = await this.loop();
      await this.run(["-stream_loop", "-1", "-i", loop, "-t", `${seconds}`, "-c:a", "pcm_s16le", "-f", "wav", file]);
    });
  }

  /** MP4 with AAC of 128 kbit/s and a small picture; the same sound as {@link wav}. */
  mp4(seconds: number): Promise<string> {
    return this.make(`video-${seconds}.mp4`, async (file) => {
      const picture = ["-f", "lavfi", "-i", "color=c=gray:size=160x90:rate=5"];
      const sound = ["-i", await this.wav(seconds)];
      const codecs = ["-c:v", "mpeg4", "-c:a", "aac", "-b:a", "128k"];
      await this.run([...picture, ...sound, ...codecs, "-t", `${seconds}`, "-f", "mp4", file]);
    });
  }

  /** MP4 with AAC of 48 kbit/s, made of equal parts so that hours of it are made in seconds. */
  longMp4(seconds: number, partSeconds: number): Promise<string> {
    return this.make(`long-${seconds}.mp4`, async (file) => {
      const part = await this.make(`part-${partSeconds}.mp4`, async (made) => {
        await this.run(["-i", await this.wav(partSeconds), "-c:a", "aac", "-b:a", "48k", "-f", "mp4", made]);
      });
      await this.run(["-stream_loop", "-1", "-i", part, "-t", `${seconds}`, "-c", "copy", "-f", "mp4", file]);
    });
  }

  /** So many WAV files of equal length, with different parts of the sound of {@link wav}. */
  async clips(count: number, seconds: number): Promise<string[]> {
    const name = (clip: number) =>
      path.join(this.context.folder, `clip-${seconds}-${String(clip).padStart(4, "0")}.wav`);
    await this.make(`clips-${count}-${seconds}`, async (file) => {
      const sound = await this.wav(count * seconds);
      const pattern = path.join(this.context.folder, `clip-${seconds}-%04d.wav`);
      await this.run(["-i", sound, "-c", "copy", "-f", "segment", "-segment_time", `${seconds}`, pattern]);
      await writeFile(file, "");
    });
    return Array.from({ length: count }, (_, clip) => name(clip));
  }

  /** What is repeated: the demo's videos one after the other, or tones and noise where there are none. */
  private loop(): Promise<string> {
    return this.make("loop.wav", async (file) => {
      const videos = await demoVideos();
      const sound = ["-ac", "2", "-ar", "44100", "-c:a", "pcm_s16le", "-f", "wav", file];
      if (videos.length > 0) {
        const inputs = videos.flatMap((video) => ["-i", video]);
        const alike = videos.map((_, i) => `[${i}:a:0]aresample=44100,aformat=channel_layouts=stereo[a${i}]`);
        const joined = `${videos.map((_, i) => `[a${i}]`).join("")}concat=n=${videos.length}:v=0:a=1[joined]`;
        await this.run([...inputs, "-filter_complex", [...alike, joined].join(";"), "-map", "[joined]", ...sound]);
        return;
      }
      const tones = "aevalsrc=0.3*sin(880*PI*t*(1+floor(mod(t\\,7))))*mod(t\\,1):duration=60:sample_rate=44100";
      const noise = "anoisesrc=duration=60:sample_rate=44100:color=pink:amplitude=0.2:seed=1";
      const inputs = ["-f", "lavfi", "-i", tones, "-f", "lavfi", "-i", noise];
      await this.run([...inputs, "-filter_complex", "amix=inputs=2", ...sound]);
    });
  }

  private async make(name: string, work: (file: string) => Promise<void>): Promise<string> {
    const file = path.join(this.context.folder, name);
    if (existsSync(file)) return file;
    const unfinished = path.join(this.context.folder, `unfinished-${name}`);
    this.context.progress(`making ${name}`);
    await work(unfinished);
    await rename(unfinished, file);
    return file;
  }

  private run(args: readonly string[]): Promise<void> {
    const child = spawn(this.ffmpeg, ["-nostdin", "-hide_banner", "-v", "error", "-y", ...args], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    return new Promise((resolve, reject) => {
      child.once("error", reject).once("close", (code) => {
        if (code === 0) resolve();
        else reject(new Error(`ffmpeg ended with exit code ${code}`));
      });
    });
  }
}

async function demoVideos(): Promise<string[]> {
  const files = await readdir(demo).catch(() => []);
  return files
    .filter((file) => file.endsWith(".mp4"))
    .sort()
    .map((file) => path.join(demo, file));
}
