import { until } from '../harness/until.ts';

interface Part {
  readonly state: string;
  readonly trace?: string;
}

/** The REST interface of Kafka Connect, as far as a recording needs it. */
export class ConnectClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url.replace(/\/$/, '');
  }

  async request(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }

  async create(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    const answer = await this.#unlessBusy('POST', '/connectors', { name, config });
    if (answer.status !== 201) throw new Error(`${name} was not created: ${JSON.stringify(answer.body)}`);
  }

  /** Waits until the connector and its tasks run. @throws the trace of one that failed */
  async untilRunning(name: string): Promise<void> {
    await until(`${name} runs`, async () => {
      const parts = await this.#parts(name);
      failOn(name, parts);
      return parts.length > 1 && parts.every((part) => part.state === 'RUNNING');
    });
  }

  /** @throws the trace, when a part of it has failed */
  async check(name: string): Promise<void> {
    failOn(name, await this.#parts(name));
  }

  async stop(name: string): Promise<void> {
    await this.#unlessBusy('PUT', `/connectors/${name}/stop`);
    await until(`${name} has stopped`, async () => {
      const parts = await this.#parts(name);
      return parts.length === 1 && parts[0]!.state === 'STOPPED';
    });
  }

  async resume(name: string): Promise<void> {
    const answer = await this.#unlessBusy('PUT', `/connectors/${name}/resume`);
    if (answer.status !== 202) throw new Error(`${name} was not resumed: ${JSON.stringify(answer.body)}`);
  }

  async offsets(name: string): Promise<unknown> {
    return (await this.request('GET', `/connectors/${name}/offsets`)).body;
  }

  /** With its offsets; a connector that is not there is no error. */
  async remove(name: string): Promise<void> {
    if ((await this.request('GET', `/connectors/${name}`)).status !== 200) return;
    await this.stop(name);
    await this.#unlessBusy('DELETE', `/connectors/${name}/offsets`);
    await this.#unlessBusy('DELETE', `/connectors/${name}`);
  }

  async #parts(name: string): Promise<Part[]> {
    const { body } = await this.request('GET', `/connectors/${name}/status`);
    const status = body as { connector?: Part; tasks?: Part[] };
    return status.connector === undefined ? [] : [status.connector, ...(status.tasks ?? [])];
  }

  /** A cluster that moves its tasks about refuses changes for a while. */
  async #unlessBusy(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: unknown }> {
    return until(`${method} ${path} is accepted`, async () => {
      const answer = await this.request(method, path, body);
      const isBusy = answer.status === 409 && /rebalance|in progress/.test(JSON.stringify(answer.body));
      return isBusy ? null : answer;
    });
  }
}

function failOn(name: string, parts: readonly Part[]): void {
  const failed = parts.find((part) => part.state === 'FAILED');
  if (failed !== undefined) throw new Error(`${name} failed: ${failed.trace?.slice(0, 3_000)}`);
}
