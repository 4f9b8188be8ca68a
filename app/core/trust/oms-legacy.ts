/**
 * Signatures of release 0.2.0 of the reference implementation (§5.1, §11). It signed not the payload but how Python shows its
 * bytes, under a label of its own, and always by SHA-256. Such a signature may be read where a person asks what it is worth;
 * bundles are never taken on it.
 */
import { PAYLOAD_TYPE } from './dsse.ts';
import type { Encoding } from './oms-verify.ts';

export const LEGACY: Encoding = { payload: legacyEncoding, hash: 'sha256' };

function legacyEncoding(payload: Uint8Array): Uint8Array {
  return Buffer.from(`DSSEV1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} ${pythonBytes(payload)}`);
}

/** `b'…'` as Python's `repr` writes bytes. */
function pythonBytes(bytes: Uint8Array): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  const named: Record<number, string> = { 0x5c: '\\\\', 0x09: '\\t', 0x0a: '\\n', 0x0d: '\\r', [quote.charCodeAt(0)]: `\\${quote}` };
  let shown = '';
  for (const byte of bytes) {
    shown += named[byte] ?? (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`);
  }
  return `b${quote}${shown}${quote}`;
}
