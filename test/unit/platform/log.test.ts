import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLog } from '#core/platform';

test('a private key never reaches the log, wherever in an object, an error or a message it sits', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ew-log-'));
  try {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const body = privateKey.split('\n')[1] ?? '';
    const log = createLog('test', { file: join(dir, 'log'), level: 'info' });
    log.info({ a: { b: { c: [privateKey] } } }, 'deep');
    log.error({ err: new Error(`cannot parse ${privateKey}`) }, 'in an error');
    log.info(`in words: ${privateKey}`);
    log.info({ b: JSON.stringify({ pem: privateKey }) }, 'twice escaped');
    log.info({ half: privateKey.slice(0, -40) }, 'cut off');
    log.info({ fine: 'nothing secret' }, 'the last line');
    const lines = (await readFile(join(dir, 'log'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(6);
    expect(lines.join('\n')).not.toContain(body.slice(0, 20));
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'deep', a: { b: { c: ['[hidden]\\n'.replace('\\n', '\n')] } } });
    expect(JSON.parse(lines[5] ?? '')).toMatchObject({ msg: 'the last line', fine: 'nothing secret' });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
