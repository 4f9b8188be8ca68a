/**
 * A process that checks models one after another, as an engine does for days: it must outlive all of them. Paths come in on stdin,
 * verdicts go out on stdout, a line each.
 */
import { createInterface } from 'node:readline';
import { asEdgewrightError } from '#contract';
import { Checker } from '../../../../app/engine/check.ts';

const checker = new Checker();
for await (const path of createInterface({ input: process.stdin })) {
  const document = await checker.check({ path, run: true }).catch((error: unknown) => ({ ok: false as const, error: asEdgewrightError(error).toBody() }));
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
