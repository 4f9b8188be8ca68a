import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOwnPage, mayOpenExternally, mayRequest, mayUse, originOf } from '../../../app/electron/policy.ts';

const origin = 'http://127.0.0.1:4321';

test('the origin is the link without path and token', () => expect(originOf(`${origin}/#secret`)).toBe(origin));

describe('own pages', () => {
  test.each([`${origin}/`, `${origin}/#/devices`, `${origin}/a/b?c=d`])('%s', (url) => expect(isOwnPage(url, origin)).toBe(true));
  test.each([
    'http://127.0.0.1:4322/',
    'https://127.0.0.1:4321/',
    'http://localhost:4321/',
    'http://127.0.0.1:4321.evil.test/',
    'http://127.0.0.1:4321@evil.test/',
    'http://user@127.0.0.1:4321/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'data:text/html,x',
    `blob:${origin}/x`,
    'about:blank',
    '',
  ])('not %s', (url) => expect(isOwnPage(url, origin)).toBe(false));
});

describe('requests', () => {
  test.each([`${origin}/app.js`, 'ws://127.0.0.1:4321/', `blob:${origin}/1-2`, 'data:image/png;base64,AA=='])('%s', (url) =>
    expect(mayRequest(url, origin)).toBe(true),
  );
  test.each([
    'ws://127.0.0.1:9/',
    'wss://evil.test/',
    'https://evil.test/x.js',
    'blob:http://evil.test/1',
    'file:///x',
    'chrome-extension://x/',
    'ftp://127.0.0.1:4321/',
  ])('not %s', (url) => expect(mayRequest(url, origin)).toBe(false));
  test('no other host, port or scheme is ever reached', () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ['http', 'https', 'ws', 'wss', 'ftp'] }), (url) => {
        expect(mayRequest(url, origin)).toBe(false);
      }),
    );
  });
});

describe('permissions', () => {
  test.each(['media', 'clipboard-sanitized-write'])('%s, for our own page', (permission) => {
    expect(mayUse(permission, `${origin}/`, origin)).toBe(true);
    expect(mayUse(permission, 'http://evil.test/', origin)).toBe(false);
    expect(mayUse(permission, '', origin)).toBe(false);
  });
  test.each([
    'geolocation',
    'notifications',
    'midi',
    'clipboard-read',
    'fullscreen',
    'openExternal',
    'hid',
    'serial',
    'usb',
    'fileSystem',
    'display-capture',
    'anything-new',
  ])('never %s', (permission) => expect(mayUse(permission, `${origin}/`, origin)).toBe(false));
});

describe('links to the system browser', () => {
  test.each(['https://onnxruntime.ai/docs', 'https://developer.nvidia.com/cuda'])('%s', (url) => expect(mayOpenExternally(url)).toBe(true));
  test.each([
    'http://onnxruntime.ai/',
    'https://onnxruntime.ai.evil.test/',
    'https://evil.test/',
    'https://user@onnxruntime.ai/',
    'https://onnxruntime.ai:8443/',
    'file:///bin/sh',
    'smb://x/y',
    `${origin}/`,
  ])('not %s', (url) => expect(mayOpenExternally(url)).toBe(false));
});
