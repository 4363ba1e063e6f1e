import type { FileMetaData, SchemaElement } from 'hyparquet';
import { IcestreamError } from '../../base/errors.ts';
import type { IcebergType, NestedField } from '../schema.ts';
import type { StoredValue } from './stored-value.ts';

/**
 * A file's schema, found by field id, and its metadata without the annotations of leaves, so that hyparquet gives values
 * as they are stored: its own dates have milliseconds only and its decimals are doubles.
 */
export class RawSchema {
  readonly metadata: FileMetaData;
  private readonly columns: readonly FileNode[];
  private readonly hasIds: boolean;

  constructor(metadata: FileMetaData) {
    const reader = { elements: metadata.schema, next: 0 };
    this.columns = readNode(reader).children;
    this.hasIds = metadata.schema.some((element) => element.field_id !== undefined);
    this.metadata = { ...metadata, schema: withoutAnnotations(metadata.schema) };
  }

  /** The top-level column that holds a field, or null: the file is older than the field. */
  find(field: NestedField): FileNode | null {
    return this.columns.find((node) => this.isField(node, field.id, field.name)) ?? null;
  }

  /** A value as hyparquet assembled it. Byte arrays are copied: they are views of whole pages. */
  normalize(node: FileNode, type: IcebergType, value: unknown): StoredValue {
    if (value === undefined || value === null) return null;
    if (typeof type === 'string') return value instanceof Uint8Array ? value.slice() : (value as StoredValue);
    if (type.type === 'struct') {
      const record = value as Readonly<Record<string, unknown>>;
      return type.fields.map((field) => {
        const child = node.children.find((candidate) => this.isField(candidate, field.id, field.name));
        return child === undefined ? null : this.normalize(child, field.type, record[child.name]);
      });
    }
    if (type.type === 'list') {
      const element = node.children[0]?.children[0] ?? node;
      return (value as readonly unknown[]).map((item) => this.normalize(element, type.element, item));
    }
    return this.normalizeMap(node, type.key, type.value, value as Readonly<Record<string, unknown>>);
  }

  /** hyparquet makes objects of maps, which only keys of text survive. */
  private normalizeMap(
    node: FileNode,
    key: IcebergType,
    type: IcebergType,
    value: Readonly<Record<string, unknown>>,
  ): StoredValue {
    if (key !== 'string') {
      throw new IcestreamError('iceberg.unsupported-table', 'maps are read back with text keys only', {
        context: { column: node.name },
      });
    }
    const mapped = node.children[0].children[1];
    return Object.entries(value).map(([name, entry]) => [
      Buffer.from(name),
      this.normalize(mapped, type, entry),
    ]);
  }

  private isField(node: FileNode, id: number, name: string): boolean {
    return this.hasIds ? node.id === id : node.name === name;
  }
}

export interface FileNode {
  readonly name: string;
  readonly id: number | undefined;
  readonly isOptional: boolean;
  readonly typeLength: number;
  readonly children: readonly FileNode[];
}

function readNode(reader: { readonly elements: readonly SchemaElement[]; next: number }): FileNode {
  const element = reader.elements[reader.next++];
  const children: FileNode[] = [];
  while (children.length < (element.num_children ?? 0)) children.push(readNode(reader));
  return {
    name: element.name,
    id: element.field_id,
    isOptional: element.repetition_type === 'OPTIONAL',
    typeLength: element.type_length ?? 0,
    children,
  };
}

function withoutAnnotations(schema: readonly SchemaElement[]): SchemaElement[] {
  return schema.map((element, i) => {
    const parent = schema[i - 1];
    const isMapKey = parent?.repetition_type === 'REPEATED' && parent.num_children === 2;
    if (element.type === undefined || isMapKey) return element;
    return { ...element, converted_type: undefined, logical_type: undefined };
  });
}
