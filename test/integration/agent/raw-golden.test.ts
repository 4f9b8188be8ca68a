/** Raw inputs of a golden set on a real agent process: the recipe must prepare them there as where the bundle was built. */
import { afterAll, expect, test } from 'vitest';
import { cleanUp, startAgent, temporaryFolder } from './agent-process.ts';
import { enrol, makeWorkspace, WHOLE_TABLE } from './workspace.ts';

afterAll(cleanUp);

test('they travel along, and a recipe that makes other tensors of them there is refused with where it differs', async () => {
  const workspace = await makeWorkspace();
  const agent = await startAgent(await temporaryFolder('agent'), ['--pair']);
  await enrol(agent, workspace);
  const device = workspace.device(agent);
  const passed = await device.deploy(await workspace.order({ version: '1.0.0', table: WHOLE_TABLE, raw: { '1-rows.csv': 'i\n1\n2\n' } }));
  expect(passed).toMatchObject({ state: 'active', serving: 'lookup@1.0.0#fp32' });
  const other = await workspace.order({ version: '1.0.1', table: WHOLE_TABLE, raw: { '1-rows.csv': 'i\n1\n3\n' } });
  const status = await device.deploy(other);
  expect(status).toMatchObject({ state: 'refused', serving: 'lookup@1.0.0#fp32', error: { code: 'device.raw-mismatch', owner: 'gate' } });
  expect(status.error?.message).toContain('input index of golden sample 1 (golden/1-rows.csv): largest difference 1 at [2], expected 2, the recipe makes 3');
});
