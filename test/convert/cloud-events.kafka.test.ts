import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rig } from '../harness/rig.ts';
import { readTopics } from '../kafka/read-topics.ts';
import { avroText } from '../peer/avro-text.ts';
import { testKafka } from '../services/kafka.ts';
import { confluentApi, testSchemaRegistry } from '../services/schema-registry.ts';

test('rows whose metadata went into headers are CloudEvents that name the schema of their data', {
  timeout: 150_000,
}, async (t) => {
  const [{ bootstrap, prefix }, url] = await Promise.all([testKafka(), testSchemaRegistry()]);
  const topicPrefix = `${prefix}events`.replaceAll('-', '_');
  const rig = await Rig.create(t, {
    config: {
      sinks: 'kafka',
      'topic.prefix': topicPrefix,
      transforms: 'keep,unwrap',
      'transforms.keep.type': 'org.apache.kafka.connect.transforms.HeaderFrom$Value',
      'transforms.keep.fields': 'source,op',
      'transforms.keep.headers': 'source,op',
      'transforms.keep.operation': 'copy',
      'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
      'value.converter': 'io.debezium.converters.CloudEventsConverter',
      'value.converter.serializer.type': 'avro',
      'value.converter.data.serializer.type': 'avro',
      'value.converter.avro.schema.registry.url': confluentApi(url),
      'value.converter.metadata.source': 'header,id:generate,type:generate',
    },
  });
  await rig.sql('CREATE TABLE players (id int PRIMARY KEY, name text)');
  await rig.start({ worker: { 'bootstrap.servers': bootstrap } });
  await rig.caughtUp("INSERT INTO players VALUES (1, 'Ada'), (2, NULL)");
  await rig.service.stop();
  const records = await readTopics(bootstrap, [`${topicPrefix}.public.players`]);
  assert.equal(records.length, 2);
  for (const [i, { value }] of records.entries()) {
    const event = await read(value!, `${confluentApi(url)}/schemas/ids/${value!.readInt32BE(1)}`);
    assert.match(String(event['id']), new RegExp(`^name:${topicPrefix};lsn:\\d+;txId:\\d+;sequence:`));
    assert.equal(event['source'], `/debezium/postgresql/${topicPrefix}`);
    assert.equal(event['type'], 'io.debezium.connector.postgresql.DataChangeEvent');
    assert.equal(event['iodebeziumop'], 'c');
    const data = Buffer.from(String(event['data']).replace(/^bytes /, ''), 'hex');
    assert.deepEqual(await read(data, String(event['dataschema'])), {
      id: i + 1,
      name: ['Ada', null][i],
    });
  }
});

/** The value, by the schema that a registry has at this address. */
async function read(framed: Buffer, url: string): Promise<Record<string, unknown>> {
  const { schema } = (await (await fetch(url)).json()) as { schema: string };
  const text = avroText(framed, { [framed.readInt32BE(1)]: JSON.parse(schema) as unknown });
  return (JSON.parse(text!) as { payload: Record<string, unknown> }).payload;
}
