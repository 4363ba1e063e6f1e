import type { TableIdent } from '../../iceberg/catalog/catalog.ts';
import type { TableId } from '../../record/table.ts';
import type { IcebergSinkConfig } from './config.ts';

/**
 * The lake table of a source table, by the templates of the configuration. A dot in `iceberg.tables.namespace` itself
 * parts levels; one in a name that is filled in becomes `_`, since few catalogs can hold it.
 */
export function lakeIdent(config: IcebergSinkConfig, id: TableId): TableIdent {
  const parts: Record<string, string> = {
    prefix: config.prefix,
    database: id.database,
    schema: id.schema,
    table: id.table,
  };
  const fill = (template: string) =>
    template.replace(/\{(\w+)\}/g, (_, part: string) => (parts[part] ?? '').replaceAll('.', '_'));
  const namespace = config.namespaceTemplate
    .split('.')
    .map(fill)
    .filter((level) => level !== '');
  return { namespace, name: fill(config.nameTemplate) };
}

/** Whether our tables can lie in this namespace: it could have come out of the template with this connector's prefix. */
export function mayHoldTables(config: IcebergSinkConfig, namespace: readonly string[]): boolean {
  const levels = config.namespaceTemplate.split('.');
  if (levels.length !== namespace.length) return false;
  return levels.every((template, i) => templatePattern(template, config.prefix).test(namespace[i]));
}

function templatePattern(template: string, prefix: string): RegExp {
  const pattern = template
    .split(/(\{\w+\})/)
    .map((part) =>
      part === '{prefix}'
        ? literal(prefix.replaceAll('.', '_'))
        : /^\{\w+\}$/.test(part)
          ? '.*'
          : literal(part),
    )
    .join('');
  return new RegExp(`^${pattern}$`, 's');
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export function identText(ident: TableIdent): string {
  return [...ident.namespace, ident.name].join('.');
}
