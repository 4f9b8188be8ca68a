/**
 * The token of this launch arrives in the link's fragment (`#TOKEN`), which no server ever sees. It is kept for this
 * tab only and taken out of the address, so that it is not in the history or in a screenshot.
 */
const STORAGE_KEY = 'edgewright.token';

/** 32 random bytes as base64url without padding. */
const TOKEN = /^#([A-Za-z0-9_-]{43})$/;

/** Reads the token from the address or, after a reload, from this tab's storage. Undefined: the page was opened without the link. */
export function takeToken(): string | undefined {
  const found = TOKEN.exec(window.location.hash)?.[1];
  if (found !== undefined) {
    sessionStorage.setItem(STORAGE_KEY, found);
    history.replaceState(null, '', `${window.location.pathname}#/`);
    return found;
  }
  return sessionStorage.getItem(STORAGE_KEY) ?? undefined;
}

/** A newer link pasted into the same tab only changes the fragment: take its token and start afresh. */
export function watchForNewToken(): void {
  window.addEventListener('hashchange', () => {
    if (!TOKEN.test(window.location.hash)) return;
    takeToken();
    window.location.reload();
  });
}
