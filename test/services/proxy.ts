import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';

/**
 * Proxies that stand before a real server and fail on command, so that a test sees what a client makes of a server that
 * is gone, slow or uncertain, while the server itself behaves as it does.
 */
export interface Proxy {
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Cuts all connections and refuses new ones (ECONNREFUSED) until `heal`. */
  refuse(): Promise<void>;
  /** Cuts all connections; new ones are served. */
  cut(): void;
  /** Accepts and reads, but forwards and answers nothing until `heal`: a network that swallows packets. */
  stall(): void;
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** What happens to a matching request instead of, or after, its being forwarded. */
export type FaultAction =
  /** Answers this instead of what the server said. */
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  /** Resets the connection. */
  | 'cut'
  /** Waits before it goes on as usual. */
  | { readonly delayMs: number }
  /** Passes so many bytes of the answer's body on, then resets the connection; only `after`. */
  | { readonly cutAfterBytes: number };

export interface FaultSpec {
  readonly method?: string;
  /** Tested against the path with its query. */
  readonly path?: RegExp;
  /** `before`: the server never sees the request. `after`: it has carried it out and answered. */
  readonly when: 'before' | 'after';
  readonly action: FaultAction;
  /** How often it strikes; default 1. */
  readonly times?: number;
  /** How many matching requests pass first; default 0. */
  readonly skip?: number;
}

export interface Fault {
  readonly hits: number;
  /** Resolves at the first hit, when the action is taken. */
  readonly struck: Promise<void>;
  remove(): void;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface HttpProxy extends Proxy {
  /** Faults are tried in order; the first that matches and is not used up strikes. */
  fault(spec: FaultSpec): Fault;
  /** All requests that arrived, in order. */
  readonly requests: SeenRequest[];
}

/** For protocols without requests that could be told apart, PostgreSQL's. `target` is `host:port` or a URL. */
export async function startTcpProxy(target: string): Promise<Proxy> {
  const { hostname, port } = hostAndPort(target);
  const gate = new Gate();
  const server = createTcpServer({ allowHalfOpen: true }, (client) => {
    gate.admit(client);
    const upstream = connect(port, hostname);
    gate.admit(upstream);
    gate.pipe(client, upstream);
    gate.pipe(upstream, client);
  });
  return await listen(server, gate);
}

/** For HTTP/1.1: the catalog and S3. Signed headers pass unchanged, so signatures stay valid. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const { hostname, port } = hostAndPort(target);
  const gate = new Gate();
  const requests: SeenRequest[] = [];
  const faults: ArmedFault[] = [];
  const server = createServer((incoming, outgoing) => {
    const seen = { method: incoming.method!, path: incoming.url!, headers: incoming.headers };
    requests.push(seen);
    const fault = faults.find((it) => it.takes(seen));
    serve(hostname, port, incoming, outgoing, gate, fault).catch(() => incoming.socket.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => gate.admit(socket));
  const proxy = await listen(server, gate);
  return {
    ...proxy,
    requests,
    fault: (spec) => {
      const armed = new ArmedFault(spec);
      faults.push(armed);
      return {
        get hits() {
          return armed.hits;
        },
        struck: armed.struck.promise,
        remove: () => void faults.splice(faults.indexOf(armed), 1),
      };
    },
  };
}

async function serve(
  hostname: string,
  port: number,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  gate: Gate,
  fault: ArmedFault | undefined,
): Promise<void> {
  await gate.open();
  const action = fault?.spec.action;
  const delayMs = typeof action === 'object' && 'delayMs' in action ? action.delayMs : 0;
  if (fault?.spec.when === 'before') {
    fault.struck.resolve();
    if (delayMs > 0) await delay(delayMs);
    else return strike(action!, incoming, outgoing);
  }
  const answer = await forward(hostname, port, incoming);
  // A client that went away leaves nobody to read the answer; its socket would stay open.
  outgoing.once('close', () => answer.destroy());
  if (fault?.spec.when === 'after') {
    if (typeof action === 'object' && 'cutAfterBytes' in action) {
      fault.struck.resolve();
      return cutShort(answer, action.cutAfterBytes, outgoing);
    }
    if (delayMs > 0) {
      fault.struck.resolve();
      await delay(delayMs);
    } else {
      // The whole answer is awaited: only then has the server certainly done what it was asked.
      await new Promise((resolve) => answer.resume().once('end', resolve));
      fault.struck.resolve();
      return strike(action!, incoming, outgoing);
    }
  }
  await gate.open();
  outgoing.writeHead(answer.statusCode!, answer.rawHeaders);
  answer.pipe(outgoing);
}

async function forward(hostname: string, port: number, incoming: IncomingMessage): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const upstream = request(
      {
        hostname,
        port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.rawHeaders,
        agent: false,
      },
      resolve,
    );
    upstream.once('error', reject);
    upstream.once('continue', () => {});
    incoming.pipe(upstream);
    incoming.once('error', () => upstream.destroy());
  });
}

function cutShort(answer: IncomingMessage, bytes: number, outgoing: ServerResponse): void {
  outgoing.writeHead(answer.statusCode!, answer.rawHeaders);
  let left = bytes;
  answer.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    const last = chunk.length >= left;
    outgoing.write(chunk.subarray(0, left), () => {
      // destroySoon lets the bytes out first; the announced length is what makes the client see a break.
      if (last) outgoing.socket?.destroySoon();
    });
    left -= chunk.length;
  });
}

function strike(action: FaultAction, incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (action === 'cut') {
    incoming.socket.resetAndDestroy();
    return;
  }
  if (!('status' in action)) return;
  // What is unread of the request is drained, else the client may see a reset instead of the answer.
  incoming.resume();
  outgoing.writeHead(action.status, { 'content-type': 'application/json', ...action.headers });
  outgoing.end(action.body ?? '');
}

class ArmedFault {
  readonly spec: FaultSpec;
  readonly struck = Promise.withResolvers<void>();
  hits = 0;
  #seen = 0;

  constructor(spec: FaultSpec) {
    this.spec = spec;
  }

  takes(request: SeenRequest): boolean {
    if (this.spec.method !== undefined && this.spec.method !== request.method) return false;
    if (this.spec.path !== undefined && !this.spec.path.test(request.path)) return false;
    if (this.#seen++ < (this.spec.skip ?? 0)) return false;
    if (this.hits >= (this.spec.times ?? 1)) return false;
    this.hits++;
    return true;
  }
}

/** The connections of a proxy, and whether anything passes. */
class Gate {
  readonly #sockets = new Set<Socket>();
  #closed: PromiseWithResolvers<void> | null = null;

  admit(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy()); // Each side's end is passed on below; an error is an end.
    socket.once('close', () => this.#sockets.delete(socket));
  }

  pipe(from: Socket, to: Socket): void {
    from.on('data', async (chunk) => {
      from.pause();
      await this.open();
      if (to.destroyed) return;
      if (to.write(chunk)) from.resume();
      else to.once('drain', () => from.resume());
    });
    from.once('end', async () => {
      await this.open();
      to.end();
    });
    from.once('close', () => to.destroySoon());
  }

  async open(): Promise<void> {
    await this.#closed?.promise;
  }

  stall(): void {
    this.#closed ??= Promise.withResolvers();
  }

  release(): void {
    this.#closed?.resolve();
    this.#closed = null;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}

async function listen(server: TcpServer, gate: Gate): Promise<Proxy> {
  const bind = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  const unbind = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    gate.cut();
    await closed;
  };
  await bind(0);
  const { port } = server.address() as { port: number };
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    refuse: unbind,
    cut: () => gate.cut(),
    stall: () => gate.stall(),
    heal: async () => {
      gate.release();
      if (!server.listening) await bind(port);
    },
    close: async () => {
      gate.release();
      await unbind();
    },
  };
}

function hostAndPort(target: string): { hostname: string; port: number } {
  const url = new URL(target.includes('://') ? target : `tcp://${target}`);
  return { hostname: url.hostname, port: Number(url.port) };
}

/** Unreferenced, so that a delay nobody waits for any more does not keep the test file from ending. */
const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms).unref());
