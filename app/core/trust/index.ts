/** Who may sign, who may push, and how both are checked: keys, certificates, pairing, signatures, the list of trusted signers. */
export { PersonNameSchema } from './administrators/fields.ts';
export { DAY_MS, type Grant, openGrant, signGrant } from './administrators/grant.ts';
export { type GrantedDevice, openGrantFile, type OpenGrantFile, signGrantFile } from './administrators/grant-file.ts';
export { type Identity, openIdentity, signIdentity } from './administrators/identity.ts';
export { openRevocations, type Revocations, signRevocations } from './administrators/revocations.ts';
export { revokedError, type Standing, type StandingFacts, standingProblem } from './administrators/standing.ts';
export { attest, BOM_PREDICATE, openAttestation } from './attestation.ts';
export { anchorsOf, ownKey, type Signer, type TrustAnchors, trustKeys, trusts } from './anchors.ts';
export type { AuditAct } from './audit/entry.ts';
export { exportLog, type Exported, verifyExport } from './audit/export.ts';
export { AuditLog, type AuditOptions } from './audit/log.ts';
export { type AuditVerdict, verifyLog } from './audit/verify.ts';
export { decrypt, encrypt } from './age/stream.ts';
export { type CertificateRole, certificateDer, certificateRole, createDeviceIdentity, deviceServerName } from './certificates.ts';
export { BUNDLE_MEDIA_TYPE } from './dsse.ts';
export { type Keychain, systemKeychain } from './key-store/keychain.ts';
export { checkNewPassphrase, readPassphraseFile } from './key-store/passphrase.ts';
export { type Keyring, type KeyringOptions, openKeyring } from './keyring.ts';
export { meansKey, publicKeyId } from './keys.ts';
export { judgeFolder, type JudgeOptions } from './judge-folder.ts';
export {
  CLOCK_TOLERANCE_MS,
  MAX_FOLDER_SIGNATURE_BYTES,
  MAX_GRANTED_DEVICES,
  MAX_GRANT_FILE_BYTES,
  MAX_REVOKED_KEYS,
  MAX_SIGNATURE_BYTES,
  PAIRING_EXPORTER_BYTES,
} from './limits.ts';
export { type Note, noteDigest, NoteSchema, noteSchema, noteType, openNote, signNote } from './note.ts';
export { ALWAYS_IGNORED, PUBLIC_KEY_FILE, SIGNATURE_FILE, type SignedFile, signFiles } from './oms.ts';
export { PREDICATE_TYPE } from './oms-statement.ts';
export { openSignature, type VerifiedSignature, verifySignature } from './oms-verify.ts';
export { equalMac, generatePairingCode, normalizePairingCode, type PairingProof, pairingMac } from './pairing.ts';
export { algorithmOf, anchorsFrom, checkSignerMaterial, readSignerText, type SignerMaterial } from './signer-text.ts';
export { openTrustList, type TrustList } from './trust-list.ts';
