import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { apicurioApi, confluentApi, startSchemaRegistry } from '../../services/schema-registry.ts';
import { type CloudEventsRecording, casesFor, RECORDING } from '../cloud-events-cases.ts';

/** `node record-cloud-events.ts`: what Debezium's CloudEventsConverter makes of recorded events, into test/fixtures/convert. */
const here = fileURLToPath(new URL('.', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'icestream-convert-'));
const registry = await startSchemaRegistry();
try {
  const url = apicurioApi(registry.url);
  const input = join(work, 'in.txt');
  writeFileSync(
    input,
    casesFor(url)
      .map((it) => JSON.stringify(it))
      .join('\n'),
  );
  const jars = join(work, 'jars');
  const maven = ['-q', '-f', join(here, 'pom.xml'), 'dependency:copy-dependencies'];
  execFileSync('mvn', [...maven, `-DoutputDirectory=${jars}`], { stdio: 'inherit' });
  const java = ['-cp', `${jars}/*`, join(here, 'CloudEvents.java'), input];
  const results = execFileSync('java', java, { maxBuffer: 1 << 28 })
    .toString('utf8')
    .trim()
    .split('\n');
  const recording: CloudEventsRecording = {
    url,
    schemas: await schemasOf(confluentApi(registry.url)),
    results,
  };
  writeFileSync(RECORDING, brotliCompressSync(JSON.stringify(recording)));
} finally {
  await registry.stop();
  rmSync(work, { recursive: true });
}

async function schemasOf(url: string): Promise<CloudEventsRecording['schemas']> {
  const get = async (path: string) => (await fetch(`${url}${path}`)).json();
  const schemas: CloudEventsRecording['schemas'][number][] = [];
  for (const subject of (await get('/subjects')) as string[]) {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    for (const version of (await get(path)) as number[]) {
      const { id, schema } = (await get(`${path}/${version}`)) as { id: number; schema: string };
      schemas.push({ subject, id, schema });
    }
  }
  return schemas;
}
