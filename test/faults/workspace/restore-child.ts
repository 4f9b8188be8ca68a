/** Restores the backup argv[3] at argv[2], moving aside what is there. */
import { asEdgewrightError } from '#contract';
import { restoreWorkspace } from '#engine';

const [, , home = '', file = ''] = process.argv;
try {
  await restoreWorkspace({ home, file, passphrase: 'four words for a backup', replace: true, actor: 'test' });
  process.exit(0);
} catch (error) {
  process.stderr.write(asEdgewrightError(error).code);
  process.exit(asEdgewrightError(error).code === 'machine.disk-full' ? 6 : 1);
}
