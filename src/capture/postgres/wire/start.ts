import { formatLsn, type Lsn } from '../lsn.ts';
import { quoteIdentifier, quoteLiteral } from '../sql.ts';

export interface StartOptions {
  readonly slot: string;
  readonly publication: string;
  /** The server's major version decides the protocol: streaming needs 14. */
  readonly serverVersion: number;
  /** Cells in the type's binary send form (14 and later), else as text. */
  readonly binary: boolean;
  /** Further options of pgoutput, from slot.stream.params; they override ours. */
  readonly parameters: ReadonlyMap<string, string>;
}

export function startReplication(options: StartOptions, from: Lsn): string {
  const { slot, publication, serverVersion, binary, parameters } = options;
  const pgoutput = new Map<string, string>([
    ['proto_version', String(protocolVersion(serverVersion))],
    ['publication_names', quoteIdentifier(publication)],
  ]);
  if (serverVersion >= 14) {
    pgoutput.set('messages', 'true');
    pgoutput.set('streaming', 'on');
    if (binary) pgoutput.set('binary', 'true');
  }
  for (const [name, value] of parameters) pgoutput.set(name, value);
  const list = [...pgoutput].map(([name, value]) => `${quoteIdentifier(name)} ${quoteLiteral(value)}`);
  return `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL ${formatLsn(from)} (${list.join(', ')})`;
}

/** 2 streams transactions in progress (14), 3 adds prepared ones (15), 4 parallel apply (16); we ask for neither of these. */
function protocolVersion(serverVersion: number): number {
  return Math.min(4, Math.max(1, serverVersion - 12));
}
