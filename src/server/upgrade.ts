/** Decides what becomes of HTTP requests that ask for another protocol. */
import { STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";

/** A request that asks for a WebSocket. */
export interface UpgradeRequest {
  request: IncomingMessage;
  socket: Duplex;
  /** What has been read of the new protocol already. */
  head: Buffer;
}

/**
 * Hands WebSockets of one path on. Those of other paths are answered with 404; those that a web page of another origin
 * opens with 403, for a browser lets any page open them, with the visitor's cookies. Requests for other protocols, such
 * as `h2c`, which some HTTP clients ask for as a matter of course, are answered in HTTP/1.1 as if they had not asked.
 *
 * @param allowedOrigins origins, beside the server's own address, whose pages may open WebSockets
 */
export function onWebSocket(
  http: Server,
  path: string,
  allowedOrigins: readonly string[],
  accept: (upgrade: UpgradeRequest) => void,
): void {
  http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() !== "websocket") {
      withoutUpgrade(http, { request, socket, head });
    } else if (request.url?.split("?", 1)[0] !== path) {
      refuse(socket, 404);
    } else if (!isOriginAllowed(request, allowedOrigins)) {
      refuse(socket, 403);
    } else {
      accept({ request, socket, head });
    }
  });
}

/** Browsers name the origin of the page always; other programs have no visitor whose rights a page could borrow. */
function isOriginAllowed({ headers }: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined || allowedOrigins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function refuse(socket: Duplex, status: 403 | 404): void {
  // A client that has gone away needs no answer.
  socket.on("error", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Lets the server read a request again, without the headers that ask for another protocol. */
function withoutUpgrade(http: Server, { request, socket, head }: UpgradeRequest): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let place = 0; place < request.rawHeaders.length; place += 2) {
    const [name, value] = request.rawHeaders.slice(place, place + 2);
    if (!["connection", "http2-settings", "upgrade"].includes(name!.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  // Header lines are bytes, which Node reads as Latin-1.
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  http.emit("connection", socket);
}
