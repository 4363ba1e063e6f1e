import { BooleanColumn } from './boolean-column.ts';
import { BytesColumn } from './bytes-column.ts';
import type { ColumnNode } from './column-writer.ts';
import { FixedColumn } from './fixed-column.ts';
import { DoubleColumn, FloatColumn } from './float-column.ts';
import { Int32Column } from './int32-column.ts';
import { Int64Column } from './int64-column.ts';
import type { LeafColumn, LeafSettings } from './leaf-column.ts';
import { RepeatedColumn, StructColumn } from './nested-column.ts';
import type { ColumnPlan, LeafPlan } from './plan.ts';

/** The writer of a planned column; its leaves, in file order, are added to `leaves`. */
export function createColumn(
  plan: ColumnPlan,
  settings: (plan: LeafPlan) => LeafSettings,
  leaves: LeafColumn[],
): ColumnNode {
  if (plan.kind === 'leaf') {
    const leaf = createLeaf(plan, settings(plan));
    leaves.push(leaf);
    return leaf;
  }
  const children = plan.children.map((child) => createColumn(child, settings, leaves));
  return plan.kind === 'struct' ? new StructColumn(plan, children) : new RepeatedColumn(plan, children);
}

function createLeaf(plan: LeafPlan, settings: LeafSettings): LeafColumn {
  switch (plan.physical) {
    case 'boolean':
      return new BooleanColumn(plan, settings);
    case 'int32':
      return new Int32Column(plan, settings);
    case 'int64':
      return new Int64Column(plan, settings);
    case 'float':
      return new FloatColumn(plan, settings);
    case 'double':
      return new DoubleColumn(plan, settings);
    case 'byteArray':
      return new BytesColumn(plan, settings);
    case 'fixedLenByteArray':
      return new FixedColumn(plan, settings);
  }
}
