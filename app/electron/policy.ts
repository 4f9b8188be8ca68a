/** What the window may do, as pure decisions. `origin` is the engine's: http://127.0.0.1:PORT. */

/** Sites that a link on a screen may open in the system browser. Exact hosts, https only. */
const EXTERNAL_HOSTS: ReadonlySet<string> = new Set([
  'onnxruntime.ai',
  'onnx.ai',
  'nodejs.org',
  'developer.nvidia.com',
  'docs.openvino.ai',
  'rocm.docs.amd.com',
]);

/** Beyond drawing and its own server, the screens use the camera and microphone (live input), and copy text. */
const GRANTED_PERMISSIONS: ReadonlySet<string> = new Set(['media', 'clipboard-sanitized-write']);

export function originOf(link: string): string {
  return new URL(link).origin;
}

/** Whether a page address is one of the engine's. */
export function isOwnPage(url: string, origin: string): boolean {
  const parsed = parse(url);
  return parsed !== undefined && parsed.protocol === 'http:' && parsed.origin === origin && parsed.username === '' && parsed.password === '';
}

/** Whether the window may load something from there at all: the engine over http and ws, and data that the page itself made. */
export function mayRequest(url: string, origin: string): boolean {
  if (isOwnPage(url, origin)) return true;
  const parsed = parse(url);
  if (!parsed) return false;
  switch (parsed.protocol) {
    case 'ws:':
      return `http://${parsed.host}` === origin;
    case 'blob:':
      return parsed.origin === origin;
    case 'data:':
      return true;
    default:
      return false;
  }
}

export function mayOpenExternally(url: string): boolean {
  const parsed = parse(url);
  return parsed !== undefined && parsed.protocol === 'https:' && EXTERNAL_HOSTS.has(parsed.host) && parsed.username === '' && parsed.password === '';
}

/** @param requestingUrl the page, or its origin, that asks */
export function mayUse(permission: string, requestingUrl: string, origin: string): boolean {
  return GRANTED_PERMISSIONS.has(permission) && isOwnPage(requestingUrl, origin);
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}
