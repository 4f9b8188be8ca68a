/**
 * Opens the keyring in argv[2], and keeps it as argv[3] says where it says so. Its keychain is the folder argv[4], a file for
 * each entry: what stands for the system's own must outlive the process too.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Keychain, openKeyring } from '#core/trust';

const [, , dir = '', to = '', entries = ''] = process.argv;
const PASSPHRASE = 'a passphrase for the sweep';

const place = (account: string) => join(entries, account.replaceAll(' ', '-'));
const keychain: Keychain = {
  name: 'the test keychain',
  get: (account) => readFile(place(account)).catch(() => undefined),
  put: (account, secret) => writeFile(place(account), secret),
  remove: (account) => rm(place(account), { force: true }),
};

const keyring = await openKeyring(dir, { keychain, store: to === 'first' ? 'keychain' : 'file' });
await keyring.unlock(PASSPHRASE);
if (to === 'plain' || to === 'keychain' || to === 'passphrase') await keyring.keep(to, PASSPHRASE);
process.stdout.write(`${keyring.fingerprint} ${keyring.protection}\n`);
