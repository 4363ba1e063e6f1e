import { readLevel } from './requests.ts';
import { type Answer, type Call, NO_CONTENT, ok, type Route } from './routes.ts';

/** `/admin`, which `admin.listeners` may move to listeners of its own. */
export const ADMIN_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/admin/loggers', handle: ({ loggers }) => ok(loggers.all()) },
  {
    method: 'GET',
    path: '/admin/loggers/:logger',
    handle: ({ loggers, params }) => ok(loggers.get(params['logger']!)),
  },
  { method: 'PUT', path: '/admin/loggers/:logger', handle: setLevel },
];

/** `scope=cluster` is answered by all workers and therefore empty; an unknown scope names no logger, as in Connect. */
function setLevel({ loggers, params, query, body }: Call): Answer {
  const scope = (query['scope']?.[0] ?? 'worker').toLowerCase();
  const level = readLevel(body);
  if (scope !== 'worker' && scope !== 'cluster') return ok([]);
  const changed = loggers.set(params['logger']!, level);
  return scope === 'cluster' ? NO_CONTENT : ok(changed);
}
