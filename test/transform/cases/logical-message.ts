import { block, SOURCE } from './event.ts';
import { type Case, type CaseRecord, caseList, int64, of, plain, string, struct, text } from './record.ts';

const { cases, add } = caseList();

const MESSAGE = struct('io.debezium.connector.postgresql.MessageValue', {
  op: string({ optional: false }),
  ts_ms: int64({ optional: true }),
  source: SOURCE,
  message: struct('io.debezium.connector.postgresql.Message', { prefix: string(), content: of('bytes') }),
});
const message = (content: string): CaseRecord => ({
  ...plain,
  value: text(MESSAGE, {
    op: 'm',
    ts_ms: 5,
    source: block,
    message: { prefix: 'p', content: Buffer.from(content).toString('base64') },
  }),
});
for (const config of [{}, { 'fields.null.include': 'true' }] as Record<string, string>[])
  add('io.debezium.connector.postgresql.transforms.DecodeLogicalDecodingMessageContent', config, {
    object: message('{"id":"1","n":null,"list":[1]}'),
    array: message('[1]'),
    text: message('hello'),
    other: plain,
  });

export const LOGICAL_MESSAGE_CASES: readonly Case[] = cases;
