/** The release of Kafka Connect whose REST API this is; clients decide by it what they may call. */
export const CONNECT_VERSION = '4.3.1';

export { DEBEZIUM_VERSION } from '../../base/debezium.ts';
