/** A device takes nothing new without a bill of materials of its workspace, and goes on with what it took before it asked. */
import { join } from 'node:path';
import { rm } from 'node:fs/promises';
import { afterAll, expect, test } from 'vitest';
import Database from 'better-sqlite3';
import type { DeploymentOrder } from '#core/protocol';
import { attest, BOM_PREDICATE } from '#core/trust';
import { digestOf } from '#core/bundles';
import { cleanUp, startAgent, temporaryFolder } from './agent-process.ts';
import { enrol, makeWorkspace, type TestWorkspace, waitUntilReady, WHOLE_TABLE } from './workspace.ts';

afterAll(cleanUp);

const BOM = 'application/vnd.cyclonedx+json';

interface Attached {
  digest: string;
  /** Its manifest, and what that lists. */
  parts: string[];
  isBill: boolean;
  isStatement: boolean;
}

/** What refers to the variant of an order. */
async function attachedTo({ store }: TestWorkspace, order: DeploymentOrder): Promise<Attached[]> {
  const found: Attached[] = [];
  for (const { digest, size } of order.blobs) {
    if (size > 4096) continue;
    const text = (await store.read(digest)).toString();
    if (!text.startsWith('{"schemaVersion"')) continue;
    const manifest = JSON.parse(text) as { artifactType: string; subject?: unknown; layers: { digest: string }[]; annotations?: Record<string, string> };
    if (!manifest.subject) continue;
    found.push({
      digest,
      parts: [digest, ...manifest.layers.map((layer) => layer.digest)],
      isBill: manifest.artifactType === BOM,
      isStatement: manifest.annotations?.['dev.sigstore.bundle.predicateType'] === BOM_PREDICATE,
    });
  }
  return found;
}

async function without(workspace: TestWorkspace, order: DeploymentOrder, which: (one: Attached) => boolean): Promise<DeploymentOrder> {
  const gone = new Set((await attachedTo(workspace, order)).filter(which).flatMap(({ parts }) => parts));
  return { ...order, id: `${order.id}-${gone.size}`, blobs: order.blobs.filter(({ digest }) => !gone.has(digest)) };
}

/** Puts another document beside the order's variant: kept in the workspace's store, listed in the order. */
async function having({ store }: TestWorkspace, order: DeploymentOrder, type: string, content: Buffer): Promise<DeploymentOrder> {
  const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: type,
      config: descriptor('application/vnd.oci.empty.v1+json', Buffer.from('{}')),
      layers: [descriptor(type, content)],
      subject: { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...order.manifest },
      ...(type !== BOM && { annotations: { 'dev.sigstore.bundle.predicateType': BOM_PREDICATE } }),
    }),
  );
  const more: { digest: string; size: number }[] = [];
  for (const bytes of [content, manifest]) more.push(await store.put(bytes));
  return { ...order, blobs: [...order.blobs, ...more] };
}

test('a new bundle without a bill, or with one that is not its own or not the workspace’s, is refused and the old one serves', {
  timeout: 180_000,
}, async () => {
  const workspace = await makeWorkspace();
  const stranger = await makeWorkspace();
  const agent = await startAgent(await temporaryFolder('device'), ['--pair']);
  await enrol(agent, workspace);
  const device = workspace.device(agent);
  expect(await device.deploy(await workspace.order({ version: '1.0.0', table: WHOLE_TABLE }))).toMatchObject({ state: 'active' });
  const order = await workspace.order({ version: '1.1.0', table: WHOLE_TABLE.map((one) => one * 2) });
  const unbilled = await without(workspace, order, ({ isBill, isStatement }) => isBill || isStatement);
  expect(await device.deploy(unbilled)).toMatchObject({
    state: 'refused',
    error: { code: 'trust.no-bom', owner: 'trust', hint: expect.any(String) },
    serving: 'lookup@1.0.0#fp32',
  });
  const [bill] = (await attachedTo(workspace, order)).filter(({ isBill }) => isBill);
  const text = await workspace.store.read(bill?.parts[1] ?? '');
  const document = JSON.parse(text.toString()) as { components: object[] };
  const about = { name: 'lookup', digest: order.manifest.digest };
  const cases: [string, DeploymentOrder][] = [
    // By a stranger, who says the very same.
    [
      'trust.signer-unknown',
      await having(
        workspace,
        await without(workspace, order, ({ isStatement }) => isStatement),
        'application/vnd.dev.sigstore.bundle.v0.3+json',
        attest(stranger.keyring, about, BOM_PREDICATE, document),
      ),
    ],
    // Altered after it was signed.
    ['trust.bom-altered', await having(workspace, await without(workspace, order, ({ isBill }) => isBill), BOM, Buffer.concat([text, Buffer.from(' ')]))],
    // Signed by the workspace, of other files.
    [
      'trust.bom-other',
      await having(
        workspace,
        await having(workspace, unbilled, BOM, Buffer.from(`${JSON.stringify({ ...document, components: document.components.slice(1) }, null, 2)}\n`)),
        'application/vnd.dev.sigstore.bundle.v0.3+json',
        attest(workspace.keyring, about, BOM_PREDICATE, { ...document, components: document.components.slice(1) }),
      ),
    ],
  ];
  for (const [code, wrong] of cases) {
    const refused = await device.deploy({ ...wrong, id: `d-${code.replaceAll('.', '-')}` });
    expect(refused, code).toMatchObject({ state: 'refused', error: { code, owner: 'trust' }, serving: 'lookup@1.0.0#fp32' });
  }
  expect((await device.infer([3])).body.outputs?.[0]?.data).toEqual([13]);
  expect(await device.deploy({ ...order, id: 'd-whole' })).toMatchObject({ state: 'active', serving: 'lookup@1.1.0#fp32' });
  device.peer.close();
});

test('what was activated before there were bills serves after a restart, and is gone back to', { timeout: 180_000 }, async () => {
  const workspace = await makeWorkspace();
  let agent = await startAgent(await temporaryFolder('device'), ['--pair']);
  await enrol(agent, workspace);
  let device = workspace.device(agent);
  for (const [version, by] of [
    ['1.0.0', 1],
    ['1.1.0', 2],
  ] as const) {
    const order = await workspace.order({ version, table: WHOLE_TABLE.map((one) => one * by) });
    expect(await device.deploy(order)).toMatchObject({ state: 'active' });
  }
  device.peer.close();
  expect(await agent.end('SIGTERM')).toBe(0);
  // As an agent of before left them: decisions without bills, and no blobs of any.
  const db = new Database(join(agent.dir, 'agent.db'));
  const rows = db.prepare<[], { id: string; decision: string }>('SELECT id, decision FROM deployments').all();
  for (const { id, decision } of rows) {
    const order = JSON.parse(decision) as DeploymentOrder;
    const before = await without(workspace, order, ({ isBill, isStatement }) => isBill || isStatement);
    for (const { digest } of order.blobs)
      if (!before.blobs.some((one) => one.digest === digest)) await rm(join(agent.dir, 'store', 'blobs', 'sha256', digest.slice(7)), { force: true });
    db.prepare('UPDATE deployments SET decision = ? WHERE id = ?').run(JSON.stringify({ ...order, blobs: before.blobs }), id);
  }
  expect(rows).toHaveLength(2);
  db.close();
  agent = await startAgent(agent.dir);
  device = workspace.device(agent);
  await waitUntilReady(agent.ready.inference);
  expect((await device.infer([3])).body.outputs?.[0]?.data).toEqual([26]);
  expect(await device.post('/v1/rollback')).toMatchObject({ to: expect.stringContaining('1.0.0') });
  expect((await device.infer([3])).body.outputs?.[0]?.data).toEqual([13]);
  device.peer.close();
});
