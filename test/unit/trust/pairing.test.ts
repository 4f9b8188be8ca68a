import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalMac, generatePairingCode, normalizePairingCode, PAIRING_EXPORTER_BYTES, type PairingProof, pairingMac } from '#core/trust';

const proof: PairingProof = {
  code: '0123-4567-89AB-CDEF',
  role: 'workspace',
  exporter: Buffer.alloc(PAIRING_EXPORTER_BYTES, 7),
  workspaceCert: Buffer.from('workspace certificate'),
  deviceCert: Buffer.from('device certificate'),
  workspaceId: 'aa'.repeat(16),
};

test('a code has 16 characters of Crockford base32 in groups of four, never the same twice', () => {
  const codes = Array.from({ length: 500 }, generatePairingCode);
  for (const code of codes) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  expect(new Set(codes).size).toBe(codes.length);
  // All 32 characters occur: 8,000 draws miss one with a chance below 1e-100.
  expect(new Set(codes.join('').replaceAll('-', '')).size).toBe(32);
});

test('case, dashes, spaces and look-alikes do not matter', () => {
  expect(normalizePairingCode(' o12i-45l7 89ab-cdef\n')).toBe('0121451789ABCDEF');
});

test('anything else is refused, without repeating what was typed', () => {
  for (const text of ['', '0123', '0123-4567-89AB-CDEU', '0123-4567-89AB-CDE!', '0123-4567-89AB-CDEF0', 'é'.repeat(16)]) {
    expect(() => normalizePairingCode(text)).toThrow(expect.objectContaining({ code: 'trust.code-malformed', owner: 'trust' }));
  }
  try {
    normalizePairingCode('SECRET-SECRET');
  } catch (error) {
    expect(String(error)).not.toContain('SECRET');
  }
});

test('both sides compute the same proof from the same facts, however the code was typed', () => {
  expect(equalMac(pairingMac(proof), pairingMac({ ...proof, code: 'oi23456789abcdef' }))).toBe(true);
  expect(pairingMac(proof)).toHaveLength(32);
});

test('every fact counts: another role, connection, certificate, workspace or code gives another proof', () => {
  const others: Partial<PairingProof>[] = [
    { role: 'device' },
    { exporter: randomBytes(PAIRING_EXPORTER_BYTES) },
    { workspaceCert: proof.deviceCert },
    { deviceCert: Buffer.from('another device') },
    { workspaceCert: proof.deviceCert, deviceCert: proof.workspaceCert },
    { workspaceId: 'bb'.repeat(16) },
    { code: generatePairingCode() },
  ];
  const macs = [proof, ...others.map((other) => ({ ...proof, ...other }))].map((p) => pairingMac(p).toString('hex'));
  expect(new Set(macs).size).toBe(macs.length);
});

test('MACs of different length or content are not equal', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      expect(equalMac(a, b)).toBe(Buffer.from(a).equals(Buffer.from(b)));
    }),
  );
});
