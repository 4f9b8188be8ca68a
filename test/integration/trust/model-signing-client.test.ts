/** The client for the model signing conformance suite, as that runs it. Against the reference implementation: test/parity/trust. */
import 'reflect-metadata';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { client, writeModel } from '../../parity/trust/oms.ts';
import { certify, CODE_SIGNING, person } from '../../unit/trust/signer.ts';

let dir: string;
const at = (name: string) => join(dir, name);
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ew-client-'));
  await writeModel(at('model'), { 'signme-1': 'one', 'sub/signme-2': 'two', 'ignore-me': '' });
  const [me, other] = [person(), person()];
  const root = await certify('Root', { authority: true });
  const leaf = await certify('Signer', { issuer: root });
  await writeFile(at('me.pem'), me.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(at('me.pub'), me.publicPem);
  await writeFile(at('other.pub'), other.publicPem);
  await writeFile(at('leaf.pem'), leaf.person.privateKey.export({ type: 'sec1', format: 'pem' }));
  await writeFile(at('leaf.crt'), leaf.pem);
  await writeFile(at('root.crt'), root.pem);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const KEY = () => ['--method', 'key', '--model-path', at('model'), '--ignore-paths', at('model/ignore-me')];
const CERTIFICATE = () => ['--method', 'certificate', '--model-path', at('model')];
const failing = (code: string) => ({ ok: false, error: expect.stringContaining(`"code":"${code}"`) as string });

describe.skipIf(process.platform === 'win32')('the conformance client', () => {
  test('signs and verifies with a key', async () => {
    expect(await client('sign-model', [...KEY(), '--output-bundle', at('key.sig'), '--private-key', at('me.pem')])).toEqual({ ok: true });
    const verify = (...args: string[]) => client('verify-model', [...KEY(), '--bundle', at('key.sig'), ...args]);
    expect(await verify('--public-key', at('me.pub'))).toEqual({ ok: true });
    expect(await verify('--public-key', at('other.pub'))).toEqual(failing('trust.signer-unknown'));
    await writeFile(at('model/more'), '');
    expect(await verify('--public-key', at('me.pub'))).toEqual(failing('trust.files-differ'));
    expect(await verify('--public-key', at('me.pub'), '--ignore-unsigned-files')).toEqual({ ok: true });
    await rm(at('model/more'));
    expect(await client('verify-model', [...CERTIFICATE(), '--bundle', at('key.sig'), '--cert-chain', at('root.crt')])).toEqual(
      failing('trust.signature-method'),
    );
  });

  test('signs and verifies with a certificate, of that key only', async () => {
    const sign = (key: string) =>
      client('sign-model', [...CERTIFICATE(), '--output-bundle', at('certificate.sig'), '--private-key', at(key), '--signing-cert', at('leaf.crt')]);
    expect(await sign('me.pem')).toEqual(failing('usage'));
    expect(await sign('leaf.pem')).toEqual({ ok: true });
    expect(await client('verify-model', [...CERTIFICATE(), '--bundle', at('certificate.sig'), '--cert-chain', at('root.crt')])).toEqual({ ok: true });
    expect(await client('verify-model', [...CERTIFICATE(), '--bundle', at('certificate.sig')])).toEqual(failing('usage'));
  });

  test('takes a certificate that vouches for itself where it is the one that is trusted, as of an authority or not', async () => {
    for (const authority of [false, true]) {
      const own = await certify('Own', { authority, usages: x509.KeyUsageFlags.digitalSignature, purposes: [CODE_SIGNING] });
      await writeFile(at('own.pem'), own.person.privateKey.export({ type: 'sec1', format: 'pem' }));
      await writeFile(at('own.crt'), own.pem);
      const sign = ['--output-bundle', at('own.sig'), '--private-key', at('own.pem'), '--signing-cert', at('own.crt')];
      expect(await client('sign-model', [...CERTIFICATE(), ...sign])).toEqual({ ok: true });
      expect(await client('verify-model', [...CERTIFICATE(), '--bundle', at('own.sig'), '--cert-chain', at('own.crt')])).toEqual({ ok: true });
      expect(await client('verify-model', [...CERTIFICATE(), '--bundle', at('own.sig'), '--cert-chain', at('root.crt')])).toEqual(
        failing('trust.certificate-untrusted'),
      );
    }
  });

  test('says what it cannot do', async () => {
    expect(await client('verify-model', ['--method', 'sigstore', '--model-path', at('model'), '--bundle', at('key.sig')])).toEqual(failing('usage'));
    expect(await client('sign-model', ['--method', 'key'])).toEqual(failing('usage'));
    expect(await client('sign-model', ['--what'])).toEqual(failing('usage'));
  });
});
