/** The OCI project's own suite; see test/conformance/oci/README.md for how to get it. */
import { describe, expect, test } from 'vitest';
import { runSuite } from '../../conformance/oci/run.ts';

const binary = process.env.EDGEWRIGHT_OCI_CONFORMANCE;
const reason = binary === undefined ? ' (skipped: EDGEWRIGHT_OCI_CONFORMANCE names no binary)' : '';

describe.skipIf(binary === undefined)(`the OCI conformance suite${reason}`, () => {
  test.each(['1.0', '1.1', 'dev'])('version %s passes without a failure', async (version) => {
    const { log, ...counts } = await runSuite(binary ?? '', version);
    expect(counts, log.slice(-20_000)).toMatchObject({ failures: 0, errors: 0, skipped: 0 });
    expect(counts.tests).toBeGreaterThan(500);
  });
});
