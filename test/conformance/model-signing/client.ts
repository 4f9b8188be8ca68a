/**
 * This program as a client of the OpenSSF Model Signing conformance suite: its flags in, an exit code out. Verifying is what
 * `edgewright verify-signature` does; signing is what bundles are signed by, over any folder and with any key.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { basename, isAbsolute, relative, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { asEdgewrightError, EdgewrightError, exitCodeOf, MAX_SIGNER_TEXT } from '#contract';
import { readFileBounded, writeFileAtomic } from '#core/platform';
import { anchorsFrom, judgeFolder, MAX_FOLDER_SIGNATURE_BYTES, readSignerText, type SignerMaterial } from '#core/trust';
import { hashFolderFile, walkFolder } from '../../../app/core/trust/folder-files.ts';
import { signerOf, signSet } from '../../../app/core/trust/oms.ts';

const OPTIONS = {
  method: { type: 'string' },
  'model-path': { type: 'string' },
  'output-bundle': { type: 'string' },
  bundle: { type: 'string' },
  'private-key': { type: 'string' },
  'public-key': { type: 'string' },
  'signing-cert': { type: 'string' },
  'cert-chain': { type: 'string', multiple: true, default: [] as string[] },
  'ignore-paths': { type: 'string', multiple: true, default: [] as string[] },
  'ignore-unsigned-files': { type: 'boolean', default: false },
} as const;

type Flags = ReturnType<typeof read>['values'];
type Method = 'key' | 'certificate';

function read(args: string[]) {
  return parseArgs({ args, options: OPTIONS, allowPositionals: true });
}

function usage(message: string): EdgewrightError {
  return new EdgewrightError({ code: 'usage', message, owner: 'usage' });
}

function needed(flags: Flags, name: Exclude<keyof Flags, 'cert-chain' | 'ignore-paths' | 'ignore-unsigned-files'>): string {
  const value = flags[name];
  if (value === undefined) throw usage(`--${name} is missing.`);
  return value;
}

function methodOf(flags: Flags): Method {
  const method = needed(flags, 'method');
  if (method === 'key' || method === 'certificate') return method;
  throw usage(`The method "${method}" is not supported here: it needs Sigstore's services. Expected key or certificate.`);
}

/** Paths in the model as it names its files; what lies elsewhere says nothing of it. */
function ignoredIn(model: string, paths: readonly string[]): string[] {
  const inside = paths.map((path) => (isAbsolute(path) ? relative(model, path) : path).split(sep).join('/'));
  return inside.filter((path) => path !== '' && path !== '..' && !path.startsWith('../') && !isAbsolute(path));
}

async function pem(path: string): Promise<string> {
  return (await readFileBounded(path, MAX_SIGNER_TEXT)).toString('utf8');
}

async function certificatesIn(path: string): Promise<X509Certificate[]> {
  const blocks = (await pem(path)).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw usage(`${path} holds no certificate.`);
  return blocks.map((block) => new X509Certificate(block));
}

async function sign(flags: Flags): Promise<void> {
  const method = methodOf(flags);
  const model = needed(flags, 'model-path');
  const output = needed(flags, 'output-bundle');
  const key = createPrivateKey(await pem(needed(flags, 'private-key')));
  const chain: X509Certificate[] = [];
  if (method === 'certificate') {
    chain.push(...(await certificatesIn(needed(flags, 'signing-cert'))).slice(0, 1));
    if (!chain[0]?.checkPrivateKey(key)) throw usage('The certificate is not of this private key.');
    for (const path of flags['cert-chain']) chain.push(...(await certificatesIn(path)));
  }
  const ignorePaths = ignoredIn(model, [...flags['ignore-paths'], output]);
  const walked = await walkFolder(model, { allowSymlinks: false, ignore: ignorePaths, except: [], lenient: false });
  const files = [];
  for (const file of walked.files) {
    const [digest = ''] = await hashFolderFile(file, 'sha256', undefined, { followLinks: false });
    files.push({ name: file.path, digest: `sha256:${digest}` });
  }
  const signer = signerOf(
    key,
    chain.map((one) => one.raw),
  );
  await writeFileAtomic(output, signSet(signer, { subject: basename(model), files, ignorePaths }), { mode: 0o644 });
}

async function verify(flags: Flags): Promise<void> {
  const method = methodOf(flags);
  const target = needed(flags, 'model-path');
  const signaturePath = needed(flags, 'bundle');
  const given: { name: string; material: SignerMaterial }[] = [];
  const names = method === 'key' ? [needed(flags, 'public-key')] : flags['cert-chain'];
  if (names.length === 0) throw usage('--cert-chain is missing.');
  for (const path of names) given.push({ name: basename(path), material: readSignerText(await pem(path)) });
  await judgeFolder(target, await readFileBounded(signaturePath, MAX_FOLDER_SIGNATURE_BYTES), {
    anchors: anchorsFrom(given),
    method,
    signaturePath,
    ignore: ignoredIn(target, flags['ignore-paths']),
    ignoreUnsigned: flags['ignore-unsigned-files'],
    now: Date.now(),
  });
}

try {
  const { values, positionals } = read(process.argv.slice(2));
  const [command] = positionals;
  if (command === 'sign-model') await sign(values);
  else if (command === 'verify-model') await verify(values);
  else throw usage('Expected sign-model or verify-model.');
} catch (error) {
  const known = error instanceof TypeError ? usage(error.message) : asEdgewrightError(error);
  process.stderr.write(`${JSON.stringify(known.toBody())}\n`);
  process.exitCode = exitCodeOf(known.owner);
}
