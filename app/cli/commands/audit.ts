import type { Command } from 'commander';
import { type Activity, type AuditVerdict, EdgewrightError, exitCodeOf, formatBytes } from '#contract';
import { readFileBounded, userPath, workspaceHome } from '#core/platform';
import { askSecret } from '../ask-secret.ts';
import { action, type Context, setExitCode, wantsJson } from '../command.ts';
import { createOutput, shortDigest, table } from '../output.ts';

/** Lines shown when nobody says how many. */
const LINES = 50;
const MAX_LINES = 500;

export function addAudit(program: Command): void {
  const audit = program.command('audit').description('Who did what to which digest when, and whether that log is whole');

  audit
    .command('list')
    .option('--limit <n>', `how many lines, newest first, up to ${MAX_LINES}`, String(LINES))
    .option('--before <seq>', 'go on before this line')
    .option('--asked', 'what was asked for too, not just what was done or failed')
    .description('The newest lines')
    .action(action(list));

  audit
    .command('verify')
    .argument('[file]', 'an exported log; without it the log of this workspace')
    .option('--key <file>', "the public key that must have signed an exported log; without it this workspace's own")
    .option('--against <file>', 'an earlier export: the log must still hold what was signed then')
    .description('Check every line, its place in the chain, and the signed head')
    .action(async (file: string | undefined, options: VerifyOptions, command: Command) => {
      // Whoever checks a file with a key needs no workspace, and none is made.
      if (file !== undefined && options.key !== undefined) return verifyFile(file, await publicKeyIn(options.key), createOutput(wantsJson(command)));
      await action(verify)(file, options, command);
    });

  audit
    .command('export')
    .argument('<file>', 'JSON Lines: every entry with its hash, and the signed head')
    .description('Write the log to a file that can be checked anywhere')
    .action(
      action(async ({ client, output, signal }: Context, file: string) => {
        const { from, to, bytes, unsigned } = await client.audit.export({ path: userPath(file) }, { signal });
        output.result({ file: userPath(file), from, to, bytes, unsigned }, [
          `Wrote lines ${from} to ${to} and the signed head to ${file} (${formatBytes(bytes)}).`,
          ...(unsigned > 0 ? [`${unsigned} newer lines are not signed yet, because the private keys are locked, and were left out.`] : []),
        ]);
      }),
    );

  audit
    .command('restart')
    .requiredOption('--reason <text>', 'why; it becomes the first line of the new log')
    .description('Put a broken log aside, as it is, and begin a new one; nothing else can be done until then')
    .action(async (options: { reason: string }, command: Command) => {
      const { restartAudit } = await import('#engine');
      const done = await restartAudit(workspaceHome(), {
        reason: options.reason,
        actor: 'command line',
        askPassphrase: () => askSecret("Passphrase of this workspace's private keys"),
      });
      createOutput(wantsJson(command)).result({ ...done }, [`Put the broken log aside in ${done.aside} and began a new one.`]);
    });
}

interface VerifyOptions {
  key?: string;
  against?: string;
}

async function list({ client, output }: Context, options: { limit: string; before?: string; asked?: boolean }): Promise<void> {
  const lines = await client.activity.list({
    limit: whole(options.limit, '--limit'),
    ...(options.before !== undefined && { before: whole(options.before, '--before') }),
    asked: options.asked ?? false,
  });
  output.result(
    { lines },
    lines.length === 0 ? ['Nothing is recorded yet.'] : table(['Line', 'When', 'Who', 'Through', 'What', 'Digest'], lines.map(row), [0]),
  );
}

function row({ seq, at, user, actor, message, digest }: Activity): string[] {
  return [String(seq), new Date(at).toISOString(), user, actor, message, digest === undefined ? '' : shortDigest(digest)];
}

async function verify({ client, output, signal }: Context, file: string | undefined, options: VerifyOptions): Promise<void> {
  const { publicKey } = await client.workspace.keys();
  if (file !== undefined) return verifyFile(file, publicKey, output);
  const { verifyExport } = await import('#core/trust');
  const earlier = options.against === undefined ? undefined : await verifyExport(userPath(options.against), { publicKeyPem: publicKey });
  const verdict = await client.audit.verify(earlier ? { against: { seq: earlier.head.seq, hash: earlier.head.hash } } : {}, { signal });
  if (verdict.problem) {
    const { ok: _, ...found } = verdict;
    const error = {
      code: 'trust.audit-broken',
      message: `The audit log is not whole: ${verdict.problem.problem}.`,
      hint: `What stands before line ${verdict.problem.seq} is sound. Compare with an export or a backup, and keep the workspace as it is for whoever looks into it.`,
      owner: 'trust' as const,
    };
    if (!output.json) throw new EdgewrightError(error);
    setExitCode(exitCodeOf('trust'));
    return output.result(found, [], error);
  }
  output.result({ ...verdict }, describe(verdict));
}

function describe(verdict: AuditVerdict): string[] {
  const { lines, signed, unsigned, missingArchives, clockBack } = verdict;
  return [
    `The audit log is whole: ${lines} ${lines === 1 ? 'line' : 'lines'}${signed ? `, signed up to line ${signed.seq} at ${new Date(signed.at).toISOString()}` : ''}.`,
    ...(unsigned > 0 ? [`${unsigned} newer lines are not signed yet: they were written while the private keys were locked.`] : []),
    ...(missingArchives.length > 0 ? [`Archived lines that are not here, only their signed heads: ${missingArchives.join(', ')}.`] : []),
    ...(clockBack > 0 ? [`The clock of this computer went back ${clockBack} times between lines; their order is by number, not by time.`] : []),
  ];
}

async function verifyFile(file: string, publicKeyPem: string, output: Context['output']): Promise<void> {
  const { verifyExport } = await import('#core/trust');
  const { workspaceId, after, head, lines, clockBack } = await verifyExport(userPath(file), { publicKeyPem });
  output.result({ workspaceId, from: after.seq + 1, to: head.seq, lines, signedAt: head.at, clockBack }, [
    `${file} is whole: lines ${after.seq + 1} to ${head.seq} of workspace ${workspaceId}, signed at ${new Date(head.at).toISOString()}.`,
    ...(after.seq > 0 ? [`Lines 1 to ${after.seq} are not in it; its first line goes on from their hash.`] : []),
  ]);
}

async function publicKeyIn(file: string): Promise<string> {
  return (await readFileBounded(userPath(file))).toString('utf8');
}

function whole(text: string, name: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new EdgewrightError({ code: 'usage.number', message: `${name} needs a whole number.`, found: text.slice(0, 40), owner: 'usage' });
}
