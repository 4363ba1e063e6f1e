import { readFileSync } from 'node:fs';
import type { ConnectionOptions, SecureVersion } from 'node:tls';
import { IcestreamError } from '../base/errors.ts';
import { parseJaas } from './jaas.ts';

/** How a connection to a broker is encrypted and logged in; holds secrets, never log it. */
export interface KafkaSecurity {
  readonly tls: ConnectionOptions | null;
  readonly sasl: SaslCredentials | null;
}

export interface SaslCredentials {
  readonly mechanism: SaslMechanism;
  readonly username: string;
  readonly password: string;
}

export type SaslMechanism = (typeof MECHANISMS)[number];

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

type Properties = Readonly<Record<string, string>>;

/**
 * From the security properties of Kafka's clients (https://kafka.apache.org/documentation/#producerconfigs).
 *
 * @throws IcestreamError config.invalid
 */
export function parseSecurity(properties: Properties): KafkaSecurity {
  const protocol = (properties['security.protocol'] ?? 'PLAINTEXT').toUpperCase();
  if (!PROTOCOLS.includes(protocol)) throw invalid('security.protocol', `must be one of ${PROTOCOLS}`);
  return {
    tls: protocol.endsWith('SSL') ? tlsOptions(properties) : null,
    sasl: protocol.startsWith('SASL') ? saslCredentials(properties) : null,
  };
}

function saslCredentials(properties: Properties): SaslCredentials {
  const mechanism = properties['sasl.mechanism'] ?? 'GSSAPI';
  if (!MECHANISMS.includes(mechanism as SaslMechanism)) {
    throw invalid('sasl.mechanism', `is ${mechanism}; supported are ${MECHANISMS.join(', ')}`);
  }
  const { username, password } = parseJaas(properties['sasl.jaas.config'] ?? '');
  if (username === undefined || password === undefined) {
    throw invalid('sasl.jaas.config', 'must name a login module with username and password');
  }
  return { mechanism: mechanism as SaslMechanism, username, password };
}

function tlsOptions(properties: Properties): ConnectionOptions {
  const checksNames = (properties['ssl.endpoint.identification.algorithm'] ?? 'https') !== '';
  return {
    ...trustStore(properties),
    ...keyStore(properties),
    ...versions(properties['ssl.enabled.protocols'] ?? 'TLSv1.2,TLSv1.3'),
    ...ciphers(properties['ssl.cipher.suites'] ?? ''),
    ...(checksNames ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** Without a trust store the certificate authorities that Node knows are trusted. */
function trustStore(properties: Properties): ConnectionOptions {
  const inline = properties['ssl.truststore.certificates'];
  if (inline) return { ca: inline };
  const location = properties['ssl.truststore.location'];
  if (!location) return {};
  const bytes = readStore('ssl.truststore.location', location);
  if (!isPem(bytes)) {
    const convert = `keytool -list -rfc -keystore ${location} > ${location}.pem`;
    throw invalid('ssl.truststore.location', `must be a PEM file; make one with: ${convert}`);
  }
  return { ca: bytes };
}

function keyStore(properties: Properties): ConnectionOptions {
  const passphrase = properties['ssl.key.password'] ?? properties['ssl.keystore.password'];
  const secret = passphrase === undefined ? {} : { passphrase };
  const key = properties['ssl.keystore.key'];
  const cert = properties['ssl.keystore.certificate.chain'];
  if (key && cert) return { key, cert, ...secret };
  const location = properties['ssl.keystore.location'];
  if (!location) return {};
  const bytes = readStore('ssl.keystore.location', location);
  if (isPem(bytes)) return { key: bytes, cert: bytes, ...secret };
  if (bytes.readUInt32BE(0) === JKS_MAGIC) {
    const convert = `keytool -importkeystore -srckeystore ${location} -destkeystore ${location}.p12 -deststoretype PKCS12`;
    throw invalid('ssl.keystore.location', `is a JKS store; make a PKCS12 store with: ${convert}`);
  }
  return { pfx: bytes, ...secret };
}

const JKS_MAGIC = 0xfeedfeed;

function versions(list: string): ConnectionOptions {
  const known = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
  const named = list.split(',').map((it) => it.trim());
  const chosen = known.filter((it) => named.includes(it)) as SecureVersion[];
  if (chosen.length === 0) throw invalid('ssl.enabled.protocols', `names none of ${known.join(', ')}`);
  return { minVersion: chosen[0]!, maxVersion: chosen.at(-1)! };
}

/** The names of TLS 1.3's suites are OpenSSL's own; older ones must be given by OpenSSL's names. */
function ciphers(list: string): ConnectionOptions {
  return list === '' ? {} : { ciphers: list.split(',').join(':') };
}

function readStore(property: string, location: string): Buffer {
  try {
    return readFileSync(location);
  } catch (cause) {
    throw invalid(property, `cannot be read: ${location}`, cause);
  }
}

function isPem(bytes: Buffer): boolean {
  return bytes.includes('-----BEGIN ');
}

function invalid(property: string, message: string, cause?: unknown): IcestreamError {
  return new IcestreamError('config.invalid', `${property} ${message}`, { cause, context: { property } });
}
