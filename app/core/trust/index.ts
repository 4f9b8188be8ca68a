/** Who may sign, who may push, and how both are checked: keys, certificates, pairing, signatures. */
export { type CertificateRole, certificateDer, certificateRole, createDeviceIdentity, deviceServerName } from './certificates.ts';
export { type Keychain, systemKeychain } from './key-store/keychain.ts';
export { checkNewPassphrase, readPassphraseFile } from './key-store/passphrase.ts';
export { type Keyring, type KeyringOptions, openKeyring } from './keyring.ts';
export { MAX_SIGNATURE_BYTES, PAIRING_EXPORTER_BYTES } from './limits.ts';
export { ALWAYS_IGNORED, BUNDLE_MEDIA_TYPE, keyHint, PREDICATE_TYPE, PUBLIC_KEY_FILE, SIGNATURE_FILE, type SignedFile, signFiles } from './oms.ts';
export { claimedKeyHint, openSignature, type VerifiedSignature, verifySignature } from './oms-verify.ts';
export { equalMac, generatePairingCode, normalizePairingCode, type PairingProof, pairingMac } from './pairing.ts';
