/** One JSON line per event. stdout belongs to results, so logs go to a file or stderr. */
import { destination, type Logger, pino } from 'pino';

export type Log = Logger;

/** Never let these leave in a log line, whatever object they sit in. */
const SECRET_PATHS = ['token', 'code', 'key', 'privateKey', 'pem', 'passphrase', '*.token', '*.code', '*.key', '*.privateKey', '*.pem', '*.passphrase'];

/** Whatever object, error or message a private key or an encrypted one sits in, however deep. */
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)/gs;

/**
 * @param options.file write there (created 0600, appended); otherwise to stderr.
 * @param options.level pino level; EDGEWRIGHT_LOG wins.
 */
export function createLog(name: string, options: { file?: string; level?: string } = {}): Log {
  const level = process.env.EDGEWRIGHT_LOG ?? options.level ?? 'warn';
  const out = options.file ? destination({ dest: options.file, append: true, mkdir: true, mode: 0o600, sync: true }) : destination({ fd: 2, sync: true });
  return pino({ name, level, redact: { paths: SECRET_PATHS, censor: '[hidden]' }, base: { pid: process.pid }, hooks: { streamWrite } }, out);
}

/** The last look at a line before it leaves. Its newline stays. */
function streamWrite(line: string): string {
  return line.includes('PRIVATE KEY') ? `${line.replace(PRIVATE_KEY, '[hidden]').trimEnd()}\n` : line;
}
