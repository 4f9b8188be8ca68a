/**
 * The child that speaks to the keychain: one question on fd 3, one answer on fd 4, then it ends. The binding is loaded here
 * and nowhere else.
 */
import { writeFileSync, readFileSync } from 'node:fs';
import type { KeychainAnswer, KeychainRequest } from './keychain.ts';

/** Under what all secrets of this program stand in the keychain. */
const SERVICE = 'Edgewright';

async function answer({ op, account, secret }: KeychainRequest): Promise<KeychainAnswer> {
  const { Entry } = await import('@napi-rs/keyring');
  // Pinned: left to itself the binding takes the kernel's keyring where there is no Secret Service, which forgets at a restart.
  const entry = new Entry(SERVICE, account, { linux: { store: 'secret-service' } });
  switch (op) {
    case 'put':
      entry.setSecret(Buffer.from(secret ?? '', 'base64'));
      return { ok: true };
    case 'remove':
      entry.deleteCredential();
      return { ok: true };
    case 'get': {
      const found = entry.getSecret();
      return { ok: true, ...(found && { secret: Buffer.from(found).toString('base64') }) };
    }
  }
}

let result: KeychainAnswer;
try {
  result = await answer(JSON.parse(readFileSync(3, 'utf8')) as KeychainRequest);
} catch (error) {
  result = { ok: false, problem: error instanceof Error ? error.message : String(error) };
}
writeFileSync(4, JSON.stringify(result));
process.exit(0);
