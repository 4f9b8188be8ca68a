/** Who is trusted, and what anybody's signature over a folder is worth. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { formatBytes, type Judged, type TrustedSigner, type TrustEffect } from '#contract';
import { checkReplaceable, userPath, writeFileAtomic } from '#core/platform';
import { action, type Context } from '../command.ts';
import { table } from '../output.ts';

export function addTrust(program: Command): void {
  const trust = program.command('trust').description('Whose signatures count in this workspace');

  trust.command('list').description('This workspace and everybody else whose signatures count').action(action(list));

  trust
    .command('add')
    .argument('<file>', 'a public key or a certificate in PEM; an authority may bring its intermediates')
    .option('--name <name>', 'what to call the signer; else the name in the certificate or of the file')
    .option('--administrator', 'who runs a workspace of this site too; devices are handed over by edgewright workspace grant')
    .option('--note <text>', 'why, for whoever reads the list')
    .description('Trust a signer: what only he signed is read and released')
    .action(action(add));

  trust
    .command('remove')
    .argument('<signer>', 'name, fingerprint, or the beginning of one')
    .description('Trust a signer no longer: what only he signed is quarantined at once')
    .action(action(remove));

  trust
    .command('export-public')
    .argument('<file>', 'where to write it')
    .description("Write this workspace's public key, for others to trust")
    .action(action(exportPublic));

  program
    .command('verify-signature')
    .argument('<path>', 'the folder or the file that was signed')
    .option('--signature <file>', 'the signature; else model.sig in the folder')
    .option('--key <file>', 'the public key, or the certificate, that must have signed')
    .option('--ca <file>', 'an authority that must have issued the certificate that signed; may be given again', many, [])
    .option('--certificate-chain <file>', 'certificates that may stand between the two; may be given again', many, [])
    .option('--ignore <path>', 'a path in the folder that need not be signed; may be given again', many, [])
    .option('--ignore-unsigned', 'other files may lie beside the signed ones')
    .description('Judge an OpenSSF Model Signing signature over a folder: by a key, an authority, or who is trusted here')
    .action(action(verifySignature));
}

function many(value: string, before: string[]): string[] {
  return [...before, value];
}

async function list({ client, output }: Context): Promise<void> {
  const signers = await client.trust.list();
  const rows = signers.map((s) => [
    s.name,
    s.kind,
    describeMaterial(s),
    s.id.slice(0, 16),
    s.addedAt === undefined ? '' : new Date(s.addedAt).toISOString().slice(0, 10),
    s.note ?? '',
  ]);
  output.result({ signers }, table(['Name', 'Kind', 'What is trusted', 'Fingerprint', 'Added', 'Note'], rows));
}

function describeMaterial(signer: TrustedSigner): string {
  const until = signer.validUntil === undefined ? '' : ` until ${new Date(signer.validUntil).toISOString().slice(0, 10)}`;
  const what = signer.material === 'authority' ? 'everyone certified by' : signer.material;
  return `${what}${signer.material === 'authority' ? ` ${signer.subject ?? 'it'}` : ''}, ${signer.algorithm}${until}`;
}

async function add({ client, output, signal }: Context, file: string, options: { name?: string; administrator?: boolean; note?: string }): Promise<void> {
  const effect = await client.trust.add(
    {
      path: userPath(file),
      administrator: options.administrator ?? false,
      ...(options.name !== undefined && { name: options.name }),
      ...(options.note !== undefined && { note: options.note }),
    },
    { signal },
  );
  const { signer } = effect;
  output.result({ ...effect }, [
    `${signer.name} is trusted now (${signer.kind}): ${describeMaterial(signer)}.`,
    `Fingerprint: ${signer.id}`,
    'Compare it with the one the signer reads out to you.',
    ...describeEffect(effect),
  ]);
}

async function remove({ client, output }: Context, who: string): Promise<void> {
  const effect = await client.trust.remove({ who });
  output.result({ ...effect }, [`${effect.signer.name} is trusted no longer.`, ...describeEffect(effect)]);
}

function describeEffect({ released, quarantined, devices }: TrustEffect): string[] {
  const bundles = (refs: readonly string[]) => `${refs.length} ${refs.length === 1 ? 'bundle' : 'bundles'}`;
  const lines: string[] = [];
  if (released.length > 0) lines.push(`${bundles(released)} can be used now: ${released.join(', ')}.`);
  if (quarantined.length > 0) lines.push(`${bundles(quarantined)} quarantined: ${quarantined.join(', ')}.`);
  if (devices.length > 0) lines.push(`These devices go on running them until something else is deployed: ${devices.join(', ')}.`);
  return lines;
}

async function exportPublic({ client, output }: Context, file: string): Promise<void> {
  const { pem, id } = await client.trust.publicKey();
  const path = userPath(file);
  await checkReplaceable(path);
  await writeFileAtomic(path, pem, { mode: 0o644 });
  output.result({ output: path, fingerprint: id }, [`Wrote the public key of this workspace to ${path}.`, `Fingerprint: ${id}`]);
}

interface VerifyOptions {
  signature?: string;
  key?: string;
  ca: string[];
  certificateChain: string[];
  ignore: string[];
  ignoreUnsigned?: boolean;
}

async function verifySignature({ client, output, signal }: Context, path: string, options: VerifyOptions): Promise<void> {
  const target = userPath(path);
  const judged = await client.trust.judge(
    {
      target,
      signature: options.signature === undefined ? join(target, 'model.sig') : userPath(options.signature),
      ...(options.key !== undefined && { key: userPath(options.key) }),
      authorities: options.ca.map((file) => userPath(file)),
      intermediates: options.certificateChain.map((file) => userPath(file)),
      ignore: options.ignore,
      ignoreUnsigned: options.ignoreUnsigned ?? false,
    },
    { signal },
  );
  output.result({ ...judged }, describeJudged(judged));
}

function describeJudged({ signer, files, bytes, method, serialization, warnings }: Judged): string[] {
  const shards = serialization.shardSize === undefined ? '' : ` in shards of ${formatBytes(serialization.shardSize)}`;
  return [
    `The signature holds: ${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}, ${serialization.hash}${shards}.`,
    `Signed by ${signer.name}, with a ${method}.`,
    `Fingerprint: ${signer.id}`,
    ...warnings.map((warning) => `Warning: ${warning.message}`),
  ];
}
