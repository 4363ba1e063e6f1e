import { renderMetrics } from '../runtime/metrics.ts';
import type { Route } from './routes.ts';

/** `/metrics` in Prometheus' text format. */
export const METRICS_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/metrics',
    async handle({ herder }) {
      return {
        status: 200,
        text: { type: 'text/plain; version=0.0.4; charset=utf-8', body: await renderMetrics(herder) },
      };
    },
  },
];
