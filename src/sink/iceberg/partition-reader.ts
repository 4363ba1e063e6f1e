import { IcestreamError } from '../../base/errors.ts';
import type { PartitionValue } from '../../iceberg/file.ts';
import { currentSchema } from '../../iceberg/metadata.ts';
import type { PartitionSpec, PrimitiveType } from '../../iceberg/schema.ts';
import { bindTransform, type TransformFunction } from '../../iceberg/transform.ts';
import { type ChangeBatch, NULL_CELL, UNCHANGED_CELL } from '../../record/batch.ts';
import type { TableSchema } from '../../record/table.ts';
import type { ValueWriter } from '../../record/value.ts';
import type { LakeTable } from './lake-table.ts';
import { adaptValue } from './value-adapter.ts';
import { ValueHolder } from './value-holder.ts';

interface PartitionSource {
  readonly name: string;
  /** The column's lasting number at the source, by which older versions of the table have it under another name. */
  readonly sourceId: number | null;
  readonly value: ValueHolder;
  readonly writer: ValueWriter;
  readonly transform: TransformFunction;
}

/** The partition tuple of a row image. */
export class PartitionReader {
  readonly #table: LakeTable;
  readonly #sources: readonly PartitionSource[];

  constructor(table: LakeTable, spec: PartitionSpec) {
    this.#table = table;
    const schema = currentSchema(table.loaded!.metadata);
    this.#sources = spec.fields.map((partitionField) => {
      const field = schema.fields.find((candidate) => candidate.id === partitionField['source-id'])!;
      const column = table.latest!.columns.find((candidate) => candidate.name === field.name);
      const type = field.type as PrimitiveType;
      const value = new ValueHolder(type);
      const writer = column === undefined ? value : adaptValue(column.type, type, value, () => {});
      const { name } = field;
      const sourceId = column?.sourceId ?? null;
      return { name, sourceId, value, writer, transform: bindTransform(partitionField.transform, type) };
    });
  }

  read(batch: ChangeBatch, schema: TableSchema, cell: number): PartitionValue[] {
    return this.#sources.map((source) => {
      const column = columnIn(schema, source);
      const length = column < 0 ? NULL_CELL : batch.cellLength[cell + column];
      if (length === UNCHANGED_CELL) throw this.#unknown(source.name);
      if (length === NULL_CELL) source.value.null();
      else {
        const start = batch.cellStart[cell + column];
        schema.columns[column].codec.read(batch.bytes, start, start + length, source.writer);
      }
      return source.transform(source.value.value);
    });
  }

  #unknown(column: string): IcestreamError {
    return new IcestreamError(
      'table.unchanged-value',
      `the partition column ${column} is an unchanged large value`,
      {
        context: { table: this.#table.source, column },
      },
    );
  }
}

function columnIn(schema: TableSchema, { name, sourceId }: PartitionSource): number {
  return schema.columns.findIndex((column) =>
    sourceId === null ? column.name === name : column.sourceId === sourceId,
  );
}
