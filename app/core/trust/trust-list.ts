/**
 * Who is trusted in this workspace besides its own key: one small file beside the keys, replaced whole, changed under a lock.
 * Every question looks whether the file is still the one that was read, so that what another process changed counts at once.
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FingerprintSchema, type TrustedSigner } from '#contract';
import { acquireLock, ensureDir, writeFileAtomic } from '#core/platform';
import { type Authority, anchorsOf, ownKey, type TrustAnchors, type TrustedKey } from './anchors.ts';
import { readCertificate } from './certificate-path.ts';
import { distrust, misused, unfit } from './errors.ts';
import type { Keyring } from './keyring.ts';
import { fingerprintOf, meansKey } from './keys.ts';
import { KEYRING_WAIT_MS, MAX_CHAIN_CERTIFICATES, MAX_PEM_BYTES, MAX_SIGNER_NAME, MAX_TRUST_LIST_BYTES, MAX_TRUSTED_SIGNERS } from './limits.ts';
import { algorithmOf, type SignerMaterial } from './signer-text.ts';

const FILE = 'trusted.json';

const Pem = z.string().min(1).max(MAX_PEM_BYTES);
const EntrySchema = z.object({
  id: FingerprintSchema,
  name: z.string().min(1).max(MAX_SIGNER_NAME),
  kind: z.enum(['signer', 'administrator']),
  material: z.enum(['key', 'certificate', 'authority']),
  /** The public key, or the certificate. */
  pem: Pem,
  intermediates: z.array(Pem).max(MAX_CHAIN_CERTIFICATES).default([]),
  addedAt: z.number().int(),
  addedBy: z.string().max(200),
  note: z.string().max(500).optional(),
});
type Entry = z.infer<typeof EntrySchema>;
const FileSchema = z.object({ format: z.literal(1), signers: z.array(EntrySchema).max(MAX_TRUSTED_SIGNERS) });

export interface TrustList {
  /** Whose signatures count now. Cheap: the file is read again only when it changed. */
  anchors(): TrustAnchors;
  /** This workspace first, then the others in the order they were added. */
  list(): TrustedSigner[];
  /** @param who a name, a fingerprint, or its beginning. @throws trust.unknown-signer, trust.own-key */
  find(who: string): TrustedSigner;
  /** @throws trust.signer-name, trust.signer-known, trust.too-many-signers */
  add(signer: SignerMaterial, about: { name: string; administrator: boolean; addedBy: string; note?: string | undefined; now: number }): Promise<TrustedSigner>;
  /** Takes the one out that `find` finds. */
  remove(who: string): Promise<TrustedSigner>;
}

interface Read {
  stamp: string;
  entries: readonly Entry[];
  anchors: TrustAnchors;
}

/**
 * Opens the list in the folder of the keys; no file means that nobody else is trusted.
 * @throws trust.list-exposed, trust.list-damaged
 */
export function openTrustList(dir: string, keyring: Pick<Keyring, 'publicKeyPem'>): TrustList {
  const path = join(dir, FILE);
  const own = ownKey(keyring.publicKeyPem);
  let known: Read | undefined;

  function current(): Read {
    const info = statSync(path, { bigint: true, throwIfNoEntry: false });
    const stamp = info ? `${info.ino} ${info.size} ${info.mtimeNs} ${info.ctimeNs}` : 'none';
    if (known?.stamp !== stamp) {
      const entries = info ? readEntries(path, info) : [];
      known = { stamp, entries, anchors: anchorsWith(own, entries, path) };
    }
    return known;
  }

  async function change<T>(work: (entries: readonly Entry[]) => { entries: readonly Entry[]; result: T }): Promise<T> {
    await ensureDir(dir);
    const lock = await acquireLock(join(dir, 'trusted.lock'), { what: 'changing who is trusted', waitMs: KEYRING_WAIT_MS });
    try {
      known = undefined;
      const { entries, result } = work(current().entries);
      await writeFileAtomic(path, `${JSON.stringify({ format: 1, signers: entries }, null, 2)}\n`, { mode: 0o600 });
      return result;
    } finally {
      await lock.release();
    }
  }

  const self: TrustedSigner = { id: own.id, name: own.name, kind: 'self', material: 'key', algorithm: algorithmOf(own.key) };
  current();
  return {
    anchors: () => current().anchors,
    list: () => [self, ...current().entries.map(describe)],
    find: (who) => describe(find(who, self, current().entries)),
    add: (signer, about) =>
      change((entries) => {
        const entry = newEntry(signer, about, [self, ...entries]);
        if (entries.length >= MAX_TRUSTED_SIGNERS)
          throw unfit('too-many-signers', 'The trust list is full.', { expected: `at most ${MAX_TRUSTED_SIGNERS} signers` });
        return { entries: [...entries, entry], result: describe(entry) };
      }),
    remove: (who) =>
      change((entries) => {
        const entry = find(who, self, entries);
        return { entries: entries.filter((one) => one !== entry), result: describe(entry) };
      }),
  };
}

function readEntries(path: string, info: BigIntStats): Entry[] {
  const damaged = (why: string, cause?: unknown) =>
    distrust('list-damaged', `The list of trusted signers, ${path}, cannot be used: ${why}.`, {
      hint: 'Put it back from a backup of the workspace, or remove it: then only what this workspace signed itself can be used.',
      cause,
    });
  if (!info.isFile()) throw damaged('it is not a file');
  // Windows keeps the user's profile private by its own access lists; mode bits mean nothing there.
  if (process.platform !== 'win32' && (info.mode & 0o022n) !== 0n) {
    throw distrust('list-exposed', `Other users can change who is trusted here, in ${path}.`, {
      expected: 'mode 600',
      found: `mode ${(info.mode & 0o777n).toString(8)}`,
      hint: `Look at who is in it, then run: chmod 600 ${path}`,
    });
  }
  if (info.size > MAX_TRUST_LIST_BYTES) throw damaged('it is too large');
  try {
    return FileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).signers;
  } catch (cause) {
    throw damaged('it is not what Edgewright wrote', cause);
  }
}

/** An entry whose key is not the one it names was not written by us: the whole list is refused. */
function anchorsWith(own: TrustedKey, entries: readonly Entry[], path: string): TrustAnchors {
  const keys: TrustedKey[] = [own];
  const authorities: Authority[] = [];
  try {
    for (const { id, name, kind, material, pem, intermediates } of entries) {
      const certificate = material === 'key' ? undefined : new X509Certificate(pem);
      const key = certificate?.publicKey ?? createPublicKey(pem);
      if (fingerprintOf(key) !== id) throw new Error(`the key of ${id} is another`);
      if (material === 'authority' && certificate) {
        authorities.push({ id, name, kind, certificate, intermediates: intermediates.map((one) => new X509Certificate(one)) });
      } else {
        keys.push({ id, name, kind, anchor: id, key, ...(certificate && { certificate }) });
      }
    }
  } catch (cause) {
    throw distrust('list-damaged', `The list of trusted signers, ${path}, holds a key that cannot be used.`, {
      hint: 'Put it back from a backup of the workspace, or remove it and add the signers again.',
      cause,
    });
  }
  return anchorsOf(keys, authorities);
}

function describe(entry: Entry): TrustedSigner {
  const { id, name, kind, material, pem, addedAt, addedBy, note } = entry;
  const certificate = material === 'key' ? undefined : readCertificate(pem);
  return {
    id,
    name,
    kind,
    material,
    algorithm: algorithmOf(certificate?.certificate.publicKey ?? createPublicKey(pem)),
    ...(certificate && { subject: certificate.subject, validUntil: certificate.certificate.validToDate.getTime() }),
    addedAt,
    addedBy,
    ...(note !== undefined && { note }),
  };
}

function newEntry(
  signer: SignerMaterial,
  about: { name: string; administrator: boolean; addedBy: string; note?: string | undefined; now: number },
  there: readonly { id: string; name: string; kind: string }[],
): Entry {
  const name = about.name.trim().normalize('NFC');
  if (name === '' || [...name].length > MAX_SIGNER_NAME || /[\p{C}\p{Zl}\p{Zp}]/u.test(name)) {
    throw misused('signer-name', 'This cannot be the name of a signer.', {
      expected: `1 to ${MAX_SIGNER_NAME} visible characters`,
      hint: 'Give one with --name.',
    });
  }
  const same = there.find((one) => one.id === signer.id);
  if (same) {
    throw unfit('signer-known', same.kind === 'self' ? 'This is the key of this workspace itself.' : `This key is trusted already, as ${same.name}.`, {
      found: signer.id,
    });
  }
  // People tell signers apart by name: two of one name would let either stand for the other.
  if (there.some((one) => one.name.toLowerCase() === name.toLowerCase())) {
    throw misused('signer-name', `There is a signer named ${name} already.`, { hint: 'Give this one another name with --name.' });
  }
  return {
    id: signer.id,
    name,
    kind: about.administrator ? 'administrator' : 'signer',
    material: signer.material,
    pem: signer.pem,
    intermediates: signer.intermediates,
    addedAt: about.now,
    addedBy: about.addedBy.slice(0, 200),
    ...(about.note !== undefined && { note: about.note.slice(0, 500) }),
  };
}

function find(who: string, self: TrustedSigner, entries: readonly Entry[]): Entry {
  const wanted = who.toLowerCase();
  const meant = (one: { id: string; name: string }) => one.name.toLowerCase() === wanted || meansKey(wanted, one.id);
  const found = entries.filter(meant);
  if (found.length === 0 && meant(self)) {
    throw unfit('own-key', 'The key of this workspace itself cannot be taken out: what it signed could no longer be used here or on its devices.');
  }
  const [entry] = found;
  if (!entry) throw misused('unknown-signer', `Nobody trusted here is called ${who.slice(0, 80)}.`, { hint: 'edgewright trust list shows who is.' });
  if (found.length > 1)
    throw misused('unknown-signer', `${who.slice(0, 80)} could be ${found.map((one) => one.name).join(' or ')}.`, { hint: 'Give more of the fingerprint.' });
  return entry;
}
