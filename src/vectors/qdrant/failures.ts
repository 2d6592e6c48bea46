/** What can go wrong between Earshot and a Qdrant server, and what it is called here. */
import { QdrantClientResourceExhaustedError } from "@qdrant/js-client-rest";
import {
  EarshotError,
  VectorDimensionMismatchError,
  VectorEngineForbiddenError,
  VectorEngineFullError,
  VectorEngineRefusedError,
  VectorIndexUnavailableError,
} from "../../errors.js";

/** An attempt took longer than it may. */
export class AttemptTimedOut extends Error {
  override readonly name = "AttemptTimedOut";
}

/** Something answers at the address that is not Qdrant. */
export class NotQdrant extends Error {
  override readonly name = "NotQdrant";
}

/** The request went through, but the server gave up waiting for its own work: that is done now or later. */
export class NotYetDone extends Error {
  override readonly name = "NotYetDone";
}

/** The server has no such collection. */
export class CollectionMissing extends Error {
  override readonly name = "CollectionMissing";
}

/** The server has such a collection already. */
export class CollectionExists extends Error {
  override readonly name = "CollectionExists";
}

/** How an answer with an error status begins, in the client's errors. */
interface ErrorAnswer {
  status: number;
  /** The body: Qdrant's JSON, or text of whatever stands in between. */
  data: unknown;
}

const DISK_FULL = /no space left|out of disk|disk (is )?full|not enough (disk |free )?space|insufficient storage/i;
const NO_COLLECTION = /collection .*(doesn't|does not) exist/i;
const COLLECTION_EXISTS = /collection .*already exists/i;
const DIMENSION = /dimension error|expected dim|vector dimension/i;

/** Reasons that do not pass by themselves, of a connection that could not be made. */
const LASTING_CODE = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/;

/** Whether the same request may succeed in a moment. */
export function isPassing(error: unknown): boolean {
  if (error instanceof QdrantClientResourceExhaustedError) return true;
  if (error instanceof AttemptTimedOut || error instanceof NotYetDone) return true;
  const answer = asErrorAnswer(error);
  if (answer !== undefined) {
    return [408, 429, 500, 502, 503, 504].includes(answer.status) && !DISK_FULL.test(textOf(answer));
  }
  return isConnectionError(error) && !LASTING_CODE.test(codeOf(error));
}

/** Whether it is open if the server did, or will do, what a failed request asked for. */
export function mayHaveBeenDone(error: unknown): boolean {
  if (error instanceof AttemptTimedOut || error instanceof NotYetDone) return true;
  const answer = asErrorAnswer(error);
  if (answer !== undefined) return answer.status >= 500 || answer.status === 408;
  return isConnectionError(error) && !["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"].includes(codeOf(error));
}

/** Seconds for which the server asked to be left alone. */
export function retryAfterSeconds(error: unknown): number {
  return error instanceof QdrantClientResourceExhaustedError ? error.retry_after : 0;
}

/** The expected error behind whatever the client threw; others, bugs among them, are passed on as they are. */
export function toVectorError(error: unknown): unknown {
  if (error instanceof EarshotError) return error;
  const answer = asErrorAnswer(error);
  if (answer !== undefined) return answeredError(answer, error);
  if (error instanceof QdrantClientResourceExhaustedError) {
    return unavailable("The vector engine asks for a pause, since it gets too many requests. Try again later.", error);
  }
  if (error instanceof AttemptTimedOut || error instanceof NotYetDone) {
    return unavailable("The vector engine does not answer in time. Try again later.", error);
  }
  if (error instanceof NotQdrant) {
    return unavailable("What answers at the address of the vector engine is not Qdrant. Correct the address.", error);
  }
  if (!isConnectionError(error)) return error;
  return LASTING_CODE.test(codeOf(error))
    ? unavailable(
        "No trusted connection to the vector engine can be made. Check its certificate, the CA file, and whether the " +
          "address should begin with http or https.",
        error,
      )
    : unavailable("The vector engine cannot be reached. Check that it runs, and its address.", error);
}

function answeredError(answer: ErrorAnswer, cause: unknown): Error {
  const { status } = answer;
  const text = textOf(answer);
  const extra = { detail: `${status} ${text}`.slice(0, 500), cause };
  if (status === 401 || status === 403) {
    return new VectorEngineForbiddenError(
      "The vector engine refuses the API key, or the key may not write. Set the right one.",
      extra,
    );
  }
  if (status === 507 || DISK_FULL.test(text)) {
    return new VectorEngineFullError("The disk of the vector engine is full. Free some of it, or add more.", extra);
  }
  if (status === 404 && NO_COLLECTION.test(text)) return new CollectionMissing(text, { cause });
  if (COLLECTION_EXISTS.test(text)) return new CollectionExists(text, { cause });
  if (status === 400 && DIMENSION.test(text)) {
    return new VectorDimensionMismatchError(
      "The collection of this index has vectors of another width than the model pack gives.",
      extra,
    );
  }
  if (status === 408 || status === 429 || status >= 500) {
    return new VectorIndexUnavailableError("The vector engine cannot answer now. Try again later.", extra);
  }
  return new VectorEngineRefusedError(
    "The vector engine refuses a request. Check that its version is supported, and the limits its operator has set.",
    extra,
  );
}

function unavailable(message: string, error: unknown): VectorIndexUnavailableError {
  return new VectorIndexUnavailableError(message, { detail: reasonOf(error), cause: error });
}

/** The client throws what `fetch` throws: a TypeError, whose cause says more. */
function isConnectionError(error: unknown): error is TypeError {
  return error instanceof TypeError && (error.message === "fetch failed" || error.message === "terminated");
}

function codeOf(error: unknown): string {
  const cause = (error as Error).cause as { code?: unknown } | undefined;
  return typeof cause?.code === "string" ? cause.code : "";
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message === "" ? codeOf(error) : cause.message}` : message;
}

function asErrorAnswer(error: unknown): ErrorAnswer | undefined {
  if (!(error instanceof Error) || !("status" in error) || !("data" in error)) return undefined;
  const { status, data } = error;
  return typeof status === "number" ? { status, data } : undefined;
}

/** What an error answer says: Qdrant's own text, or else the body. */
function textOf({ data }: ErrorAnswer): string {
  const status = (data as { status?: unknown } | null | undefined)?.status;
  const said = (status as { error?: unknown } | null | undefined)?.error ?? status ?? data;
  return typeof said === "string" ? said : JSON.stringify(said ?? "");
}
