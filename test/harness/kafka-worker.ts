const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

/** Worker properties for JSON without schemas; `group` also names the offsets topic, without it there is none. */
export function jsonWorker(bootstrap: string, group?: string): Record<string, string> {
  return {
    'bootstrap.servers': bootstrap,
    ...(group === undefined ? {} : { 'group.id': group, 'offset.storage.topic': `${group}_offsets` }),
    'key.converter': JSON_CONVERTER,
    'key.converter.schemas.enable': 'false',
    'value.converter': JSON_CONVERTER,
    'value.converter.schemas.enable': 'false',
  };
}
