/** The pairing door and the command line, on real agent processes. */
import { createServer } from 'node:net';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#core/platform';
import { createDeviceIdentity, generatePairingCode, openKeyring } from '#core/trust';
import { openPairingDoor } from '../../../app/agent/doors/pairing.ts';
import { agentLog, cleanUp, runAgent, startAgent, temporaryFolder } from './agent-process.ts';
import { dial, makeWorkspace, pair, type TestWorkspace } from './workspace.ts';

let workspace: TestWorkspace;
beforeAll(async () => {
  workspace = await makeWorkspace();
});
afterAll(cleanUp);

describe('the pairing door', () => {
  test('five wrong codes close it for good, each answer saying how many tries are left', async () => {
    const agent = await startAgent(await temporaryFolder('agent'), ['--pair']);
    const { address = '', code = '' } = agent.ready.pairing ?? {};
    for (let left = 4; left >= 0; left--) {
      const refused = await pair(address, workspace.keyring, { code: generatePairingCode() });
      expect(refused).toMatchObject({ type: 'refused', triesLeft: left, error: { code: 'trust.wrong-code', owner: 'trust' } });
    }
    await expect(pair(address, workspace.keyring, { code })).rejects.toThrow();
    expect(await agent.end('SIGTERM')).toBe(0);
  });

  test('what does not hold together is refused without using up a try; the right code then enrols; the code lies in its file until then', async () => {
    const dir = await temporaryFolder('agent');
    const codeFile = join(dir, 'code');
    const agent = await startAgent(dir, ['--pair', '--code-file', codeFile]);
    const { address = '', code: shown } = agent.ready.pairing ?? {};
    expect(shown).toBeUndefined();
    expect((await stat(codeFile)).mode & 0o777).toBe(0o600);
    const code = (await readFile(codeFile, 'utf8')).trim();
    const stranger = await openKeyring(await temporaryFolder('keys'));
    const wrong: { change?: (m: Record<string, unknown>) => Record<string, unknown>; code: string }[] = [
      { change: (m) => (m.type === 'hello' ? { ...m, protocol: 99 } : m), code: 'device.protocol' },
      { change: (m) => (m.type === 'enrol' ? { ...m, ca: stranger.caCertificatePem } : m), code: 'trust.enrolment-wrong' },
      { change: (m) => (m.type === 'enrol' ? { ...m, workspaceId: stranger.workspaceId } : m), code: 'trust.enrolment-wrong' },
      { change: (m) => (m.type === 'enrol' ? { ...m, certificate: workspace.keyring.caCertificatePem } : m), code: 'trust.enrolment-wrong' },
      { change: (m) => ({ ...m, type: 'nonsense' }), code: 'network.pairing-broken' },
    ];
    for (const { change, code: expected } of wrong) {
      const refused = await pair(address, workspace.keyring, { code, ...(change && { change }) });
      expect(refused).toMatchObject({ type: 'refused', triesLeft: 5, error: { code: expected } });
    }
    // TLS 1.2, or no certificate at all, never gets as far as a code.
    await expect(dial(address, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).rejects.toThrow();
    expect(await pair(address, workspace.keyring, { code, tls: { cert: undefined, key: undefined } }).catch(() => 'refused')).not.toHaveProperty('enrolled');

    expect(await pair(address, workspace.keyring, { code, name: 'pump-1' })).toMatchObject({ enrolled: true, deviceId: agent.ready.id });
    expect(await workspace.device(agent).status()).toMatchObject({ id: agent.ready.id, name: 'pump-1', bundles: [] });
    await expect
      .poll(() =>
        stat(codeFile).then(
          () => 'there',
          () => 'gone',
        ),
      )
      .toBe('gone');
    await expect(pair(address, workspace.keyring, { code })).rejects.toThrow();
    expect(await agentLog(dir)).not.toContain(code);
    expect(await agent.end('SIGTERM')).toBe(0);

    const again = await startAgent(dir, ['--pair']);
    expect(again.ready.pairing).toBeUndefined();
    expect(again.stderr()).toContain('already belongs to workspace');
    expect(await again.end('SIGTERM')).toBe(0);
  });

  test('an enrolment whose last answer got lost can be made again', async () => {
    const dir = await temporaryFolder('agent');
    const agent = await startAgent(dir, ['--pair']);
    await pair(agent.ready.pairing?.address ?? '', workspace.keyring, { code: agent.ready.pairing?.code ?? '' });
    await agent.end('SIGKILL');
    // The workspace never came through the management door, so it may not know.
    const again = await startAgent(dir, ['--pair']);
    expect(await pair(again.ready.pairing?.address ?? '', workspace.keyring, { code: again.ready.pairing?.code ?? '' })).toMatchObject({ enrolled: true });
    expect((await workspace.device(again).status()).id).toBe(agent.ready.id);
    await again.end('SIGKILL');
  });
});

test('the door closes by itself when its time is over, in the middle of a conversation too', async () => {
  const { privateKeyPem, csrPem, selfSignedCertPem } = await createDeviceIdentity('dev-1');
  const codeFile = join(await temporaryFolder('agent'), 'code');
  const why = await new Promise<string>((onClosed, fail) => {
    openPairingDoor({
      host: '127.0.0.1',
      identity: { deviceId: 'dev-1', privateKeyPem, csrPem, selfSignedPem: selfSignedCertPem },
      codeFile,
      clock: systemClock,
      openMs: 300,
      addresses: () => ({ management: 'x:1', inference: 'x:2' }),
      enrol: () => fail(new Error('nobody was let in')),
      onClosed,
    }).then((door) => dial(door.address, workspace.keyring.clientTls()), fail);
  });
  expect(why).toBe('expired');
  await expect(stat(codeFile)).rejects.toMatchObject({ code: 'ENOENT' });
});

describe('the command line', () => {
  test.each([
    [['--pair'], 64, /--dir/],
    [['--dir', 'x', '--wrong'], 64, /unknown option '--wrong'/],
    [['--dir', 'x', '--listen', 'nonsense'], 64, /not an address to listen on/],
    [['--dir', 'x', '--code-file', 'y'], 64, /--code-file needs --pair/],
  ])('%j ends with %i and one line', async (args, code, message) => {
    const dir = await temporaryFolder('agent');
    const end = await runAgent(args.map((arg) => (arg === 'x' ? dir : arg)));
    expect(end.code).toBe(code);
    expect(end.stdout).toBe('');
    expect(end.stderr.trim().split('\n')).toHaveLength(1);
    expect(end.stderr).toMatch(message);
  });

  test('a port in use and a folder in use end with 6; the inference door stays on loopback', async () => {
    const dir = await temporaryFolder('agent');
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => taken.once('listening', done));
    const at = taken.address();
    const port = typeof at === 'object' && at ? at.port : 0;
    const busy = await runAgent(['--dir', dir, '--listen', `127.0.0.1:${port}`]);
    taken.close();
    expect(busy).toMatchObject({ code: 6, stdout: '' });
    expect(busy.stderr).toMatch(/in use by another program.*--listen/);
    const open = await runAgent(['--dir', dir, '--infer', '0.0.0.0:0']);
    expect(open.code).toBe(64);
    const first = await startAgent(dir);
    const second = await runAgent(['--dir', dir]);
    expect(second).toMatchObject({ code: 6, stdout: '' });
    expect(second.stderr).toMatch(/Another agent already runs/);
    expect(await first.end('SIGINT')).toBe(0);
  });
});
