/** Adds lines to the audit log in argv[2] until it is ended, and prints the number of each once it is durable. */
import { join } from 'node:path';
import { systemClock } from '#core/platform';
import { AuditLog, openKeyring } from '#core/trust';

const [, , dir = '', name = ''] = process.argv;
const keyring = await openKeyring(join(dir, 'keys'));
const log = new AuditLog({ path: join(dir, 'audit.db'), archive: join(dir, 'audit'), keyring, clock: systemClock });
for (let i = 0; ; i++) {
  process.stdout.write(`${log.append({ actor: name, kind: 'test', message: `${name} ${i}` })}\n`);
  // So that the others get their turn, and a signal its moment.
  await new Promise((resolve) => setTimeout(resolve, 1));
}
