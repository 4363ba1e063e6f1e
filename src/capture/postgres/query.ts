import { IcestreamError } from '../../base/errors.ts';
import type { ConnectorConfig } from '../source.ts';
import { parsePostgresConfig } from './config.ts';
import { connect } from './connection.ts';
import { postgresError } from './failure.ts';
import { connectOptions } from './settings.ts';

/**
 * Runs statements on a connection of their own.
 * @param raw `database.*` and `driver.*` are read of it
 * @throws IcestreamError config.invalid, postgres.*
 */
export async function queryPostgres(
  raw: ConnectorConfig,
  statements: readonly string[],
  signal: AbortSignal,
): Promise<unknown[][][]> {
  const own = Object.entries(raw).filter(([name]) => /^(database|driver)\./.test(name));
  const { config, errors } = parsePostgresConfig({ 'topic.prefix': 'none', ...Object.fromEntries(own) });
  for (const [property, reasons] of errors)
    throw new IcestreamError('config.invalid', `The '${property}' value is invalid: ${reasons[0]}`, {
      context: { property },
    });
  const client = await connect(connectOptions(config, 'metadata'), signal);
  try {
    const answers: unknown[][][] = [];
    for (const text of statements)
      answers.push((await client.query<unknown[]>({ text, rowMode: 'array' })).rows);
    return answers;
  } catch (error) {
    throw postgresError(error, 'cannot read what a transform needs to know');
  } finally {
    await client.end().catch(() => {});
  }
}
