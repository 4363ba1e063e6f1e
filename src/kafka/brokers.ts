import { type API, apiVersionsV3, Connection, Reader } from '@platformatic/kafka';
import { IcestreamError } from '../base/errors.ts';
import { connectionFailure } from './broker-error.ts';
import { Channel } from './channel.ts';
import type { ConnectionSettings } from './producer-options.ts';
import { unlessAborted } from './wait.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Connections to the brokers of one cluster, one to each, opened when first wanted and again after they were lost. */
export class Brokers {
  readonly #settings: ConnectionSettings;
  readonly #addresses = new Map<number, Address>();
  readonly #open = new Map<string, Promise<Broker>>();
  #turn = 0;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  /** Takes note of where brokers are, from a metadata answer. */
  learn(brokers: readonly { nodeId: number; host: string; port: number }[]): void {
    for (const { nodeId, host, port } of brokers) this.#addresses.set(nodeId, { host, port });
  }

  /**
   * The broker with this id.
   *
   * @throws IcestreamError kafka.unreachable, kafka.auth, kafka.tls
   */
  async node(id: number, signal: AbortSignal): Promise<Broker> {
    const address = this.#addresses.get(id);
    if (address === undefined) throw new IcestreamError('kafka.unreachable', `broker ${id} is not known`);
    return await this.at(address, signal);
  }

  /** Any broker: those that are known in turn, and the bootstrap servers after them. */
  async any(signal: AbortSignal): Promise<Broker> {
    const bootstrap = this.#settings.bootstrapServers.map(parseAddress);
    const all = [...this.#addresses.values(), ...bootstrap];
    let failure: unknown;
    for (let i = 0; i < all.length; i++) {
      try {
        return await this.at(all[this.#turn % all.length]!, signal);
      } catch (error) {
        if (signal.aborted || !isUnreachable(error)) throw error;
        failure = error;
        this.#turn++;
      }
    }
    throw failure;
  }

  async at(address: Address, signal: AbortSignal): Promise<Broker> {
    const name = `${address.host}:${address.port}`;
    let opening = this.#open.get(name);
    if (opening === undefined) {
      opening = connect(address, this.#settings, () => {
        if (this.#open.get(name) === opening) this.#open.delete(name);
      });
      this.#open.set(name, opening);
    }
    return await unlessAborted(opening, signal);
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((it) => it.then((broker) => broker.close()).catch(() => {})));
  }
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof IcestreamError && error.code === 'kafka.unreachable';
}

const CONNECT_TIMEOUT_MS = 10_000;

async function connect(address: Address, settings: ConnectionSettings, lost: () => void): Promise<Broker> {
  const { host, port } = address;
  const { tls, sasl } = settings.security;
  const connection = new Connection(settings.clientId, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: settings.requestTimeoutMs,
    // The producer counts its requests itself; this must not hold back what else is asked meanwhile.
    maxInflights: 64,
    tls: tls ?? undefined,
    tlsServerName: tls !== null && !isIpAddress(host) ? host : undefined,
    sasl: sasl ?? undefined,
  });
  connection.on('error', lost); // Whoever has a request on its way gets its own error.
  connection.on('close', lost);
  try {
    await connection.connect(host, port);
    const { apiKeys } = await apiVersionsV3.api.async(connection, 'icestream', '0');
    const versions = new Map(apiKeys.map((it) => [it.apiKey, [it.minVersion, it.maxVersion] as const]));
    const channel = new Channel(connection.socket, settings.clientId, settings.requestTimeoutMs);
    return new Broker(connection, channel, `${host}:${port}`, versions);
  } catch (error) {
    lost();
    connection.socket?.destroy();
    throw connectionFailure(error, `${host}:${port}`);
  }
}

/** A connection that was opened and logged in; it stays lost once it is lost. */
export class Broker {
  readonly address: string;
  readonly #connection: Connection;
  readonly #channel: Channel;
  readonly #versions: ReadonlyMap<number, readonly [least: number, most: number]>;

  constructor(
    connection: Connection,
    channel: Channel,
    address: string,
    versions: ReadonlyMap<number, readonly [number, number]>,
  ) {
    this.#connection = connection;
    this.#channel = channel;
    this.address = address;
    this.#versions = versions;
  }

  get isConnected(): boolean {
    return this.#connection.isConnected();
  }

  /** Whether a request of this kind and version is understood. */
  speaks(apiKey: number, version: number): boolean {
    const range = this.#versions.get(apiKey);
    return range !== undefined && version >= range[0] && version <= range[1];
  }

  /**
   * Asks in the first of `apis` that the broker speaks.
   *
   * @throws IcestreamError kafka.unreachable when the connection is lost; what the library makes of an error code of the
   * broker (see codeIn) as it is
   */
  async call<A extends unknown[], R>(apis: readonly API<A, R>[], ...args: A): Promise<R> {
    const api = apis.find((it) => this.speaks(it.key, it.version));
    if (api === undefined) throw tooOld(this.address, apis[0]!.key);
    try {
      return await api.async(this.#connection, ...args);
    } catch (error) {
      if ((error as { errors?: unknown }).errors !== undefined) throw error;
      throw connectionFailure(error, this.address);
    }
  }

  /**
   * Sends a request that we write and read ourselves, of a version before headers became flexible. Its parts must not be
   * changed before it is answered.
   */
  send<R>(
    apiKey: number,
    version: number,
    parts: readonly Buffer[],
    parse: (reader: Reader) => R,
    done: (error: IcestreamError | null, answer?: R) => void,
  ): void {
    this.#channel.send(apiKey, version, parts, (error, body) => {
      if (error !== null) {
        done(connectionFailure(error, this.address));
        return;
      }
      let answer: R;
      try {
        answer = parse(Reader.from(body!));
      } catch (cause) {
        const text = `${this.address} answered request ${apiKey} with bytes that are not understood`;
        done(
          new IcestreamError('kafka.protocol', text, { cause, context: { broker: this.address, apiKey } }),
        );
        return;
      }
      done(null, answer);
    });
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

function tooOld(address: string, apiKey: number): IcestreamError {
  return new IcestreamError(
    'kafka.protocol',
    `${address} has no version of request ${apiKey} that is spoken here`,
    {
      context: { broker: address, apiKey },
    },
  );
}

function parseAddress(server: string): Address {
  const colon = server.lastIndexOf(':');
  const host = server.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(server.slice(colon + 1)) };
}

function isIpAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':');
}
