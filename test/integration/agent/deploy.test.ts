/** Deployments on a real agent process: tested, switched, watched, rolled back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AgentProcess, cleanUp, startAgent, temporaryFolder } from './agent-process.ts';
import { enrol, makeWorkspace, type TestWorkspace, WHOLE_TABLE } from './workspace.ts';

let workspace: TestWorkspace;
let agent: AgentProcess;
let device: ReturnType<TestWorkspace['device']>;

beforeAll(async () => {
  workspace = await makeWorkspace();
  agent = await startAgent(await temporaryFolder('agent'), ['--pair']);
  await enrol(agent, workspace);
  device = workspace.device(agent);
});
afterAll(cleanUp);

describe('deployments', () => {
  test('a sound bundle becomes active and serves', async () => {
    const order = await workspace.order({ version: '1.0.0', table: WHOLE_TABLE });
    const status = await device.deploy(order);
    expect(status.error).toBeUndefined();
    expect(status).toMatchObject({ state: 'active', serving: 'lookup@1.0.0#fp32' });
    expect(await device.infer([0, 7])).toEqual({ status: 200, body: { model_name: 'lookup', model_version: '1.0.0', outputs: [{ name: 'value', shape: [2], datatype: 'FP32', data: [10, 17] }] } });
  });
});
