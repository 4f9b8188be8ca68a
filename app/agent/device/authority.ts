/** By whose word something is done on this device, and whose signatures count for it. */
import { EdgewrightError } from '#contract';
import { type DeploymentOrder, openOrder, type SignedOrder } from '#core/protocol';
import { type Grant, openGrant } from '#core/trust';
import type { AdministratorStore } from '../state/administrators.ts';
import type { Authority, DeploymentRecord } from '../state/deployments.ts';
import type { Trust } from '../state/identity.ts';
import { CANDIDATE_STATES } from '../state/transitions.ts';

/** An order that an administrator signed, checked as far as time does not matter. */
export interface AdministratorOrder {
  order: DeploymentOrder;
  by: Authority;
  grant: Grant;
  counter: number;
}

/**
 * @param caller fingerprint of the signing key that the connection's certificate names
 * @throws trust.grant-*, trust.order-*
 */
export function openSignedOrder(signed: SignedOrder, device: { trust: Trust; id: string }, caller: string): AdministratorOrder {
  const grant = openGrant(signed.grant, device.trust);
  // A grant that was overheard is of no use to another administrator.
  if (grant.key !== caller) {
    throw new EdgewrightError({
      code: 'trust.grant-other-key',
      message: 'The grant is for another key than that of the administrator who brings it.',
      expected: caller,
      found: grant.key,
      owner: 'trust',
    });
  }
  const { order, counter } = openOrder(signed.order, grant, device.id);
  return { order, counter, grant, by: { key: grant.key, name: grant.name, grant: signed.grant } };
}

/**
 * Whose signature on the bundle of a deployment counts: the workspace's, and that of the administrator who ordered it.
 * @throws trust.grant-*, trust.administrator-revoked, trust.clock-behind
 */
export function signersOf(record: DeploymentRecord, trust: Trust, administrators: AdministratorStore): string[] {
  if (!record.by) return [trust.signerPem];
  const grant = openGrant(record.by.grant, trust);
  checkMayActivate(record, trust, administrators);
  return [trust.signerPem, grant.signer];
}

/**
 * What is on its way needs a grant that counts until it serves. What serves already goes on: neither the end of a grant nor a
 * revocation stops a running bundle, only the next decision does.
 * @throws trust.grant-*, trust.administrator-revoked, trust.clock-behind
 */
export function checkMayActivate(record: DeploymentRecord, trust: Trust, administrators: AdministratorStore): void {
  if (record.by && CANDIDATE_STATES.includes(record.state)) administrators.check(openGrant(record.by.grant, trust));
}
