import type { App, Session, Shell, WebContents } from 'electron';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { hardenApp, hardenContents, hardenSession } from '../../../app/electron/harden.ts';

const own = 'http://127.0.0.1:4321';
let origin: string | undefined = own;
const originNow = () => origin;
beforeEach(() => {
  origin = own;
});

/** Electron's objects keep what they are given; these do only that. */
function recorder() {
  const kept = new Map<string, (...args: never[]) => unknown>();
  const keep = (name: string) => (handler: (...args: never[]) => unknown) => void kept.set(name, handler);
  return { kept, keep, on: (event: string, handler: (...args: never[]) => unknown) => void kept.set(event, handler) };
}
const call = (handler: unknown, ...args: unknown[]): unknown => (handler as (...args: unknown[]) => unknown)(...args);

function session() {
  const { kept, keep, on } = recorder();
  const spellChecker = vi.fn();
  const fake = {
    on,
    setPermissionRequestHandler: keep('request'),
    setPermissionCheckHandler: keep('check'),
    setDevicePermissionHandler: keep('device'),
    setDisplayMediaRequestHandler: keep('display'),
    setSpellCheckerEnabled: spellChecker,
    webRequest: { onBeforeRequest: keep('before') },
  };
  hardenSession(fake as unknown as Session, originNow);
  return { kept, spellChecker };
}

describe('a session', () => {
  const ask = (permission: string, requestingUrl: string) => {
    const answer = vi.fn();
    call(session().kept.get('request'), {}, permission, answer, { requestingUrl });
    return answer.mock.calls[0]?.[0] as boolean;
  };
  const load = (url: string) => {
    const answer = vi.fn();
    call(session().kept.get('before'), { url }, answer);
    return !(answer.mock.calls[0]?.[0] as { cancel: boolean }).cancel;
  };

  test('grants media to our page and nothing else to anyone', () => {
    expect(ask('media', `${own}/`)).toBe(true);
    expect(ask('media', 'https://evil.test/')).toBe(false);
    expect(ask('geolocation', `${own}/`)).toBe(false);
    const check = session().kept.get('check');
    expect(call(check, null, 'media', own)).toBe(true);
    expect(call(check, null, 'notifications', own)).toBe(false);
  });

  test('grants nothing before the engine is known', () => {
    origin = undefined;
    expect(ask('media', `${own}/`)).toBe(false);
    expect(load(`${own}/`)).toBe(false);
  });

  test('gives no device and no screen, and checks no spelling', () => {
    const { kept, spellChecker } = session();
    expect(call(kept.get('device'), { deviceType: 'usb' })).toBe(false);
    const answer = vi.fn();
    call(kept.get('display'), {}, answer);
    expect(answer).toHaveBeenCalledWith({});
    expect(spellChecker).toHaveBeenCalledWith(false);
  });

  test('loads from the engine only', () => {
    expect(load(`${own}/app.js`)).toBe(true);
    expect(load('https://evil.test/app.js')).toBe(false);
    expect(load('file:///etc/passwd')).toBe(false);
  });

  test('downloads only what our page made', () => {
    const download = (url: string) => {
      const preventDefault = vi.fn();
      call(session().kept.get('will-download'), { preventDefault }, { getURL: () => url });
      return preventDefault.mock.calls.length === 0;
    };
    expect(download(`blob:${own}/1`)).toBe(true);
    expect(download('https://evil.test/x.exe')).toBe(false);
  });
});

describe('a page', () => {
  function page() {
    const { kept, keep, on } = recorder();
    const openExternal = vi.fn(() => Promise.resolve());
    hardenContents({ on, setWindowOpenHandler: keep('open') } as unknown as WebContents, originNow, { openExternal });
    return { kept, openExternal };
  }

  test.each(['will-navigate', 'will-redirect', 'will-frame-navigate'])('%s stays on the engine', (event) => {
    const goes = (url: string) => {
      const preventDefault = vi.fn();
      call(page().kept.get(event), { url, preventDefault });
      return preventDefault.mock.calls.length === 0;
    };
    expect(goes(`${own}/#/models`)).toBe(true);
    expect(goes('https://evil.test/')).toBe(false);
    expect(goes('http://127.0.0.1:9/')).toBe(false);
  });

  test('holds no <webview>', () => {
    const preventDefault = vi.fn();
    call(page().kept.get('will-attach-webview'), { preventDefault });
    expect(preventDefault).toHaveBeenCalledOnce();
  });

  test('opens no window; a link that is allowed goes to the system browser', () => {
    const { kept, openExternal } = page();
    for (const url of ['https://evil.test/', `${own}/`, 'file:///bin/sh']) expect(call(kept.get('open'), { url })).toEqual({ action: 'deny' });
    expect(openExternal).not.toHaveBeenCalled();
    expect(call(kept.get('open'), { url: 'https://onnxruntime.ai/docs' })).toEqual({ action: 'deny' });
    expect(openExternal).toHaveBeenCalledExactlyOnceWith('https://onnxruntime.ai/docs');
  });
});

test('every page that comes to be is hardened, and a bad certificate is never accepted', () => {
  const { kept, on } = recorder();
  const shell = { openExternal: vi.fn() } as unknown as Shell;
  hardenApp({ on } as unknown as App, originNow, shell);
  const contents = recorder();
  call(kept.get('web-contents-created'), {}, { on: contents.on, setWindowOpenHandler: contents.keep('open') });
  expect([...contents.kept.keys()].sort()).toEqual(['open', 'will-attach-webview', 'will-frame-navigate', 'will-navigate', 'will-redirect']);
  const answer = vi.fn();
  call(kept.get('certificate-error'), { preventDefault: vi.fn() }, {}, '', '', {}, answer);
  expect(answer).toHaveBeenCalledWith(false);
});
