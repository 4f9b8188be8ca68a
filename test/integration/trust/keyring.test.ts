import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

test('several processes that use a keyring for the first time at once get the same keys', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ew-keys-'));
  try {
    const script = `import { openKeyring } from '#core/trust'; const k = await openKeyring(process.argv[1]); console.log(k.workspaceId, k.fingerprint);`;
    const root = new URL('../../../', import.meta.url);
    const said = await Promise.all(
      Array.from({ length: 3 }, () => run(process.execPath, ['--input-type=module', '-e', script, join(dir, 'keys')], { cwd: root })),
    );
    expect(said[0]?.stdout).toMatch(/^[0-9a-f]{32} [0-9a-f]{64}\n$/);
    expect(new Set(said.map(({ stdout }) => stdout)).size).toBe(1);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
