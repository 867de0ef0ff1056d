import type { AddressInfo } from 'node:net';
import { createConnection, createServer, type Socket } from 'node:net';

/** What happens to connections: to new ones from their first byte, to old ones from now on. */
export type Weather =
  | { kind: 'clear' }
  /** Each piece of data is late by so many milliseconds, in both directions. */
  | { kind: 'latency'; ms: number }
  /** Everything is taken and nothing is passed on, in either direction. */
  | { kind: 'black hole' }
  /** What the client sends arrives; of what the server says nothing does, and the connection stays open. */
  | { kind: 'half-open' }
  /** The connection is reset when the server has begun to answer: it did what it was asked. */
  | { kind: 'cut after' }
  /** The connection is reset after so many bytes from the client. */
  | { kind: 'cut before'; bytes: number }
  /** Nobody is there. */
  | { kind: 'refused' };

/** A way over TCP between a client and a server, on which the weather changes. */
export class TcpProxy {
  weather: Weather = { kind: 'clear' };
  connections = 0;
  /** Hears what clients say, just before it is passed on. */
  heard: (data: string) => void = () => undefined;
  readonly #server;
  readonly #sockets = new Set<Socket>();
  #target: number;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
  }

  static async open(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where new connections go from now on. */
  set target(port: number) {
    this.#target = port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    this.connections += 1;
    if (this.weather.kind === 'refused') return void client.resetAndDestroy();
    const server = createConnection({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    let sent = 0;
    client.on('data', (data) => {
      sent += data.length;
      this.heard(data.toString('latin1'));
      const { weather } = this;
      if (weather.kind === 'cut before' && sent > weather.bytes) return void client.resetAndDestroy();
      if (weather.kind !== 'black hole') this.#pass(data, server);
    });
    server.on('data', (data) => {
      const { kind } = this.weather;
      if (kind === 'cut after') return void client.resetAndDestroy();
      if (kind !== 'black hole' && kind !== 'half-open') this.#pass(data, client);
    });
    client.on('end', () => server.end());
    server.on('end', () => {
      if (!['black hole', 'half-open'].includes(this.weather.kind)) client.end();
    });
  }

  #pass(data: Buffer, to: Socket): void {
    const { weather } = this;
    if (weather.kind === 'latency') setTimeout(() => void (to.writable && to.write(data)), weather.ms);
    else if (to.writable) to.write(data);
  }
}
