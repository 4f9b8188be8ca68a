/**
 * The file that makes another laptop an administrator: the grant, a client certificate for its own TLS key, the authority that
 * devices are known by, and the devices. All of it is signed by the workspace that grants, whose fingerprint people compare.
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { NameSchema } from '#contract';
import { certificateRole } from '../certificates.ts';
import { distrust } from '../errors.ts';
import type { Keyring } from '../keyring.ts';
import { fingerprintOf } from '../keys.ts';
import { MAX_GRANT_FILE_BYTES, MAX_GRANTED_DEVICES, MAX_PEM_BYTES } from '../limits.ts';
import { type Note, NoteSchema, openSelfSigned, signNote } from '../note.ts';
import { PersonNameSchema, WorkspaceIdSchema } from './fields.ts';
import { type Grant, openGrant } from './grant.ts';

const Pem = z.string().max(MAX_PEM_BYTES);
const Address = z.string().min(3).max(300);

const GrantFileSchema = z.strictObject({
  v: z.literal(1),
  workspaceId: WorkspaceIdSchema,
  /** What the workspace calls itself. */
  name: PersonNameSchema,
  /** Its signing key, which signed this file and the grant in it. */
  signer: Pem,
  /** Its authority: devices show certificates of it. */
  ca: Pem,
  grant: NoteSchema,
  /** For the administrator's TLS key, issued by `ca`. */
  certificate: Pem,
  devices: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
        name: NameSchema,
        management: Address,
        inference: Address,
      }),
    )
    .max(MAX_GRANTED_DEVICES),
});
type GrantFile = z.infer<typeof GrantFileSchema>;
export type GrantedDevice = GrantFile['devices'][number];

/** A grant file whose parts belong together. */
export interface OpenGrantFile extends Omit<GrantFile, 'grant' | 'v'> {
  /** Fingerprint of the workspace that grants. */
  fingerprint: string;
  grant: Grant;
  grantNote: Note;
}

/** @throws machine.keys-locked */
export function signGrantFile(keyring: Keyring, about: Pick<GrantFile, 'name' | 'grant' | 'certificate' | 'devices'>): Note {
  return signNote(keyring, 'grant-file', {
    v: 1,
    workspaceId: keyring.workspaceId,
    signer: keyring.publicKeyPem,
    ca: keyring.caCertificatePem,
    ...about,
  } satisfies GrantFile);
}

/**
 * Takes a grant file apart and checks that all of it is of one workspace and for one administrator. For whom, the caller compares.
 * @throws trust.note-wrong, trust.grant-*, trust.grant-file-wrong
 */
export function openGrantFile(note: unknown): OpenGrantFile {
  const { v: _v, grant: grantNote, ...file } = openSelfSigned(note, 'grant-file', GrantFileSchema, MAX_GRANT_FILE_BYTES);
  const wrong = (what: string, cause?: unknown) => distrust('grant-file-wrong', `The grant file does not hold together: ${what}.`, { cause });
  const grant = openGrant(grantNote, { workspaceId: file.workspaceId, signerPem: file.signer });
  let ca: X509Certificate;
  let certificate: X509Certificate;
  try {
    ca = new X509Certificate(file.ca);
    certificate = new X509Certificate(file.certificate);
  } catch (cause) {
    throw wrong('a certificate cannot be read', cause);
  }
  if (!ca.ca || !ca.verify(ca.publicKey)) throw wrong('its authority is none');
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) throw wrong('the certificate is not from its authority');
  const role = certificateRole(certificate.raw);
  if (role.role !== 'administrator' || role.workspaceId !== file.workspaceId || role.key !== grant.key) throw wrong('the certificate is for somebody else');
  if (new Set(file.devices.map(({ id }) => id)).size !== file.devices.length) throw wrong('it lists a device twice');
  return { ...file, fingerprint: fingerprintOf(createPublicKey(file.signer)), grant, grantNote };
}
