/** Lays the policy over Electron's sessions and pages. Everything that is not allowed is refused. */
import type { App, Session, Shell, WebContents } from 'electron';
import { isOwnPage, mayOpenExternally, mayRequest, mayUse } from './policy.ts';

/** The engine's origin; undefined until it is ready, and then nothing may be loaded yet. */
export type OriginNow = () => string | undefined;

type HardenedSession = Pick<
  Session,
  'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler' | 'setDisplayMediaRequestHandler' | 'setSpellCheckerEnabled' | 'on'
> & { webRequest: Pick<Session['webRequest'], 'onBeforeRequest'> };

/** Permissions, devices, requests, downloads and the spell checker's dictionary. */
export function hardenSession(session: HardenedSession, originNow: OriginNow): void {
  const use = (permission: string, url: string) => {
    const origin = originNow();
    return origin !== undefined && mayUse(permission, url, origin);
  };
  session.setPermissionRequestHandler((_contents, permission, answer, details) => answer(use(permission, details.requestingUrl)));
  session.setPermissionCheckHandler((_contents, permission, requestingOrigin) => use(permission, requestingOrigin));
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, answer) => answer({}));
  session.setSpellCheckerEnabled(false);
  session.webRequest.onBeforeRequest((details, answer) => {
    const origin = originNow();
    answer({ cancel: origin === undefined || !(mayRequest(details.url, origin) || details.url.startsWith('devtools://')) });
  });
  session.on('will-download', (event, item) => {
    const origin = originNow();
    if (origin === undefined || !mayRequest(item.getURL(), origin)) event.preventDefault();
  });
}

type HardenedContents = Pick<WebContents, 'on' | 'setWindowOpenHandler'>;

/** Navigation, new windows and <webview>. */
export function hardenContents(contents: HardenedContents, originNow: OriginNow, shell: Pick<Shell, 'openExternal'>): void {
  const refuseForeign = (event: { preventDefault: () => void }, url: string) => {
    const origin = originNow();
    if (origin === undefined || !isOwnPage(url, origin)) event.preventDefault();
  };
  contents.on('will-navigate', (event) => refuseForeign(event, event.url));
  contents.on('will-redirect', (event) => refuseForeign(event, event.url));
  contents.on('will-frame-navigate', (event) => refuseForeign(event, event.url));
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    if (mayOpenExternally(url)) void shell.openExternal(url).catch(() => {});
    return { action: 'deny' };
  });
}

/** Every page that ever comes to be is hardened, not only the window we know of. */
export function hardenApp(app: Pick<App, 'on'>, originNow: OriginNow, shell: Pick<Shell, 'openExternal'>): void {
  app.on('web-contents-created', (_event, contents) => hardenContents(contents, originNow, shell));
  // A certificate error is never waved through; there is no TLS between window and engine to begin with.
  app.on('certificate-error', (event, _contents, _url, _error, _certificate, answer) => {
    event.preventDefault();
    answer(false);
  });
}
