import { openStorage, storageScheme } from '../storage/open.ts';
import type { S3Credentials } from '../storage/s3-client.ts';
import type { Storage } from '../storage.ts';

/** The parts of a LoadTableResult that tell how to reach the files. */
export interface StorageGrant {
  readonly config?: Readonly<Record<string, string>>;
  readonly 'storage-credentials'?: readonly {
    readonly prefix: string;
    readonly config: Readonly<Record<string, string>>;
  }[];
}

interface VendedStorage {
  readonly storage: Storage;
  /** From the latest load of the table; the client takes these when those it has are about to end. */
  credentials: S3Credentials;
}

/** A token that does not say when it ends is fetched anew after about half this time. */
const LIFETIME_UNKNOWN_MS = 10 * 60_000;
/** The S3 client asks for new credentials this long before the old ones end. */
const RENEW_AHEAD_MS = 5 * 60_000;

/**
 * The storages of a catalog's tables. Tables without credentials of their own share one; a table with vended credentials
 * has one client for as long as the catalog is open, whose credentials are renewed by loading the table again.
 */
export class TableStorages {
  readonly #properties: Readonly<Record<string, string>>;
  readonly #shared = new Map<string, Promise<Storage>>();
  readonly #vended = new Map<string, Promise<VendedStorage>>();

  constructor(properties: Readonly<Record<string, string>>) {
    this.#properties = properties;
  }

  /** `reload` loads the table and returns its grant; it is called when the credentials are about to end. */
  async open(
    table: string,
    location: string,
    grant: StorageGrant,
    reload: () => Promise<StorageGrant>,
  ): Promise<Storage> {
    const granted = grantFor(location, grant);
    const properties = storageProperties({ ...this.#properties, ...granted });
    const credentials = sessionCredentials(granted);
    if (credentials === null) return await this.#open(location, properties);
    // What the credentials do not say (endpoint, region) is part of the key: a moved table gets a new client.
    const key = JSON.stringify([table, withoutCredentials(properties)]);
    let opening = this.#vended.get(key);
    if (opening === undefined) {
      this.#vended.set(key, (opening = openVended(location, properties, credentials, reload)));
      opening.catch(() => this.#vended.delete(key));
    }
    const vended = await opening;
    vended.credentials = credentials;
    return vended.storage;
  }

  async close(): Promise<void> {
    const storages = [
      ...this.#shared.values(),
      ...[...this.#vended.values()].map(async (it) => (await it).storage),
    ];
    for (const opened of await Promise.allSettled(storages)) {
      if (opened.status === 'fulfilled') opened.value.close();
    }
    this.#shared.clear();
    this.#vended.clear();
  }

  async #open(location: string, properties: Readonly<Record<string, string>>): Promise<Storage> {
    const key = JSON.stringify([storageScheme(location), properties]);
    let opening = this.#shared.get(key);
    if (opening === undefined) {
      this.#shared.set(key, (opening = openStorage(location, properties)));
      opening.catch(() => this.#shared.delete(key));
    }
    return await opening;
  }
}

async function openVended(
  location: string,
  properties: Readonly<Record<string, string>>,
  first: S3Credentials,
  reload: () => Promise<StorageGrant>,
): Promise<VendedStorage> {
  const { openS3Storage } = await import('../storage/s3.ts');
  const current = async (): Promise<S3Credentials> => {
    const ends = vended.credentials.expiration?.getTime() ?? 0;
    if (ends - Date.now() <= RENEW_AHEAD_MS) {
      const renewed = sessionCredentials(grantFor(location, await reload()));
      if (renewed !== null) vended.credentials = renewed;
    }
    return vended.credentials;
  };
  const vended: VendedStorage = { storage: openS3Storage(properties, current), credentials: first };
  return vended;
}

/** The table's configuration, over it the credentials whose prefix matches most of the location. */
function grantFor(location: string, grant: StorageGrant): Readonly<Record<string, string>> {
  const matching = (grant['storage-credentials'] ?? [])
    .filter(({ prefix }) => location.startsWith(prefix))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  return { ...grant.config, ...matching[0]?.config };
}

/** Credentials that end (they have a session token); lasting keys are properties like others. */
function sessionCredentials(granted: Readonly<Record<string, string>>): S3Credentials | null {
  const accessKeyId = granted['s3.access-key-id'];
  const secretAccessKey = granted['s3.secret-access-key'];
  const sessionToken = granted['s3.session-token'];
  if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined) return null;
  const ends = Number(granted['s3.session-token-expires-at-ms'] ?? Date.now() + LIFETIME_UNKNOWN_MS);
  return { accessKeyId, secretAccessKey, sessionToken, expiration: new Date(ends) };
}

/** What a storage reads of a catalog's properties; the rest (tokens among it) is not its business. */
function storageProperties(properties: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => /^(s3|client)\./.test(name)));
}

function withoutCredentials(properties: Readonly<Record<string, string>>): Record<string, string> {
  const secret = /^s3\.(access-key-id|secret-access-key|session-token.*)$/;
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !secret.test(name)));
}
