/** The demo's videos and queries: `demo/manifest.json`. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { DemoUnreadableError } from "../errors.js";

const seconds = z.number().nonnegative();

const demoManifestSchema = z.object({
  videos: z
    .array(
      z.object({
        /** Name of the file beside the manifest. */
        file: z.string().min(1),
        title: z.string().min(1),
        /** What is heard in it, and when. */
        events: z.array(z.object({ label: z.string(), startSeconds: seconds, endSeconds: seconds })),
      }),
    )
    .min(1),
  queries: z
    .array(
      z.object({
        text: z.string().min(1),
        /** File of the video that is the right answer. */
        video: z.string().min(1),
        /** Span in which the sound is heard there, in seconds. */
        startSeconds: seconds,
        endSeconds: seconds,
      }),
    )
    .min(1),
});

/** What the demo ingests, asks, and expects. */
export type DemoManifest = z.infer<typeof demoManifestSchema>;

/** `demo/` of the package; this file is two folders below it, in `src` as in `dist`. */
export const DEMO_DIRECTORY = fileURLToPath(new URL("../../demo/", import.meta.url));

/**
 * Reads the manifest of a demo folder.
 *
 * @throws DemoUnreadableError
 */
export async function readDemoManifest(directory: string): Promise<DemoManifest> {
  const file = path.join(directory, "manifest.json");
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new DemoUnreadableError("demo/manifest.json cannot be read. Check out the repository completely.", {
      detail: file,
      cause,
    });
  }
  const parsed = demoManifestSchema.safeParse(content);
  if (!parsed.success) {
    throw new DemoUnreadableError(`demo/manifest.json is malformed:\n${z.prettifyError(parsed.error)}`, {
      detail: file,
    });
  }
  return parsed.data;
}
