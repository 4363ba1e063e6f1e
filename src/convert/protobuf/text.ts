import type { ProtoField, ProtoFile, ProtoMessage } from './schema.ts';
import { typeName } from './schema.ts';

/** A file as Confluent's registry has it (ProtobufSchemaUtils.toString): the same blanks, since ids go by the text. */
export function protoText(file: ProtoFile): string {
  const head = ['syntax = "proto3";', ...(file.package === null ? [] : [`package ${file.package};`])];
  const imports = file.imports.map((location) => `import "${location}";`);
  const parts = [
    ...head,
    ...(imports.length === 0 ? [] : ['', ...imports]),
    '',
    ...messageLines(file.message),
  ];
  return `${parts.join('\n')}\n`;
}

function messageLines({ name, fields, messages }: ProtoMessage): string[] {
  const inside: string[] = [];
  if (fields.length > 0) inside.push('', ...fields.flatMap((field) => indented(fieldLines(field))));
  if (messages.length > 0) inside.push('', ...messages.flatMap((nested) => indented(messageLines(nested))));
  // The first empty line is the end of the line that opens.
  return inside.length === 0 ? [`message ${name} {}`] : [`message ${name} {`, ...inside.slice(1), '}'];
}

function fieldLines(field: ProtoField): string[] {
  const label = field.repeated ? 'repeated ' : field.optional ? 'optional ' : '';
  const line = `${label}${typeName(field.type)} ${field.name} = ${field.number}`;
  if (field.parameters.length === 0) return [`${line};`];
  const entries = field.parameters.map(([key, value]) => parameterLines(key, value));
  return [
    `${line} [(confluent.field_meta) = {`,
    ...indented(['params: [', ...indented(separated(entries)), ']']),
    '}];',
  ];
}

function parameterLines(key: string, value: string): string[] {
  const pair = [`key: "${escaped(key)}"`, `value: "${escaped(value)}"`];
  // As it was from the beginning for these two, so that their texts stay the same.
  const [first, second] = key === 'precision' || key === 'scale' ? pair.toReversed() : pair;
  return ['{', ...indented([`${first},`, second!]), '}'];
}

function separated(entries: readonly string[][]): string[] {
  return entries.flatMap((lines, i) => [
    ...lines.slice(0, -1),
    `${lines.at(-1)}${i < entries.length - 1 ? ',' : ''}`,
  ]);
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function escaped(text: string): string {
  return text.replace(/["'\\]/g, '\\$&');
}

/** Whether two files declare the same messages, whatever they say beside that: comments, options, layout. */
export function hasSameEncoding(one: string, other: string): boolean {
  return declarations(one) === declarations(other);
}

function declarations(text: string): string {
  return text
    .replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, '')
    .replace(/\[\s*[^\]\s][^;]*\]\s*;/g, ';')
    .replace(/\b(option|import|syntax)\b\s*[^;{}]*;/g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{}=;]) ?/g, '$1');
}

/**
 * google/protobuf/wrappers.proto, which stands for the schema of a scalar that is a whole key or value; the message's place in
 * the file goes before the value.
 */
export const WRAPPERS_TEXT = `syntax = "proto3";
package google.protobuf;

option java_package = "com.google.protobuf";
option java_outer_classname = "WrappersProto";
option java_multiple_files = true;
option go_package = "google.golang.org/protobuf/types/known/wrapperspb";
option cc_enable_arenas = true;
option objc_class_prefix = "GPB";
option csharp_namespace = "Google.Protobuf.WellKnownTypes";

message DoubleValue {
  double value = 1;
}
message FloatValue {
  float value = 1;
}
message Int64Value {
  int64 value = 1;
}
message UInt64Value {
  uint64 value = 1;
}
message Int32Value {
  int32 value = 1;
}
message UInt32Value {
  uint32 value = 1;
}
message BoolValue {
  bool value = 1;
}
message StringValue {
  string value = 1;
}
message BytesValue {
  bytes value = 1;
}
`;

export const WRAPPER_ORDER: readonly string[] = [
  'DoubleValue',
  'FloatValue',
  'Int64Value',
  'UInt64Value',
  'Int32Value',
  'UInt32Value',
  'BoolValue',
  'StringValue',
  'BytesValue',
];
