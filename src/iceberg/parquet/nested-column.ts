import { invariant } from '../../base/errors.ts';
import type { ColumnNode } from './column-writer.ts';
import type { GroupPlan } from './plan.ts';
import { RejectingColumn } from './rejecting-column.ts';

/**
 * A list, map or struct. Its values come between begin and end through this same object, so it keeps how deep the
 * caller is and hands every call on to the child whose turn it is.
 */
abstract class NestedColumn extends RejectingColumn implements ColumnNode {
  readonly fieldId: number;
  protected readonly plan: GroupPlan;
  protected readonly children: readonly ColumnNode[];
  /** 0: outside; 1: inside, between the children's values; more: inside a child that is nested itself. */
  private depth = 0;

  constructor(plan: GroupPlan, children: readonly ColumnNode[]) {
    super(plan.path.join('.'));
    this.plan = plan;
    this.fieldId = plan.fieldId;
    this.children = children;
  }

  /** The child that takes the next value. */
  protected abstract child(): ColumnNode;
  /** That child has got its value. */
  protected abstract childDone(): void;
  protected abstract begin(kind: GroupPlan['kind'], count: number): void;
  protected abstract end(): void;

  absent(definition: number): void {
    for (const child of this.children) child.absent(definition);
  }

  setRepetition(level: number): void {
    for (const child of this.children) child.setRepetition(level);
  }

  override null(): void {
    if (this.depth > 0) {
      this.inner('null').null();
      this.passed();
      return;
    }
    if (this.plan.required) this.outOfRange('a null where one is required');
    this.absent(this.plan.definition - 1);
  }

  override bool(value: boolean): void {
    this.inner('bool').bool(value);
    this.passed();
  }
  override int32(value: number): void {
    this.inner('int32').int32(value);
    this.passed();
  }
  override int64(hi: number, lo: number): void {
    this.inner('int64').int64(hi, lo);
    this.passed();
  }
  override float32(value: number): void {
    this.inner('float32').float32(value);
    this.passed();
  }
  override float64(value: number): void {
    this.inner('float64').float64(value);
    this.passed();
  }
  override decimalSmall(unscaled: number, scale: number): void {
    this.inner('decimalSmall').decimalSmall(unscaled, scale);
    this.passed();
  }
  override decimal(unscaled: bigint, scale: number): void {
    this.inner('decimal').decimal(unscaled, scale);
    this.passed();
  }
  override utf8(bytes: Uint8Array, start: number, end: number): void {
    this.inner('utf8').utf8(bytes, start, end);
    this.passed();
  }
  override bytes(bytes: Uint8Array, start: number, end: number): void {
    this.inner('bytes').bytes(bytes, start, end);
    this.passed();
  }
  override uuid(bytes: Uint8Array, start: number): void {
    this.inner('uuid').uuid(bytes, start);
    this.passed();
  }
  override date(days: number): void {
    this.inner('date').date(days);
    this.passed();
  }
  override time(hi: number, lo: number): void {
    this.inner('time').time(hi, lo);
    this.passed();
  }
  override timetz(hi: number, lo: number, zoneSeconds: number): void {
    this.inner('timetz').timetz(hi, lo, zoneSeconds);
    this.passed();
  }
  override timestamp(hi: number, lo: number): void {
    this.inner('timestamp').timestamp(hi, lo);
    this.passed();
  }
  override interval(months: number, days: number, hi: number, lo: number): void {
    this.inner('interval').interval(months, days, hi, lo);
    this.passed();
  }
  override special(kind: 'nan' | 'infinity' | '-infinity'): void {
    this.inner('special value').special(kind);
    this.passed();
  }

  override beginList(count: number): void {
    if (this.depth > 0) this.child().beginList(count);
    else this.begin('list', count);
    this.depth++;
  }
  override beginStruct(): void {
    if (this.depth > 0) this.child().beginStruct();
    else this.begin('struct', 0);
    this.depth++;
  }
  override beginMap(count: number): void {
    if (this.depth > 0) this.child().beginMap(count);
    else this.begin('map', count);
    this.depth++;
  }
  override endList(): void {
    if (--this.depth > 0) this.child().endList();
    this.ended();
  }
  override endStruct(): void {
    if (--this.depth > 0) this.child().endStruct();
    this.ended();
  }
  override endMap(): void {
    if (--this.depth > 0) this.child().endMap();
    this.ended();
  }

  private inner(method: string): ColumnNode {
    if (this.depth === 0) this.reject(method);
    return this.child();
  }

  private passed(): void {
    if (this.depth === 1) this.childDone();
  }

  private ended(): void {
    if (this.depth < 0) this.reject('end of a value that did not begin');
    if (this.depth === 0) this.end();
    else this.passed();
  }
}

/** Lists, and maps as lists of key and value. */
export class RepeatedColumn extends NestedColumn {
  private next = 0;
  private written = 0;
  private count = 0;

  protected override begin(kind: GroupPlan['kind'], count: number): void {
    if (kind !== this.plan.kind) this.reject(kind);
    this.next = 0;
    this.written = 0;
    this.count = count;
    if (count === 0) this.absent(this.plan.definition);
  }

  protected override child(): ColumnNode {
    return this.children[this.next];
  }

  protected override childDone(): void {
    this.next++;
    if (this.next < this.children.length) return;
    this.next = 0;
    this.written++;
    this.setRepetition(this.plan.repetition);
  }

  protected override end(): void {
    invariant(this.written === this.count && this.next === 0, 'a list or map has another number of values', {
      column: this.name,
      announced: this.count,
      written: this.written,
    });
    // What follows begins a new row, unless a list around says otherwise right after.
    this.setRepetition(0);
  }
}

export class StructColumn extends NestedColumn {
  private next = 0;

  protected override begin(kind: GroupPlan['kind']): void {
    if (kind !== 'struct') this.reject(kind);
    this.next = 0;
  }

  protected override child(): ColumnNode {
    invariant(this.next < this.children.length, 'a struct has more values than fields', {
      column: this.name,
    });
    return this.children[this.next];
  }

  protected override childDone(): void {
    this.next++;
  }

  protected override end(): void {
    invariant(this.next === this.children.length, 'a struct has fewer values than fields', {
      column: this.name,
    });
  }
}
