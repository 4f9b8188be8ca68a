/** Who is at the other end of a connection: nobody but by a certificate of the workspace's own authority. */
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { certificateRole, type Standing } from '#core/trust';
import type { Trust } from '../state/identity.ts';

/** The workspace itself, or an administrator by what its certificate says: whether he may act now is another question. */
export type Caller = { kind: 'workspace' } | ({ kind: 'administrator' } & Standing);

/** undefined: nobody this device knows. */
export function callerOf(socket: TLSSocket, trust: Trust | undefined): Caller | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (!trust || !socket.authorized || !certificate || socket.isSessionReused()) return undefined;
  try {
    const ca = new X509Certificate(trust.caPem);
    if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) return undefined;
    const role = certificateRole(certificate.raw);
    if (role.role === 'device' || role.workspaceId !== trust.workspaceId) return undefined;
    if (role.role === 'workspace') return { kind: 'workspace' };
    return { kind: 'administrator', key: role.key, issuedAt: role.issuedAt, until: certificate.validToDate.getTime() };
  } catch {
    return undefined;
  }
}
