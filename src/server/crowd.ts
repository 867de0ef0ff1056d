import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Above the most that are kept, so that a newcomer is let in before another one goes. */
const SPARE = 100;

/**
 * Keeps room for newcomers: when more than `most` connections are open, the one goes that has done nothing useful for the longest time (idle, or
 * still sending its request). A plain limit would do the opposite: whoever holds all connections open would shut everybody else out,
 * health checks included.
 */
export function keepRoom(server: Server, most: number): void {
  /** In order of their last useful moment, the longest ago first; the value is the request that is being answered. */
  const open = new Map<Socket, IncomingMessage | null>();
  const touch = (socket: Socket, request: IncomingMessage | null): void => {
    if (!open.delete(socket)) return;
    open.set(socket, request);
  };
  server.maxConnections = most + SPARE;
  server.on('connection', (socket: Socket) => {
    open.set(socket, null);
    socket.once('close', () => open.delete(socket));
    if (open.size <= most) return;
    for (const [other, request] of open)
      if (request === null || !request.complete) {
        open.delete(other);
        other.destroy();
        return;
      }
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    // Not moved to the end yet: a request is useful once it has come in whole.
    if (open.has(request.socket)) open.set(request.socket, request);
    response.once('close', () => touch(request.socket, null));
  });
}
