/**
 * Pairing: a one-time code that a person carries from the device to the workspace. Each side proves that it knows the code
 * by a MAC over this very TLS connection and both certificates, so that a machine in the middle, who has two connections,
 * can neither make nor relay a proof. 80 bits and few tries: guessing off line is out of reach too.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { distrust } from './errors.ts';
import { PAIRING_CODE_CHARS, PAIRING_EXPORTER_BYTES } from './limits.ts';

/** Crockford base32: no I, L, O, U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const MAC_LABEL = 'edgewright pairing v1';

/** 16 characters of 5 random bits each, in groups of four: `7M2K-9QXA-…`. */
export function generatePairingCode(): string {
  // 256 is a multiple of 32, so the low five bits of a random byte are uniform.
  const chars = Array.from(randomBytes(PAIRING_CODE_CHARS), (byte) => ALPHABET[byte & 31]).join('');
  return chars.match(/.{4}/g)?.join('-') ?? chars;
}

/**
 * The code as both sides feed it to the MAC. Case, dashes and spaces do not matter; O counts as 0, I and L as 1.
 * @throws trust.code-malformed
 */
export function normalizePairingCode(text: string): string {
  const code = text.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  if (code.length !== PAIRING_CODE_CHARS || [...code].some((c) => !ALPHABET.includes(c))) {
    // The text itself may be nearly the code: it stays out of the message.
    throw distrust('code-malformed', 'This is not a pairing code.', {
      expected: `${PAIRING_CODE_CHARS} letters and digits, such as 7M2K-9QXA-T41B-C0DE`,
      found: `${code.length} characters`,
      hint: 'Read the code again where the device shows it.',
    });
  }
  return code;
}

export interface PairingProof {
  code: string;
  /** Who proves: a proof of one side is never one of the other. */
  role: 'workspace' | 'device';
  /** Keying material exported from this TLS connection: PAIRING_EXPORTER_BYTES long. */
  exporter: Uint8Array;
  /** DER of the workspace's certificate. */
  workspaceCert: Uint8Array;
  /** DER of the device's certificate. */
  deviceCert: Uint8Array;
  workspaceId: string;
}

/** HMAC-SHA-256, keyed by the code, over label, role, exporter, both certificates' SHA-256 and workspace id. */
export function pairingMac(proof: PairingProof): Buffer {
  if (proof.exporter.length !== PAIRING_EXPORTER_BYTES) throw new Error(`exporter of ${proof.exporter.length} bytes`);
  const mac = createHmac('sha256', normalizePairingCode(proof.code));
  const parts = [MAC_LABEL, proof.role, proof.exporter, sha256(proof.workspaceCert), sha256(proof.deviceCert), proof.workspaceId];
  for (const part of parts) {
    const bytes = Buffer.from(part);
    // Length first, so that no two lists of parts give the same bytes.
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    mac.update(length).update(bytes);
  }
  return mac.digest();
}

/** Compares in constant time; false when the lengths differ. */
export function equalMac(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
