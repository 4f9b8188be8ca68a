/**
 * What is left without the addon: a runner in a network namespace of its own, where there is no network. It costs nothing to enter,
 * needs no root where the system lets users make namespaces, and is tried out once.
 */
import { runCommand } from '#core/platform';
import { NETWORK_CUT_TRIAL_MS } from './limits.ts';

/** How such a runner is held, in words. */
export const NETWORK_CUT = 'without network (a Linux namespace of its own)';

const COMMAND = ['unshare', '--user', '--map-current-user', '--net', '--'] as const;

let works: Promise<boolean> | undefined;

/** What to put before a command; nothing where the system has no such thing. */
export async function networkCut(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  const [command, ...args] = COMMAND;
  works ??= runCommand({ command, args: [...args, 'true'], env: { PATH: process.env.PATH ?? '/usr/bin:/bin' }, timeoutMs: NETWORK_CUT_TRIAL_MS }).then(
    ({ code }) => code === 0,
  );
  return (await works) ? COMMAND : [];
}
