/**
 * Kafka Connect's schemas and values (org.apache.kafka.connect.data), as far as they show in what converters write.
 */
export type ConnectType =
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'float64'
  | 'boolean'
  | 'string'
  | 'bytes'
  | 'array'
  | 'map'
  | 'struct';

export interface ConnectSchema {
  readonly type: ConnectType;
  readonly optional: boolean;
  /** Of a logical type or a struct: `io.debezium.time.MicroTimestamp`. */
  readonly name?: string;
  readonly version?: number;
  readonly doc?: string;
  /** In the order in which converters write them. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Absent: none. What a NULL becomes where a converter replaces it. */
  readonly default?: ConnectValue;
  /** Of a struct. */
  readonly fields?: readonly ConnectField[];
  /** Of a map. */
  readonly keys?: ConnectSchema;
  /** Elements of an array, values of a map. */
  readonly values?: ConnectSchema;
}

export interface ConnectField {
  readonly name: string;
  readonly schema: ConnectSchema;
}

/** unscaled * 10^-scale: what java.math.BigDecimal is under the logical type Decimal. */
export interface ConnectDecimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/**
 * A value under a schema: int64 as bigint, the other numbers as number, Decimal as ConnectDecimal, the logical types Date,
 * Time and Timestamp as the number that they encode to, array elements and struct fields in order, map entries as pairs.
 */
export type ConnectValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | ConnectDecimal
  | ConnectList
  | ConnectMap;

export type ConnectList = readonly ConnectValue[];
export type ConnectMap = ReadonlyMap<ConnectValue, ConnectValue>;

/** Connect's own logical type for exact decimals; its `scale` parameter holds for every value. */
export const DECIMAL = 'org.apache.kafka.connect.data.Decimal';
