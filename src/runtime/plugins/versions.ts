/** The release of Kafka Connect whose REST API this is; clients decide by it what they may call. */
export const CONNECT_VERSION = '4.3.1';

/** The release of Debezium whose configuration, events and offsets these are. */
export const DEBEZIUM_VERSION = '3.5.0.Final';
