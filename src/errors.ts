/**
 * Every expected failure of Earshot: one class per cause, each with a stable code.
 *
 * `message` is written for the person who can mend the cause and is safe to show to an API client:
 * it never holds a server path, a stack or a secret. `detail` is for logs only.
 * `retryable` tells the job queue whether another attempt could succeed.
 */
export abstract class EarshotError extends Error {
  /** Stable, machine-readable name of the cause, e.g. `MEDIA_UNREADABLE`. */
  abstract readonly code: string;
  /** True when the same call may succeed later without anyone changing anything. */
  readonly retryable: boolean = false;
  /** True when something is away or full that all work needs: whoever works on many things pauses rather than go through them. */
  readonly outage: boolean = false;
  /** The input field at fault, when there is one. */
  readonly field?: string;
  /** Facts for the log (paths, exit codes, stderr); never sent to a client. */
  readonly detail?: string;

  constructor(message: string, extra: { field?: string; detail?: string; cause?: unknown } = {}) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = new.target.name;
    if (extra.field !== undefined) this.field = extra.field;
    if (extra.detail !== undefined) this.detail = extra.detail;
  }
}

// --- config ---------------------------------------------------------------------------------------

/** An option that was set in code or on the command line is malformed or unknown. */
export class InvalidOptionsError extends EarshotError {
  readonly code = "INVALID_OPTIONS";
}

/** An environment variable is malformed. */
export class InvalidEnvironmentError extends EarshotError {
  readonly code = "INVALID_ENVIRONMENT";
}

// --- catalog --------------------------------------------------------------------------------------

/** The database cannot be opened: its folder is missing or not writable, or the file is no database. */
export class CatalogUnavailableError extends EarshotError {
  readonly code = "CATALOG_UNAVAILABLE";
  override readonly retryable: boolean;
  override readonly outage = true;

  /** @param extra `retryable`: a server does not answer now, and may later. */
  constructor(message: string, extra: { detail?: string; cause?: unknown; retryable?: boolean } = {}) {
    super(message, extra);
    this.retryable = extra.retryable ?? false;
  }
}

/** The database was written by another version, or its schema was changed by hand. */
export class CatalogSchemaError extends EarshotError {
  readonly code = "CATALOG_SCHEMA_MISMATCH";
}

/** Others keep the database busy, or locked. */
export class CatalogBusyError extends EarshotError {
  readonly code = "CATALOG_BUSY";
  override readonly retryable = true;
  override readonly outage = true;
}

/** The connection to the database broke, or none can be made for now. What was not committed is not there. */
export class CatalogDisconnectedError extends EarshotError {
  readonly code = "CATALOG_DISCONNECTED";
  override readonly retryable = true;
  override readonly outage = true;
}

/** The disk is full, or the database cannot be written for another reason outside Earshot. */
export class CatalogWriteError extends EarshotError {
  readonly code = "CATALOG_WRITE_FAILED";
  override readonly retryable = true;
  override readonly outage = true;
}

// --- media ----------------------------------------------------------------------------------------

/** No ffmpeg that may be used was found, or the configured one does not run. */
export class FfmpegNotFoundError extends EarshotError {
  readonly code = "FFMPEG_NOT_FOUND";
}

/** ffmpeg was found at start, but cannot be started now. */
export class FfmpegUnavailableError extends EarshotError {
  readonly code = "FFMPEG_UNAVAILABLE";
  override readonly retryable = true;
  override readonly outage = true;
}

/** A file is not a media file, or is damaged beyond reading. */
export class MediaUnreadableError extends EarshotError {
  readonly code = "MEDIA_UNREADABLE";
}

/** A file has no bytes. */
export class MediaEmptyError extends EarshotError {
  readonly code = "MEDIA_EMPTY";
}

/** A file breaks off so early that nothing of it can be decoded. */
export class MediaTruncatedError extends EarshotError {
  readonly code = "MEDIA_TRUNCATED";
}

/** A file has a format that is not opened: a playlist, an image, something exotic. */
export class MediaFormatUnsupportedError extends EarshotError {
  readonly code = "MEDIA_FORMAT_UNSUPPORTED";
}

/** Sound or pictures are in a codec which this ffmpeg cannot decode. */
export class MediaCodecUnsupportedError extends EarshotError {
  readonly code = "MEDIA_CODEC_UNSUPPORTED";
}

/** A file has no audio track, nor pictures where the model pack attends to them too. */
export class MediaNoAudioError extends EarshotError {
  readonly code = "MEDIA_NO_AUDIO";
}

/** A file has no pictures, and the model pack attends to nothing else. */
export class MediaNoPicturesError extends EarshotError {
  readonly code = "MEDIA_NO_PICTURES";
}

/** A file has an audio track, on which nothing is heard. */
export class MediaSilentError extends EarshotError {
  readonly code = "MEDIA_SILENT";
}

/** Sound or pictures are longer than the limit. */
export class MediaTooLongError extends EarshotError {
  readonly code = "MEDIA_TOO_LONG";
}

/** A file has more bytes than the limit. */
export class MediaTooLargeError extends EarshotError {
  readonly code = "MEDIA_TOO_LARGE";
}

/** ffprobe took longer, or wrote more, than is allowed. */
export class MediaProbeTimeoutError extends EarshotError {
  readonly code = "MEDIA_PROBE_TIMEOUT";
  override readonly retryable = true;
}

/** ffmpeg took longer than is allowed. */
export class MediaDecodeTimeoutError extends EarshotError {
  readonly code = "MEDIA_DECODE_TIMEOUT";
  override readonly retryable = true;
}

/** ffmpeg crashed, or the system ended it for want of memory. */
export class MediaDecoderCrashedError extends EarshotError {
  readonly code = "MEDIA_DECODER_CRASHED";
  override readonly retryable = true;
}

// --- ingest ---------------------------------------------------------------------------------------

/** What was given about a video is malformed or too long. */
export class InvalidVideoInputError extends EarshotError {
  readonly code = "INVALID_VIDEO_INPUT";
}

/** A source is a URL, which this version does not fetch. */
export class SourceUrlUnsupportedError extends EarshotError {
  readonly code = "SOURCE_URL_UNSUPPORTED";
}

/** A path leads outside the media roots, or there are no media roots. */
export class SourceOutsideRootsError extends EarshotError {
  readonly code = "SOURCE_OUTSIDE_ROOTS";
}

/** There is no file at a path inside the media roots. */
export class SourceNotFoundError extends EarshotError {
  readonly code = "SOURCE_NOT_FOUND";
}

/** A path is that of a folder. */
export class SourceIsDirectoryError extends EarshotError {
  readonly code = "SOURCE_IS_DIRECTORY";
}

/** A path is that of a device, a pipe or a socket. */
export class SourceNotAFileError extends EarshotError {
  readonly code = "SOURCE_NOT_A_FILE";
}

/** The server may not read a file. */
export class SourceNotReadableError extends EarshotError {
  readonly code = "SOURCE_NOT_READABLE";
}

/** A file, or the folder that holds it, cannot be looked at for now, for example because its disk or server fails. */
export class SourceUnavailableError extends EarshotError {
  readonly code = "SOURCE_UNAVAILABLE";
  override readonly retryable = true;
}

/** A media root of this process is missing, unreadable or empty, and with it the file of a job. */
export class MediaRootUnavailableError extends EarshotError {
  readonly code = "MEDIA_ROOT_UNAVAILABLE";
  override readonly retryable = true;
  override readonly outage = true;
}

/** A file was changed while it was read, for example because it is still being copied. */
export class SourceChangedError extends EarshotError {
  readonly code = "SOURCE_CHANGED";
  override readonly retryable = true;
}

/** The tenant has no such video. */
export class VideoNotFoundError extends EarshotError {
  readonly code = "VIDEO_NOT_FOUND";
}

/** The tenant has no such ingest job. */
export class JobNotFoundError extends EarshotError {
  readonly code = "JOB_NOT_FOUND";
}

/** A job cannot be tried again: it waits, runs, or was completed. */
export class JobNotRetryableError extends EarshotError {
  readonly code = "JOB_NOT_RETRYABLE";
}

/** The process of a job ended during each of its attempts. */
export class JobCrashedError extends EarshotError {
  readonly code = "JOB_CRASHED";
}

/** The work on a job went on without any progress until it was ended. */
export class JobStalledError extends EarshotError {
  readonly code = "JOB_STALLED";
  override readonly retryable = true;
}

/** A job failed for a reason that nobody foresaw; the log says more. */
export class JobInternalError extends EarshotError {
  readonly code = "INTERNAL_ERROR";
  override readonly retryable = true;
}

// --- models -------------------------------------------------------------------------------------

/** There is no model pack where the options say. */
export class PackNotFoundError extends EarshotError {
  readonly code = "PACK_NOT_FOUND";
}

/** A pack's manifest.json is not JSON or breaks the schema. */
export class PackManifestInvalidError extends EarshotError {
  readonly code = "PACK_MANIFEST_INVALID";
}

/** A pack has a format version this Earshot does not read. */
export class PackFormatUnsupportedError extends EarshotError {
  readonly code = "PACK_FORMAT_UNSUPPORTED";
}

/** A file that the manifest names is not in the pack. */
export class PackFileMissingError extends EarshotError {
  readonly code = "PACK_FILE_MISSING";
}

/** A file of the pack has another size or SHA-256 than its manifest says. */
export class PackFileAlteredError extends EarshotError {
  readonly code = "PACK_FILE_ALTERED";
}

/** An ONNX graph cannot be loaded, or its inputs and outputs are not those the manifest promises. */
export class ModelLoadFailedError extends EarshotError {
  readonly code = "MODEL_LOAD_FAILED";
}

/** The execution provider that the options require (for example cuda) cannot be used here. */
export class ProviderUnavailableError extends EarshotError {
  readonly code = "PROVIDER_UNAVAILABLE";
}

/** A model refused its inputs, or failed while it ran. */
export class InferenceFailedError extends EarshotError {
  readonly code = "INFERENCE_FAILED";
}

/** Memory, of the machine or of its GPU, does not suffice for even one window. */
export class InferenceOutOfMemoryError extends EarshotError {
  readonly code = "INFERENCE_OUT_OF_MEMORY";
  override readonly retryable = true;
}

/** The thread that ran a model ended in the middle; a new one takes its place. */
export class InferenceWorkerLostError extends EarshotError {
  readonly code = "INFERENCE_WORKER_LOST";
  override readonly retryable = true;
}

/** Inference was asked for after the pool had been closed. */
export class InferenceClosedError extends EarshotError {
  readonly code = "INFERENCE_CLOSED";
}

// --- vectors ------------------------------------------------------------------------------------

/** No vector index has this id. */
export class VectorIndexNotFoundError extends EarshotError {
  readonly code = "VECTOR_INDEX_NOT_FOUND";
}

/** A vector is not as wide as its index, or an index of this id exists with another width. */
export class VectorDimensionMismatchError extends EarshotError {
  readonly code = "VECTOR_DIMENSION_MISMATCH";
}

/** A vector holds NaN or infinity, or belongs to another video or tenant than the write names. */
export class VectorInvalidError extends EarshotError {
  readonly code = "VECTOR_INVALID";
}

/** Vectors that were handed over for a commit were given up before it came, e.g. because it took too long. */
export class VectorStageLostError extends EarshotError {
  readonly code = "VECTOR_STAGE_LOST";
  override readonly retryable = true;
}

/** The vector engine cannot answer now. What cannot be used for another reason is a kind of it: work waits until it can. */
export class VectorIndexUnavailableError extends EarshotError {
  readonly code: string = "VECTOR_INDEX_UNAVAILABLE";
  override readonly retryable = true;
  override readonly outage = true;
}

/** The vector engine refuses the API key, or the key may not do what is asked. */
export class VectorEngineForbiddenError extends VectorIndexUnavailableError {
  override readonly code = "VECTOR_ENGINE_FORBIDDEN";
}

/** The disk of the vector engine is full; searches may still work. */
export class VectorEngineFullError extends VectorIndexUnavailableError {
  override readonly code = "VECTOR_ENGINE_FULL";
}

/** The vector engine does not understand or allow a request: another version, or limits set by its operator. */
export class VectorEngineRefusedError extends EarshotError {
  readonly code = "VECTOR_ENGINE_REFUSED";
}

// --- indexes ------------------------------------------------------------------------------------

/** The index in use was made with a model pack that is not on this machine. */
export class LivePackMissingError extends EarshotError {
  readonly code = "LIVE_PACK_MISSING";
  override readonly retryable = true;
}

/** A re-index needs a model pack that is not on this machine; others may have it. */
export class PackElsewhereError extends EarshotError {
  readonly code = "PACK_ELSEWHERE";
  override readonly retryable = true;
}

/** There is no re-index of that id. */
export class ReindexNotFoundError extends EarshotError {
  readonly code = "REINDEX_NOT_FOUND";
}

/** Another re-index goes on. */
export class ReindexUnderWayError extends EarshotError {
  readonly code = "REINDEX_UNDER_WAY";
}

/** Every video is in the index already. */
export class ReindexNotNeededError extends EarshotError {
  readonly code = "REINDEX_NOT_NEEDED";
}

/** A re-index is not in a state in which that can be done with it. */
export class ReindexStateError extends EarshotError {
  readonly code = "REINDEX_STATE";
}

/** Videos are missing from the new index, so searches do not change over to it. */
export class ReindexIncompleteError extends EarshotError {
  readonly code = "REINDEX_INCOMPLETE";
}

/** An index is in use or being built, and is not removed. */
export class IndexInUseError extends EarshotError {
  readonly code = "INDEX_IN_USE";
}

// --- search -------------------------------------------------------------------------------------

/** The query holds no words at all. */
export class QueryEmptyError extends EarshotError {
  readonly code = "QUERY_EMPTY";
}

/** The query has more characters than the options allow. */
export class QueryTooLongError extends EarshotError {
  readonly code = "QUERY_TOO_LONG";
}

/** `first` is not between 1 and the largest page. */
export class FirstOutOfRangeError extends EarshotError {
  readonly code = "FIRST_OUT_OF_RANGE";
}

/** `momentsPerVideo` is not between 1 and the most that is allowed. */
export class MomentsPerVideoOutOfRangeError extends EarshotError {
  readonly code = "MOMENTS_PER_VIDEO_OUT_OF_RANGE";
}

/** `minRelevance` is not between 0 and 1. */
export class MinRelevanceOutOfRangeError extends EarshotError {
  readonly code = "MIN_RELEVANCE_OUT_OF_RANGE";
}

/** A cursor is damaged, invented, or belongs to another list. */
export class InvalidCursorError extends EarshotError {
  readonly code = "INVALID_CURSOR";
}

/** A cursor was given out before searches changed over to another index. */
export class CursorOutdatedError extends EarshotError {
  readonly code = "CURSOR_OUTDATED";
}

/** A page of a search would lie deeper than searches go. */
export class SearchTooDeepError extends EarshotError {
  readonly code = "SEARCH_TOO_DEEP";
}

/** A filter holds something that cannot be filtered by. */
export class InvalidFilterError extends EarshotError {
  readonly code = "INVALID_FILTER";
}

// --- evaluation -----------------------------------------------------------------------------------

/** An evaluation's input is malformed, or its parts do not go together. */
export class InvalidEvaluationInputError extends EarshotError {
  readonly code = "INVALID_EVALUATION_INPUT";
}

/** A folder of data, captions or a model pack lies outside the folders that evaluations may read. */
export class EvaluationPathOutsideRootsError extends EarshotError {
  readonly code = "EVALUATION_PATH_OUTSIDE_ROOTS";
}

/** There is no data set in the folder, or nothing there is of a layout that is known. */
export class DatasetNotFoundError extends EarshotError {
  readonly code = "DATASET_NOT_FOUND";
}

/** A file of a data set is malformed: the message names the file and the line. */
export class DatasetInvalidError extends EarshotError {
  readonly code = "DATASET_INVALID";
}

/** The data set has no split of that name. */
export class DatasetSplitNotFoundError extends EarshotError {
  readonly code = "DATASET_SPLIT_NOT_FOUND";
}

/** No clip of the split can take part. */
export class DatasetEmptyError extends EarshotError {
  readonly code = "DATASET_EMPTY";
}

/** The data set's features are not those that the pack takes: another expert, width or kind. */
export class FeaturesDoNotFitError extends EarshotError {
  readonly code = "FEATURES_DO_NOT_FIT";
}

/** An expert was named that the pack does not have. */
export class ExpertUnknownError extends EarshotError {
  readonly code = "EXPERT_UNKNOWN";
}

/** The table of scores would not fit into memory. */
export class EvaluationTooLargeError extends EarshotError {
  readonly code = "EVALUATION_TOO_LARGE";
}

/** The tenant has no evaluation of that id. */
export class EvaluationNotFoundError extends EarshotError {
  readonly code = "EVALUATION_NOT_FOUND";
}

/** Evaluations cannot be set beside each other, for example because one is not completed. */
export class EvaluationsNotComparableError extends EarshotError {
  readonly code = "EVALUATIONS_NOT_COMPARABLE";
}

/** The process that ran an evaluation ended in the middle, too often. */
export class EvaluationCrashedError extends EarshotError {
  readonly code = "EVALUATION_CRASHED";
}

/** Videos of the data set were ingested again or deleted while an evaluation searched them. */
export class EvaluationLibraryChangedError extends EarshotError {
  readonly code = "EVALUATION_LIBRARY_CHANGED";
  override readonly retryable = true;
}

// --- graphql ------------------------------------------------------------------------------------

/** A global id was not given out by Earshot, or names something of another type. */
export class InvalidIdError extends EarshotError {
  readonly code = "INVALID_ID";
}

/** Exactly one of several arguments has to be given. */
export class OneArgumentNeededError extends EarshotError {
  readonly code = "ONE_ARGUMENT_NEEDED";
}

/** The caller lacks the right which the field needs. */
export class ForbiddenError extends EarshotError {
  readonly code = "FORBIDDEN";
}

// --- server and command line --------------------------------------------------------------------

/** Another program listens on the port. */
export class PortInUseError extends EarshotError {
  readonly code = "PORT_IN_USE";
}

/** The server may not listen on the port or address. */
export class AddressUnavailableError extends EarshotError {
  readonly code = "ADDRESS_UNAVAILABLE";
}

/** A report cannot be written where it was asked for. */
export class ReportNotWritableError extends EarshotError {
  readonly code = "REPORT_NOT_WRITABLE";
}

/** The demo's manifest or a video it names is missing or malformed. */
export class DemoUnreadableError extends EarshotError {
  readonly code = "DEMO_UNREADABLE";
}
