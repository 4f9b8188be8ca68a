/** Administrators of this workspace's devices, and workspaces whose devices this one administers: each change on record. */
import { hostname } from 'node:os';
import {
  type Administrator,
  EdgewrightError,
  type GrantRequestSchema,
  type Joined,
  type JoinRequestSchema,
  MAX_ADMINISTRATOR_TEXT,
  type Membership,
  type ReadAdministratorFile,
} from '#contract';
import type { z } from 'zod';
import type { Fleet } from '#core/fleet';
import { type Clock, readFileBounded } from '#core/platform';
import { type Identity, type Keyring, noteType, openGrantFile, type OpenGrantFile, openIdentity, PersonNameSchema, signIdentity } from '#core/trust';
import type { Changes } from './changes.ts';
import type { RecordAct, Write } from './service.ts';

export interface AdministratorDeps {
  fleet: Fleet;
  keyring: Keyring;
  clock: Clock;
  changes: Changes;
  write: Write;
  record: RecordAct;
}

interface Given {
  text?: string | undefined;
  path?: string | undefined;
}

const LINK = { link: '/settings' };

export class AdministratorService {
  readonly #deps: AdministratorDeps;

  constructor(deps: AdministratorDeps) {
    this.#deps = deps;
  }

  list(): Administrator[] {
    return this.#deps.fleet.administrators.list();
  }

  memberships(): Membership[] {
    return this.#deps.fleet.memberships.list();
  }

  /** Public keys and proof of the private ones, as the file to hand over. @throws trust.signer-name */
  async identity(name: string | undefined, actor: string): Promise<{ text: string; name: string; fingerprint: string }> {
    const { keyring, clock, record } = this.#deps;
    const called = name ?? thisComputer();
    if (!PersonNameSchema.safeParse(called).success) throw badName();
    const note = await signIdentity(keyring, { name: called, at: clock.now() });
    record(actor, 'administrator.identity', `Wrote the identity of this workspace as ${called} (fingerprint ${keyring.fingerprint})`, LINK);
    return { text: fileText(note), name: called, fingerprint: keyring.fingerprint };
  }

  /** @throws trust.administrator-file, trust.note-wrong, trust.grant-*, usage.missing-file */
  async read(given: Given): Promise<ReadAdministratorFile> {
    const { fleet } = this.#deps;
    const note = await noteIn(given);
    if (noteType(note) === 'identity') {
      const { name, fingerprint } = openIdentity(note);
      const known = fleet.administrators.byKey(fingerprint);
      return { kind: 'identity', name, fingerprint, ...(known && { known }) };
    }
    const { workspaceId, name, fingerprint, grant, devices } = openGrantFile(note);
    const { issuedAt, until } = grant;
    return { kind: 'grant', workspaceId, name, fingerprint, administrator: grant.name, issuedAt, until, devices: devices.map((d) => d.name) };
  }

  /** @throws trust.fingerprint-differs and as Administrators.grant */
  async grant(request: z.infer<typeof GrantRequestSchema>, actor: string): Promise<{ administrator: Administrator; text: string; fingerprint: string }> {
    const { fleet, keyring, changes, write, record } = this.#deps;
    const identity: Identity = openIdentity(await noteIn(request, 'identity'));
    checkCompared(request.fingerprint, identity.fingerprint);
    return write('granting administration', async () => {
      const name = (request.name ?? identity.name).trim().normalize('NFC');
      const { administrator, file } = await fleet.administrators.grant(identity, { name, own: thisComputer(), days: request.days });
      const until = new Date(administrator.until ?? 0).toISOString();
      record(actor, 'administrator.granted', `Granted ${name} (fingerprint ${identity.fingerprint}) the devices of this workspace until ${until}`, LINK);
      changes.publish('trust');
      return { administrator, text: fileText(file), fingerprint: keyring.fingerprint };
    });
  }

  /** @throws trust.fingerprint-differs and as Memberships.join */
  async join(request: z.infer<typeof JoinRequestSchema>, actor: string): Promise<Joined> {
    const { fleet, changes, write, record } = this.#deps;
    const file: OpenGrantFile = openGrantFile(await noteIn(request, 'grant-file'));
    checkCompared(request.fingerprint, file.fingerprint);
    return write('joining a workspace', async () => {
      const joined = await fleet.join(file, request.name?.trim().normalize('NFC'));
      const { membership } = joined;
      const until = new Date(membership.until).toISOString();
      record(
        actor,
        'administrator.joined',
        `Joined the workspace ${membership.name} (fingerprint ${membership.fingerprint}) as ${file.grant.name} until ${until}`,
        LINK,
      );
      changes.publish('trust');
      return joined;
    });
  }

  /** @throws usage.no-membership */
  leave(who: string, actor: string): Promise<Membership> {
    const { fleet, changes, write, record } = this.#deps;
    return write('leaving a workspace', async () => {
      const left = await fleet.leave(who);
      record(actor, 'administrator.left', `Left the workspace ${left.name} (fingerprint ${left.fingerprint}) with its ${left.devices.length} devices`, LINK);
      changes.publish('trust');
      return left;
    });
  }

  /** @throws as Administrators.revoke */
  revoke(who: string, reason: string | undefined, actor: string, signal?: AbortSignal): Promise<Administrator> {
    const { fleet, changes, write, record } = this.#deps;
    return write('revoking an administrator', async () => {
      const revoked = await fleet.administrators.revoke(who, signal);
      const left = revoked.devices.filter((d) => !d.told).map((d) => d.name);
      const why = reason === undefined ? '' : `: ${reason}`;
      const who_ = `${revoked.name} (fingerprint ${revoked.fingerprint})`;
      record(actor, 'administrator.revoked', `Revoked ${who_}${why}${left.length > 0 ? `; not told yet: ${left.join(', ')}` : ''}`, LINK);
      changes.publish('trust');
      return revoked;
    });
  }
}

function fileText(note: object): string {
  return `${JSON.stringify(note, null, 2)}\n`;
}

/** The one statement in a file, of which nothing was checked. @throws trust.administrator-file */
async function noteIn({ text, path }: Given, type?: 'identity' | 'grant-file'): Promise<unknown> {
  const content = text ?? (await readFileBounded(path ?? '', MAX_ADMINISTRATOR_TEXT)).toString('utf8');
  let note: unknown;
  try {
    note = JSON.parse(content);
  } catch {
    note = undefined;
  }
  const found = noteType(note);
  if (found === 'identity' || found === 'grant-file') {
    if (type === undefined || found === type) return note;
  }
  const names = { identity: 'an identity (edgewright workspace identity)', 'grant-file': 'a grant (edgewright workspace grant)' };
  throw new EdgewrightError({
    code: 'trust.administrator-file',
    message: 'This is not the file that was expected.',
    expected: type === undefined ? `${names.identity} or ${names['grant-file']}` : names[type],
    found: found === 'identity' || found === 'grant-file' ? names[found] : 'something else',
    owner: 'input',
  });
}

/** What a person compared is what is acted on, even if the file was exchanged meanwhile. */
function checkCompared(compared: string, found: string): void {
  if (compared === found) return;
  throw new EdgewrightError({
    code: 'trust.fingerprint-differs',
    message: 'The file is of another key than the one that was compared.',
    expected: compared,
    found,
    hint: 'Nothing was changed. Look at the file again.',
    owner: 'trust',
  });
}

/** What this workspace calls itself where nobody says: the computer's name. */
function thisComputer(): string {
  const name = hostname()
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
    .trim()
    .slice(0, 80);
  return name === '' ? 'laptop' : name;
}

function badName(): EdgewrightError {
  return new EdgewrightError({
    code: 'trust.signer-name',
    message: 'This cannot be the name of a workspace.',
    expected: '1 to 80 visible characters',
    owner: 'usage',
  });
}
