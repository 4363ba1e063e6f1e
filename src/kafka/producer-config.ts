import { IcestreamError } from '../base/errors.ts';
import { COMPRESSIONS, type Compression, type ProducerOptions } from './producer-options.ts';
import { parseSecurity } from './security.ts';

type Properties = Readonly<Record<string, string>>;

/**
 * Options from the properties of Kafka's producer, with the defaults that Connect gives its source connectors: brokers
 * may be away for as long as they like. Properties that are not known are ignored, as Kafka does. Three defaults differ and
 * show in nothing but speed and memory: batches may be larger than 16 KB; several requests may be on their way, which Connect
 * forgoes because its producer is not idempotent; and 8 MB wait for brokers instead of 32, which is more than ever helps.
 *
 * @throws IcestreamError config.invalid
 */
export function producerOptions(properties: Properties): Omit<ProducerOptions, 'clientId' | 'log'> {
  const number = (name: string, fallback: number, least: number, most = Number.MAX_SAFE_INTEGER) =>
    integer(properties, name, fallback, least, most);
  const idempotent = properties['enable.idempotence'] !== 'false';
  const maxRequestBytes = number('max.request.size', 1_048_576, 0);
  return {
    bootstrapServers: servers(properties['bootstrap.servers'] ?? ''),
    security: parseSecurity(properties),
    requestTimeoutMs: number('request.timeout.ms', 30_000, 1),
    compression: compression(properties['compression.type'] ?? 'none'),
    zstdLevel: number('compression.zstd.level', 3, -131_072, 22),
    lingerMs: number('linger.ms', 5, 0),
    batchBytes: Math.min(number('batch.size', 512 * 1024, 0), maxRequestBytes),
    maxRequestBytes,
    bufferBytes: number('buffer.memory', 8 * 1024 * 1024, 0),
    // Without numbers to go by, retries keep the order only where one request at a time is on its way.
    maxInFlight: idempotent ? Math.min(5, number('max.in.flight.requests.per.connection', 5, 1)) : 1,
    deliveryTimeoutMs: number('delivery.timeout.ms', 2_147_483_647, 0),
    maxBlockMs: number('max.block.ms', 60_000, 0),
    metadataMaxAgeMs: number('metadata.max.age.ms', 300_000, 0),
    idempotent: idempotent || Boolean(properties['transactional.id']),
    transactionalId: properties['transactional.id'] || null,
    transactionTimeoutMs: number('transaction.timeout.ms', 60_000, 1),
    topicCreation: null,
    onRefused: null,
  };
}

function servers(list: string): readonly string[] {
  const found = list.split(',').map((it) => it.trim());
  for (const server of found) {
    if (!/^(?:[\w]+:\/\/)?\[?[^\s\]]+\]?:\d+$/.test(server)) {
      throw invalid('bootstrap.servers', `must be a list of host:port, not ${JSON.stringify(server)}`);
    }
  }
  return found.map((server) => server.replace(/^\w+:\/\//, ''));
}

function compression(name: string): Compression {
  if (COMPRESSIONS.includes(name as Compression)) return name as Compression;
  throw invalid('compression.type', `must be one of ${COMPRESSIONS.join(', ')}, not ${name}`);
}

function integer(
  properties: Properties,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const text = properties[name]?.trim();
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalid(name, `must be a whole number from ${least} to ${most}, not ${text}`);
}

function invalid(property: string, message: string): IcestreamError {
  return new IcestreamError('config.invalid', `${property} ${message}`, { context: { property } });
}
