/** An order that stands for itself: nothing about it can be changed, and it is of use to one device, by one grant. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeploymentOrderSchema, MAX_DEPLOYMENT_BLOBS, MAX_JSON_BODY_BYTES, openOrder, type OrderStatement, SignedOrderSchema, signOrder } from '#core/protocol';
import { type Grant, type Keyring, type Note, openKeyring, signGrant, signNote } from '#core/trust';

const AT = Date.UTC(2026, 5, 1);
const digest = (n: number) => `sha256:${n.toString(16).padStart(64, '0')}`;

let dir: string;
let a: Keyring;
let b: Keyring;
let grant: Grant;
let grantNote: Note;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-order-'));
  [a, b] = await Promise.all([openKeyring(join(dir, 'a'), { store: 'file' }), openKeyring(join(dir, 'b'), { store: 'file' })]);
  ({ grant, note: grantNote } = signGrant(a, { name: 'bob', signer: b.publicKeyPem, issuedAt: AT, until: AT + 1000 }));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function orderOf(blobs: number) {
  const listed = Array.from({ length: blobs }, (_, n) => ({ digest: digest(n), size: 8 * 2 ** 30 - n }));
  return DeploymentOrderSchema.parse({
    id: 'd-1',
    name: 'lookup',
    version: '1.0.0',
    variant: 'fp32',
    manifest: { digest: digest(0), size: 9 },
    blobs: listed,
    watch: {},
  });
}
const statement = (more: Partial<OrderStatement> = {}): Omit<OrderStatement, 'v'> => ({
  workspaceId: a.workspaceId,
  deviceId: 'dev-1',
  grant: grant.serial,
  counter: 7,
  order: orderOf(2),
  ...more,
});

test('says what was signed', () => {
  expect(openOrder(signOrder(b, statement()), grant, 'dev-1')).toEqual({ v: 1, ...statement() });
});

test('with any field of it or of the order altered or left out is refused', () => {
  const note = signOrder(b, statement());
  const said = JSON.parse(Buffer.from(note.payload, 'base64').toString()) as Record<string, unknown> & { order: Record<string, unknown> };
  const spoilt = (value: object) => ({ ...note, payload: Buffer.from(JSON.stringify(value)).toString('base64') });
  const other = (value: unknown) => (typeof value === 'number' ? value + 1 : typeof value === 'boolean' ? !value : null);
  const altered = [
    ...Object.keys(said).flatMap((field) => [
      { ...said, [field]: other(said[field]) },
      { ...said, [field]: undefined },
    ]),
    ...Object.keys(said.order).map((field) => ({ ...said, order: { ...said.order, [field]: other(said.order[field]) } })),
  ];
  for (const value of altered) expect(() => openOrder(spoilt(value), grant, 'dev-1')).toThrow(expect.objectContaining({ code: 'trust.order-wrong' }));
});

test.each<[string, () => unknown, string]>([
  ['signed by the workspace, which needs no grant', () => signOrder(a, statement()), 'trust.order-wrong'],
  ['in a statement of another kind', () => signNote(b, 'identity', { v: 1, ...statement() }), 'trust.order-wrong'],
  ['for another device', () => signOrder(b, statement({ deviceId: 'dev-2' })), 'trust.order-elsewhere'],
  ['for a device of another workspace', () => signOrder(b, statement({ workspaceId: b.workspaceId })), 'trust.order-elsewhere'],
  ['by another grant', () => signOrder(b, statement({ grant: '0'.repeat(32) })), 'trust.order-wrong'],
  ['that counts from nothing', () => signOrder(b, statement({ counter: 0 })), 'trust.order-wrong'],
  ['with more beside it', () => signNote(b, 'order', { v: 1, ...statement(), also: 'this' }), 'trust.order-wrong'],
  ['that is none', () => 'deploy', 'trust.order-wrong'],
])('%s is refused', (_what, make, code) => {
  expect(() => openOrder(make(), grant, 'dev-1')).toThrow(expect.objectContaining({ code, owner: 'trust' }));
});

test('the largest order fits a request, with its grant', () => {
  const signed = { grant: grantNote, order: signOrder(b, statement({ order: orderOf(MAX_DEPLOYMENT_BLOBS) })) };
  expect(SignedOrderSchema.safeParse(signed).success).toBe(true);
  expect(JSON.stringify(signed).length).toBeLessThan(MAX_JSON_BODY_BYTES);
  expect(openOrder(signed.order, grant, 'dev-1').order.blobs).toHaveLength(MAX_DEPLOYMENT_BLOBS);
});
