import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf, openCatalogue } from '#core/bundles';

test('what was found of one content is not said of another that has its name by now, nor by a list of signers that no longer counts', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ew-catalogue-'));
  const catalogue = openCatalogue(join(dir, 'catalogue.db'));
  const named = { name: 'pump', version: '1.0.0', createdAt: 1, variants: [], closure: [] };
  const [before, after] = [digestOf('before'), digestOf('after')];
  const problem = { code: 'trust.unsigned', reason: 'Nobody signed it.' };
  const state = () => catalogue.summary('pump', '1.0.0')?.state;
  catalogue.apply({ put: [{ ...named, digest: after, state: 'sound' }], indexDigest: 'x', trustDigest: 'these' });
  catalogue.blame({ ...named, digest: before }, 'quarantined', problem);
  expect(state()).toBe('sound');
  catalogue.blame({ ...named, digest: after }, 'quarantined', problem);
  expect(catalogue.summary('pump', '1.0.0')).toMatchObject({ state: 'quarantined', stateCode: problem.code, stateReason: problem.reason });
  catalogue.release({ ...named, digest: before }, 'these');
  catalogue.release({ ...named, digest: after }, 'those');
  expect(state()).toBe('quarantined');
  catalogue.release({ ...named, digest: after }, 'these');
  expect(state()).toBe('sound');
  expect(catalogue.summary('pump', '1.0.0')).not.toHaveProperty('stateReason');
  catalogue.close();
  await rm(dir, { recursive: true, force: true });
});
