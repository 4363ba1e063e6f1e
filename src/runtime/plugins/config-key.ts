export type KeyType = 'STRING' | 'INT' | 'LONG' | 'DOUBLE' | 'BOOLEAN' | 'LIST' | 'CLASS' | 'PASSWORD';
export type Importance = 'HIGH' | 'MEDIUM' | 'LOW';
export type Width = 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG';

/** One property of a plugin as Kafka Connect describes it (ConfigKeyInfo), and what its value is checked against. */
export interface ConfigKey {
  readonly name: string;
  readonly type: KeyType;
  readonly required: boolean;
  readonly defaultValue: string | null;
  readonly importance: Importance;
  readonly documentation: string;
  readonly group: string | null;
  readonly order: number;
  readonly width: Width;
  readonly displayName: string;
  readonly dependents: readonly string[];
  /** Values that a form should offer. */
  readonly recommended: readonly string[];
  readonly visible: boolean;
  /** Checks the framework itself makes; the value is the text given, or null where neither value nor default is there. */
  readonly check?: (value: string | null) => string | null;
}

/** The answer's form of a key; field order as Connect's. */
export interface ConfigKeyInfo {
  readonly name: string;
  readonly type: KeyType;
  readonly required: boolean;
  readonly default_value: string | null;
  readonly importance: Importance;
  readonly documentation: string;
  readonly group: string | null;
  readonly order_in_group: number;
  readonly width: Width;
  readonly display_name: string;
  readonly dependents: readonly string[];
}

export function keyInfo(key: ConfigKey): ConfigKeyInfo {
  return {
    name: key.name,
    type: key.type,
    required: key.required,
    default_value: key.defaultValue,
    importance: key.importance,
    documentation: key.documentation,
    group: key.group,
    order_in_group: key.order,
    width: key.width,
    display_name: key.displayName,
    dependents: key.dependents,
  };
}
