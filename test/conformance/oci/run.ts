/**
 * Runs the OCI project's own conformance suite against `registry serve`, every workflow of it:
 * `EDGEWRIGHT_OCI_CONFORMANCE=BINARY node test/conformance/oci/run.ts`. See README.md beside this file for how to get the binary.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '../../integration/distribution/serve.ts';

export interface Counts {
  tests: number;
  failures: number;
  errors: number;
  skipped: number;
  /** Not part of the version of the specification that was asked for. */
  disabled: number;
}

/**
 * @param binary of github.com/opencontainers/distribution-spec/conformance
 * @param version `1.0`, `1.1`, or `dev`: 1.1 and what is accepted for the version after it
 */
export async function runSuite(binary: string, version: string): Promise<Counts & { log: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'ew-conformance-'));
  const registry = await serve(join(dir, 'home'), ['--listen', '127.0.0.1:0', '--allow-delete']);
  try {
    const suite = spawn(binary, {
      cwd: dir,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: dir,
        OCI_REGISTRY: registry.address,
        OCI_TLS: 'disabled',
        OCI_VERSION: version,
        OCI_RESULTS_DIR: join(dir, 'results'),
        OCI_API_BLOBS_DIGEST_HEADER: 'true',
        OCI_API_MANIFESTS_DIGEST_HEADER: 'true',
        OCI_API_BLOBS_UPLOAD_CANCEL: 'true',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    for (const stream of [suite.stdout, suite.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (log += text));
    await once(suite, 'close');
    return { ...countsOf(await readFile(join(dir, 'results', 'junit.xml'), 'utf8')), log };
  } finally {
    await registry.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

function countsOf(junit: string): Counts {
  const [suite = ''] = /<testsuite .*?>/.exec(junit) ?? [];
  if (suite === '') throw new Error('the suite wrote no result');
  // It leaves out what is none.
  const count = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  return { tests: count('tests'), failures: count('failures'), errors: count('errors'), skipped: count('skipped'), disabled: count('disabled') };
}

if (import.meta.main) {
  const binary = process.env.EDGEWRIGHT_OCI_CONFORMANCE;
  if (binary === undefined) throw new Error('EDGEWRIGHT_OCI_CONFORMANCE names no binary; see test/conformance/oci/README.md');
  for (const version of ['1.0', '1.1', 'dev']) {
    const { log, ...counts } = await runSuite(binary, version);
    process.stdout.write(`${version}: ${JSON.stringify(counts)}\n`);
    if (counts.failures + counts.errors > 0) {
      process.stdout.write(log);
      process.exitCode = 1;
    }
  }
}
