import type { TestContext } from 'node:test';
import { type HttpProxy, startHttpProxy } from '../services/proxy.ts';
import { testCatalog } from '../services/rest-catalog.ts';

export interface ProxiedCatalog {
  readonly proxy: HttpProxy;
  /** For a connector's configuration. */
  readonly config: Record<string, string>;
}

/** The reference catalog behind a proxy that fails on command. */
export async function proxiedCatalog(t: TestContext): Promise<ProxiedCatalog> {
  const { url, namespace } = await testCatalog();
  const proxy = await startHttpProxy(url);
  t.after(() => proxy.close());
  const config = {
    'iceberg.catalog.type': 'rest',
    'iceberg.catalog.uri': proxy.url,
    'iceberg.tables.namespace': namespace,
  };
  return { proxy, config };
}

/** The same, but it does not list the endpoint that commits several tables together: so they are committed one by one. */
export async function separateCatalog(t: TestContext): Promise<ProxiedCatalog> {
  const { url } = await testCatalog();
  const catalog = await proxiedCatalog(t);
  const config = (await (await fetch(`${url}/v1/config`)).json()) as { endpoints: string[] };
  const endpoints = config.endpoints.filter((endpoint) => !endpoint.includes('transactions/commit'));
  if (endpoints.length === config.endpoints.length)
    throw new Error('the catalog lists no transactions/commit');
  const body = JSON.stringify({ ...config, endpoints });
  catalog.proxy.fault({
    path: /\/v1\/config/,
    when: 'after',
    action: { status: 200, body },
    times: Number.POSITIVE_INFINITY,
  });
  return catalog;
}
