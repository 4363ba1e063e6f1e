import type { TransactionMark } from '../../../record/batch.ts';
import type { EventForm, EventForms } from '../../../record/event.ts';
import type { TableSchema } from '../../../record/table.ts';
import type { PostgresConfig } from '../config.ts';
import type { PostgresTable } from '../schema.ts';
import { Transaction } from '../transaction.ts';
import { Fields } from './field.ts';
import { messageForm, tableForm } from './form.ts';
import { CONNECTOR } from './source-block.ts';

/** The events of PostgreSQL's tables, as Debezium has them. Costs nothing until a form is asked for. */
export class PostgresForms implements EventForms {
  readonly connector = CONNECTOR;
  readonly prefix: string;
  readonly #config: PostgresConfig;
  readonly #forms = new WeakMap<TableSchema, EventForm>();
  #fields: Fields | null = null;

  constructor(config: PostgresConfig) {
    this.#config = config;
    this.prefix = config['topic.prefix'];
  }

  of(table: TableSchema): EventForm {
    const known = this.#forms.get(table);
    if (known !== undefined) return known;
    const form = this.#make(table);
    this.#forms.set(table, form);
    return form;
  }

  transactionEnd(mark: TransactionMark): string {
    return mark instanceof Transaction ? `${mark.id}:${mark.end}` : mark.id;
  }

  #make(table: TableSchema): EventForm {
    // Logical messages come as rows of a table that no database has.
    if (!isPostgresTable(table)) return messageForm(table, this.#config);
    this.#fields ??= new Fields(this.#config);
    return tableForm(table, this.#fields, this.#config);
  }
}

function isPostgresTable(table: TableSchema): table is PostgresTable {
  return (table as PostgresTable).oid !== undefined;
}
