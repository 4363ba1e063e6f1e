import { text } from '../base/config.ts';
import { IcestreamError } from '../base/errors.ts';
import { readConfig } from './config.ts';
import type { ConverterDefinition } from './converter.ts';
import { javaText } from './value-text.ts';
import { wholeValueConverter } from './whole-value.ts';

const CONFIG = { 'converter.encoding': text('UTF-8') };

/** org.apache.kafka.connect.storage.StringConverter */
export const stringConverter: ConverterDefinition = {
  create(config) {
    const encoding = encodingOf(readConfig(CONFIG, config)['converter.encoding']);
    return wholeValueConverter((schema, value) =>
      value === null ? null : encoding(javaText(schema, value)),
    );
  },
};

function encodingOf(name: string): (text: string) => Uint8Array {
  switch (name.toUpperCase()) {
    case 'UTF-8':
    case 'UTF8':
      return (text) => Buffer.from(text);
    case 'ISO-8859-1':
    case 'LATIN1':
      return (text) => Buffer.from(text.replace(/[^\0-\xff]/gu, '?'), 'latin1');
    case 'US-ASCII':
    case 'ASCII':
      return (text) => Buffer.from(text.replace(/[^\0-\x7f]/gu, '?'), 'latin1');
    case 'UTF-16LE':
      return (text) => Buffer.from(text, 'utf16le');
    case 'UTF-16BE':
      return (text) => Buffer.from(text, 'utf16le').swap16();
    default:
      throw new IcestreamError(
        'config.invalid',
        `Invalid value ${name} for configuration converter.encoding`,
        {
          context: { property: 'converter.encoding' },
        },
      );
  }
}
