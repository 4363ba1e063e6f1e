import { boolean, oneOf, password, requiredText, text } from '../../base/config.ts';
import { IcestreamError } from '../../base/errors.ts';
import { readConfig } from '../config.ts';
import type { Converter } from '../converter.ts';
import { askRegistry, basicAuthorization, idOf, type RegistryAccess, splitUrls } from './client.ts';
import { confluentFrame } from './confluent.ts';
import { type EncodeSchema, RegisteredConverter, type SchemaRegistry } from './converter.ts';

const CONFIG = {
  'apicurio.registry.url': requiredText(),
  'apicurio.registry.auto-register': boolean(false),
  'apicurio.registry.auto-register.if-exists': oneOf(
    ['FAIL', 'UPDATE', 'RETURN', 'RETURN_OR_UPDATE'],
    'RETURN_OR_UPDATE',
  ),
  'apicurio.registry.find-latest': boolean(false),
  'apicurio.registry.as-confluent': boolean(false),
  'apicurio.registry.headers.enabled': boolean(false),
  'apicurio.registry.use-id': oneOf(['globalId', 'contentId'], 'globalId'),
  'apicurio.registry.artifact.group-id': text('default'),
  'apicurio.registry.artifact.artifact-id': text(null),
  'apicurio.auth.username': text(null),
  'apicurio.auth.password': password(),
};

export interface ApicurioFormat {
  /** The artifact's type at the registry. */
  readonly type: 'AVRO' | 'KCONNECT';
  readonly encode: EncodeSchema;
  /** What stands before values, where the configuration has no say in it, and which id that is. */
  readonly framing?: { readonly idField: 'globalId'; frame(id: number): Uint8Array };
}

/** What the converters of Apicurio's release 2 have in common (SerdeConfig, SchemaResolverConfig). */
export function apicurioConverter(
  { type, encode, framing }: ApicurioFormat,
  config: Readonly<Record<string, string>>,
  isKey: boolean,
): Converter {
  const values = readConfig(CONFIG, config);
  // Ids in headers would need headers, which a converter of keys and values does not have here.
  if (values['apicurio.registry.headers.enabled']) throw unsupported('apicurio.registry.headers.enabled');
  const { urls, userInfo } = splitUrls(values['apicurio.registry.url']);
  const user = values['apicurio.auth.username'];
  const basic = user === null ? userInfo : `${user}:${values['apicurio.auth.password'].reveal()}`;
  const access = { urls, authorization: basic === null ? null : basicAuthorization(basic) };
  const artifact = values['apicurio.registry.artifact.artifact-id'];
  return new RegisteredConverter({
    encode,
    registry: apicurioRegistry(access, {
      type,
      group: values['apicurio.registry.artifact.group-id'],
      ifExists: values['apicurio.registry.auto-register']
        ? values['apicurio.registry.auto-register.if-exists']
        : null,
      idField: framing?.idField ?? values['apicurio.registry.use-id'],
    }),
    subject: (topic) => artifact ?? `${topic}-${isKey ? 'key' : 'value'}`,
    frame: framing?.frame ?? (values['apicurio.registry.as-confluent'] ? confluentFrame : apicurioFrame),
  });
}

interface Artifacts {
  readonly type: string;
  readonly group: string;
  /** What happens to an artifact that is there; null: nothing is registered, the schema must be there. */
  readonly ifExists: string | null;
  readonly idField: 'globalId' | 'contentId';
}

function apicurioRegistry(access: RegistryAccess, artifacts: Artifacts): SchemaRegistry {
  const { type, group, ifExists, idField } = artifacts;
  const path = `/groups/${encodeURIComponent(group)}/artifacts`;
  return {
    async id(subject, { text }) {
      const answer = await askRegistry(access, {
        method: 'POST',
        path:
          ifExists === null
            ? `${path}/${encodeURIComponent(subject)}/meta`
            : `${path}?ifExists=${ifExists}&canonical=false`,
        headers: {
          'Content-Type': 'application/json',
          'X-Registry-ArtifactType': type,
          ...(ifExists === null ? {} : { 'X-Registry-ArtifactId': subject }),
        },
        body: text,
        subject,
      });
      return idOf(answer, idField, subject);
    },
  };
}

/** Zero and the id in eight bytes, big end first: what Apicurio 2 writes unless it is to be as Confluent. */
function apicurioFrame(id: number): Uint8Array {
  const frame = Buffer.alloc(9);
  frame.writeBigInt64BE(BigInt(id), 1);
  return frame;
}

function unsupported(property: string): IcestreamError {
  return new IcestreamError('config.invalid', `The converter does not support ${property}`, {
    context: { property },
  });
}
