/** The release of Debezium whose configuration, events and offsets these are. */
export const DEBEZIUM_VERSION = '3.5.0.Final';
