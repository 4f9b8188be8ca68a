/**
 * Users and their passwords, from a file in htpasswd's form with bcrypt hashes (`htpasswd -B`). A right password is
 * remembered as a keyed hash, so that only the first request of a client costs a bcrypt; a changed file forgets them.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import bcrypt from 'bcryptjs';
import { EdgewrightError } from '#contract';
import { type Clock, readFileBounded, Turns } from '#core/platform';
import {
  HTPASSWD_LOOK_MS,
  MAX_BCRYPT_COST,
  MAX_HTPASSWD_BYTES,
  MAX_PASSWORD_BYTES,
  MAX_PASSWORD_CHECKS,
  MAX_PASSWORD_CHECKS_OF_ONE,
  MAX_REMEMBERED_LOGINS,
  MAX_USERS,
  MIN_BCRYPT_COST,
} from '../limits.ts';

const LINE = /^([^:\s]{1,255}):(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})$/;

/** Too many passwords are being checked to check another. */
export class PasswordsBusy extends Error {}

export interface Passwords {
  /**
   * @param asker whose guesses are counted together
   * @throws PasswordsBusy
   */
  matches(user: string, password: string, asker: string): Promise<boolean>;
}

/**
 * Reads the file once now, and again when it changes. A file that became unreadable lets nobody in.
 * @throws usage.htpasswd naming the line
 */
export async function openPasswords(path: string, clock: Clock): Promise<Passwords> {
  let users = await readUsers(path);
  let mark = await markOf(path);
  let lookedAt = clock.monotonic();
  const key = randomBytes(32);
  let remembered = new Set<string>();
  const turns = new Turns();
  /** Logins being checked: many requests of one client with the same password are one check. */
  const checking = new Map<string, { asker: string; right: Promise<boolean> }>();

  async function refresh(): Promise<void> {
    if (clock.monotonic() - lookedAt < HTPASSWD_LOOK_MS) return;
    lookedAt = clock.monotonic();
    const now = await markOf(path);
    if (now === mark) return;
    mark = now;
    remembered = new Set();
    users = await readUsers(path).catch(() => new Map<string, string>());
  }

  return {
    async matches(user, password, asker) {
      await refresh();
      // bcrypt would take a longer one for its first part.
      if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES || password.includes('\0')) return false;
      const login = createHmac('sha256', key)
        .update(JSON.stringify([user, password]))
        .digest('hex');
      if (remembered.has(login)) return true;
      const underWay = checking.get(login);
      if (underWay) return underWay.right;
      const others = [...checking.values()].filter((check) => check.asker === asker).length;
      if (checking.size >= MAX_PASSWORD_CHECKS || others >= MAX_PASSWORD_CHECKS_OF_ONE) throw new PasswordsBusy();
      const right = turns.take(() => check(user, password, login)).finally(() => checking.delete(login));
      checking.set(login, { asker, right });
      return right;
    },
  };

  async function check(user: string, password: string, login: string): Promise<boolean> {
    const into = remembered;
    const hash = users.get(user);
    // A user who is not there takes as long as one who is.
    const right = await bcrypt.compare(password, hash ?? aHashLike(users));
    if (!right || hash === undefined || users.get(user) !== hash) return false;
    if (into.size >= MAX_REMEMBERED_LOGINS) into.clear();
    into.add(login);
    return true;
  }
}

/** The hash of a random password nobody knows, of the same cost as the first user's. */
function aHashLike(users: ReadonlyMap<string, string>): string {
  const [first] = users.values();
  const cost = first?.slice(4, 6) ?? String(MIN_BCRYPT_COST).padStart(2, '0');
  return `$2b$${cost}$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy`;
}

async function readUsers(path: string): Promise<Map<string, string>> {
  const users = new Map<string, string>();
  const lines = (await readFileBounded(path, MAX_HTPASSWD_BYTES)).toString('utf8').split('\n');
  lines.forEach((raw, at) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const [, user, hash, cost] = LINE.exec(line) ?? [];
    if (user === undefined || hash === undefined) throw wrong(path, `line ${at + 1} is not "user:" and a bcrypt hash`);
    if (Number(cost) < MIN_BCRYPT_COST || Number(cost) > MAX_BCRYPT_COST) throw wrong(path, `line ${at + 1} has cost ${cost}`);
    if (users.size >= MAX_USERS) throw wrong(path, `more than ${MAX_USERS} users`);
    users.set(user, hash);
  });
  if (users.size === 0) throw wrong(path, 'no user');
  return users;
}

function wrong(path: string, found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'usage.htpasswd',
    message: `The password file ${path} cannot be used.`,
    expected: `lines of user:hash with bcrypt hashes of cost ${MIN_BCRYPT_COST} to ${MAX_BCRYPT_COST}, at most ${MAX_USERS}`,
    found,
    hint: 'Make it with: htpasswd -B -C 12 -c FILE USER',
    owner: 'usage',
  });
}

async function markOf(path: string): Promise<string> {
  return stat(path).then(
    (info) => `${info.ino} ${info.mtimeMs} ${info.size}`,
    () => 'gone',
  );
}

/** User and password of an `Authorization: Basic` header (RFC 7617); undefined when it is none. */
export function parseBasic(header: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]{1,1024})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
