import { CloseCode, type Server } from "graphql-ws";
import type { WebSocket } from "ws";

/** How often a client is asked whether it is still there; it has as long to answer. In milliseconds. */
const PING_INTERVAL_MS = 12_000;

/**
 * Lets the protocol talk over a WebSocket, and ends one whose client no longer answers.
 *
 * @param connection what the protocol is to know of the WebSocket
 * @param onFailure told what nobody foresaw; the WebSocket is closed then
 */
export function converse<Connection>(
  socket: WebSocket,
  protocol: Server<Connection>,
  connection: Connection,
  onFailure: (error: unknown) => void,
): void {
  let answered = true;
  const pings = setInterval(() => {
    if (!answered) {
      socket.terminate();
      return;
    }
    answered = false;
    socket.ping();
  }, PING_INTERVAL_MS);
  socket.on("pong", () => {
    answered = true;
  });
  // A client's mistake, such as a message that is too large: `ws` closes the socket by itself.
  socket.on("error", () => undefined);
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) =>
        new Promise((resolve) => {
          // A message that the client does not get any more is lost with the client.
          if (socket.readyState === socket.OPEN) socket.send(data, () => resolve());
          else resolve();
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (handle) =>
        socket.on("message", (data: Buffer) => {
          handle(data.toString("utf8")).catch((error: unknown) => {
            onFailure(error);
            socket.close(CloseCode.InternalServerError, "Internal server error");
          });
        }),
    },
    connection,
  );
  socket.once("close", (code, reason) => {
    clearInterval(pings);
    closed(code, String(reason)).catch(onFailure);
  });
}
