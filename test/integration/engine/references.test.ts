/** What a person names, from the contract's door to the registry: bundles by name, variant or digest; devices as they are now. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BundleSummary } from '#contract';
import { openLocalClient } from '#engine';
import { throwAwayDir } from '../../lib/cli.ts';

let work: Awaited<ReturnType<typeof throwAwayDir>>;
let local: Awaited<ReturnType<typeof openLocalClient>>;
let built: BundleSummary;
beforeAll(async () => {
  work = await throwAwayDir('references');
  local = await openLocalClient({ home: work.dir });
  built = await local.client.bundles.buildSample();
});
afterAll(async () => {
  await local.close();
  await work.remove();
});

/** The reference was understood when the device is all that is wrong. */
const preflight = (ref: string, variant?: string) =>
  local.client.deployments.preflight({ ref, devices: ['nobody'], ...(variant !== undefined && { variant }) });
const failsWith = (code: string) => ({ data: { code } });

test('a bundle to deploy is named by name@version, with a variant, or by either digest', async () => {
  const variant = built.variants[0]?.digest ?? '';
  for (const ref of ['digits@1.0.0', 'digits@1.0.0#fp32', built.digest, variant]) {
    await expect(preflight(ref), ref).rejects.toMatchObject(failsWith('device.unknown'));
  }
  await expect(preflight(variant, 'fp32')).rejects.toMatchObject(failsWith('device.unknown'));
});

test('two variants named at once, and what is not there, are refused', async () => {
  await expect(preflight('digits@1.0.0#fp32', 'int8-static')).rejects.toMatchObject(failsWith('usage.two-variants'));
  await expect(preflight(built.variants[0]?.digest ?? '', 'int8-static')).rejects.toMatchObject(failsWith('usage.two-variants'));
  await expect(preflight('digits@1.0.0#int8-static')).rejects.toMatchObject(failsWith('usage.unknown-variant'));
  await expect(preflight('digits@9.0.0')).rejects.toMatchObject(failsWith('usage.unknown-bundle'));
});
