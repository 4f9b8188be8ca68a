/** Who this device is, and the one workspace it obeys. */
import type { Sqlite } from '#core/platform';

export interface Identity {
  deviceId: string;
  privateKeyPem: string;
  csrPem: string;
  /** Shown while nobody has enrolled the device. */
  selfSignedPem: string;
}

export interface Trust {
  workspaceId: string;
  /** What the workspace calls this device. */
  name: string;
  certificatePem: string;
  caPem: string;
  /** Public key that signs the workspace's bundles. */
  signerPem: string;
  enrolledAt: number;
  /** When the workspace first came through the management door. */
  seenAt: number | undefined;
}

interface IdentityRow {
  device_id: string;
  private_key: string;
  csr: string;
  self_signed: string;
}

interface TrustRow {
  workspace_id: string;
  name: string;
  certificate: string;
  ca: string;
  signer: string;
  enrolled_at: number;
  seen_at: number | null;
}

export class IdentityStore {
  readonly #db: Sqlite;

  constructor(db: Sqlite) {
    this.#db = db;
  }

  identity(): Identity | undefined {
    const row = this.#db.prepare<[], IdentityRow>('SELECT * FROM identity').get();
    return row && { deviceId: row.device_id, privateKeyPem: row.private_key, csrPem: row.csr, selfSignedPem: row.self_signed };
  }

  saveIdentity(identity: Identity): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO identity (only, device_id, private_key, csr, self_signed) VALUES (1, ?, ?, ?, ?)')
      .run(identity.deviceId, identity.privateKeyPem, identity.csrPem, identity.selfSignedPem);
  }

  trust(): Trust | undefined {
    const row = this.#db.prepare<[], TrustRow>('SELECT * FROM trust').get();
    return (
      row && {
        workspaceId: row.workspace_id,
        name: row.name,
        certificatePem: row.certificate,
        caPem: row.ca,
        signerPem: row.signer,
        enrolledAt: row.enrolled_at,
        seenAt: row.seen_at ?? undefined,
      }
    );
  }

  saveTrust(trust: Trust): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO trust (only, workspace_id, name, certificate, ca, signer, enrolled_at, seen_at) VALUES (1, ?, ?, ?, ?, ?, ?, ?)')
      .run(trust.workspaceId, trust.name, trust.certificatePem, trust.caPem, trust.signerPem, trust.enrolledAt, trust.seenAt ?? null);
  }

  markSeen(at: number): void {
    this.#db.prepare('UPDATE trust SET seen_at = ? WHERE seen_at IS NULL').run(at);
  }
}
