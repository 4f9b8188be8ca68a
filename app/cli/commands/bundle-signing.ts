/** What a bundle's signatures are worth, and how one that lacks them gets one. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { EdgewrightError, type ErrorBody, exitCodeOf, formatBytes, type Signature, type VerifyResult } from '#contract';
import { checkReplaceable, userPath, writeFileAtomic } from '#core/platform';
import { action, type Context, setExitCode } from '../command.ts';

export function addBundleSigning(bundle: Command): void {
  bundle
    .command('verify')
    .argument('<ref>', 'name@version or a digest')
    .description('Read every blob of a bundle again and check digests and signatures')
    .action(action(verify));

  bundle
    .command('sign')
    .argument('<ref>', 'name@version or a digest')
    .requiredOption('--reason <text>', 'why it may be used although nobody trusted signed it; goes on record')
    .description('Check a bundle that nobody trusted signed, and sign it as this workspace')
    .action(action(sign));

  bundle
    .command('extract')
    .argument('<ref>', 'name@version, name@version#variant or a digest')
    .argument('<dir>', 'a folder that is empty or not there yet')
    .description('Write exactly the signed files into a folder, with model.sig and signer.pub, for any model signature verifier')
    .action(action(extract));

  bundle
    .command('bom')
    .argument('<ref>', 'name@version, name@version#variant or a digest')
    .option('--out <file>', 'write it there instead of printing it')
    .description('The bill of materials of a variant, as CycloneDX')
    .action(action(bom));
}

async function verify({ client, output }: Context, ref: string): Promise<void> {
  const result = await client.bundles.verify({ ref });
  const failure = failureOf(result);
  // A script wants to know what is bad in any case; a person is helped more by the reason and its hint.
  if (failure && !output.json) throw new EdgewrightError(failure);
  if (failure) setExitCode(exitCodeOf(failure.owner));
  output.result(
    { ...result },
    [
      `${result.name}@${result.version} is whole: ${result.blobs} blobs, ${formatBytes(result.bytes)}.`,
      ...describeSignatures(result.signatures),
      ...describeBoms(result),
    ],
    failure,
  );
}

function failureOf(result: VerifyResult): ErrorBody | undefined {
  if (result.ok) return undefined;
  const what = result.bad.map((b) => `${b.affects}: ${b.problem}`).join('; ') || 'its signature does not fit';
  return {
    code: result.signed || result.bad.some((b) => !b.affects.endsWith(' signature')) ? 'trust.bundle-altered' : 'trust.bundle-untrusted',
    message: `${result.name}@${result.version} cannot be used: ${what}`,
    hint: 'It is quarantined. Trust its signer (edgewright trust add), sign it yourself (edgewright bundle sign), or get it again; or remove it.',
    owner: 'trust',
  };
}

/** One line for each signature. */
export function describeSignatures(signatures: readonly Signature[]): string[] {
  return signatures.map(({ variant, trusted, name, kind, signer, acceptedFrom, problem }) => {
    if (!trusted) return `  ${variant}: a signature that does not count: ${problem ?? 'its signer is unknown'}`;
    const why = acceptedFrom ? `, because of ${acceptedFrom.map((id) => id.slice(0, 16)).join(', ')}` : '';
    return `  ${variant}: signed by ${name ?? 'a trusted signer'} (${kind ?? 'signer'}, ${signer?.slice(0, 16) ?? ''})${why}`;
  });
}

/** One line for each bill of materials that counts, and for each that somebody could miss. */
export function describeBoms({ referrers, warnings }: Pick<VerifyResult, 'referrers' | 'warnings'>): string[] {
  const bills = referrers.filter(({ kind }) => kind === 'bom');
  return [
    ...bills.map(({ variant, valid, name, signer, problem }) =>
      valid
        ? `  ${variant}: bill of materials signed by ${name ?? 'a trusted signer'} (${signer?.slice(0, 16) ?? ''})`
        : `  ${variant}: a bill of materials that does not count: ${problem ?? 'its signer is unknown'}`,
    ),
    ...warnings.map(({ message, hint }) => `Warning: ${message}${hint === undefined ? '' : ` ${hint}`}`),
  ];
}

async function sign({ client, output, signal }: Context, ref: string, options: { reason: string }): Promise<void> {
  const signed = await client.bundles.sign({ ref, reason: options.reason }, { signal });
  output.result({ ...signed }, [`${signed.name}@${signed.version} passed its checks and is signed by this workspace, on record.`]);
}

async function extract({ client, output, signal }: Context, ref: string, dir: string): Promise<void> {
  const done = await client.bundles.extract({ ref, dir: userPath(dir) }, { signal });
  output.result({ ...done }, [
    `Wrote ${done.files} signed files of ${done.name}@${done.version}#${done.variant}, ${formatBytes(done.bytes)}, to ${done.dir}.`,
    `Check them with: edgewright verify-signature ${done.dir} --key ${join(done.dir, 'signer.pub')}`,
    `Fingerprint of the key: ${done.signer}`,
  ]);
}

async function bom({ client, output }: Context, ref: string, options: { out?: string }): Promise<void> {
  const { text, ...about } = await client.bundles.bom({ ref });
  if (options.out === undefined) return output.result({ ...about, bom: JSON.parse(text) as unknown }, [text.trimEnd()]);
  const path = userPath(options.out);
  await checkReplaceable(path);
  await writeFileAtomic(path, text, { mode: 0o644 });
  output.result({ ...about, output: path }, [`Wrote the bill of materials of ${about.name}@${about.version}#${about.variant} to ${path}.`]);
}
