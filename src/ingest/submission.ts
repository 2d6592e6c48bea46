import { z } from "zod";
import { isStorableText, type IngestPriority, type VideoMetadata } from "../catalog/index.js";
import { InvalidVideoInputError } from "../errors.js";
import type { SourceInput } from "./sources.js";

/** A video to make searchable. */
export interface IngestInput {
  source: SourceInput;
  /** The platform's own id. The same id again replaces the video's segments, title and metadata. */
  externalId?: string | null;
  title?: string | null;
  metadata?: VideoMetadata | null;
  /** @default "NORMAL" */
  priority?: IngestPriority | null;
  /** Id of the request, for the log. */
  requestId?: string | null;
}

/** Longest metadata, as JSON text. */
const maxMetadataCharacters = 65_536;

const unstorable = "must not hold a NUL character, or half of a surrogate pair";

const text = z.string().refine(isStorableText, unstorable);

const metadata = z
  .record(z.string(), z.json(), "must be an object of JSON values")
  .refine(
    (value) => JSON.stringify(value).length <= maxMetadataCharacters,
    `must not exceed ${maxMetadataCharacters} characters as JSON`,
  )
  .refine(isStorableText, unstorable);

const schema = z.object({
  externalId: text.min(1, "must not be empty").max(500, "must not exceed 500 characters").nullish(),
  title: text.max(1000, "must not exceed 1000 characters").nullish(),
  metadata: metadata.nullish(),
  priority: z.enum(["LOW", "NORMAL", "HIGH"], 'must be "LOW", "NORMAL" or "HIGH"').nullish(),
  requestId: z.string().nullish(),
});

/** What is said about a video, checked, with null for what is not given. */
export interface VideoDescription {
  externalId: string | null;
  title: string | null;
  metadata: VideoMetadata | null;
  priority: IngestPriority;
  requestId: string | null;
}

/**
 * Checks what was given about a video, its source aside.
 *
 * @throws InvalidVideoInputError naming the field
 */
export function checkDescription(input: IngestInput): VideoDescription {
  const parsed = schema.safeParse(input);
  if (parsed.success) {
    const { externalId = null, title = null, metadata = null, priority, requestId = null } = parsed.data;
    return { externalId, title, metadata, priority: priority ?? "NORMAL", requestId };
  }
  const issue = parsed.error.issues[0];
  const field = String(issue?.path[0] ?? "input");
  throw new InvalidVideoInputError(`"${field}" ${issue?.message ?? "is not valid"}.`, { field });
}
