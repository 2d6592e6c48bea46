/**
 * `GET /media/<video id>`: the media file of a video, with byte ranges, for the player of the search
 * page. A file is served only when it lies inside a media root now, whatever it was when it was
 * ingested; the content type comes from a short list, so that a file can never act as a page.
 */
import { extname } from "node:path";
import type { Request, RequestHandler, Response } from "express";
import type { Earshot } from "../earshot.js";
import { EarshotError } from "../errors.js";
import { localId } from "../graphql/ids.js";
import { checkRight } from "../graphql/viewer.js";
import type { RequestContext } from "./context.js";

/** Types a browser can play, by file name extension; anything else is offered as a download. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".mp4": "video/mp4",
  ".m4v": "video/mp4",
  ".mov": "video/mp4",
  ".webm": "video/webm",
  ".mkv": "video/x-matroska",
  ".ogv": "video/ogg",
  ".ogg": "audio/ogg",
  ".oga": "audio/ogg",
  ".opus": "audio/ogg",
  ".mp3": "audio/mpeg",
  ".m4a": "audio/mp4",
  ".aac": "audio/aac",
  ".flac": "audio/flac",
  ".wav": "audio/wav",
};

const RANGE_NOT_SATISFIABLE = 416;

/** The handler of `/media/:id`. */
export function mediaHandler(earshot: Earshot, contextOf: (request: Request) => RequestContext): RequestHandler {
  return async (request, response, next) => {
    const file = await mediaFile(earshot, contextOf(request), String(request.params["id"]));
    if (file === null) {
      notFound(response);
      return;
    }
    response.set("Content-Type", CONTENT_TYPES[extname(file).toLowerCase()] ?? "application/octet-stream");
    response.set("Content-Security-Policy", "default-src 'none'; sandbox");
    response.set("Cache-Control", "private, no-cache");
    response.sendFile(file, { dotfiles: "allow", cacheControl: false }, (error) => {
      // After the first byte nothing can be said any more; the player asks for the rest again.
      if (error === undefined || response.headersSent) return;
      if ((error as { status?: number }).status === RANGE_NOT_SATISFIABLE) next(error);
      else notFound(response);
    });
  };
}

/** Real path of the file of a video the caller may read; null when there is none to serve. */
async function mediaFile(earshot: Earshot, context: RequestContext, id: string): Promise<string | null> {
  const viewer = await earshot.viewerOf(context);
  try {
    checkRight(viewer, "read");
    const video = await earshot.catalog.videos.find(viewer.tenant, localId("Video", id, "id"));
    return video === null ? null : await earshot.mediaFile(video);
  } catch (error) {
    // Which of the reasons it was is nothing the caller needs to know.
    if (error instanceof EarshotError) return null;
    throw error;
  }
}

function notFound(response: Response): void {
  response.status(404).json({ error: "There is no media file to serve for this id." });
}
