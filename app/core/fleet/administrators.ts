/**
 * Whose keys besides our own may give orders to our devices. Grants stand for themselves and reach the devices with those who
 * hold them; all that the devices must hear from us is who was revoked.
 */
import { type Administrator, EdgewrightError, FingerprintSchema } from '#contract';
import type { Clock, Sqlite } from '#core/platform';
import { DAY_MS, type Identity, type Keyring, MAX_GRANTED_DEVICES, meansKey, type Note, PersonNameSchema, signGrant, signGrantFile } from '#core/trust';
import type { AgentStatus } from '#core/protocol';
import type { DeviceRow, DeviceStore } from './device-store.ts';
import type { Revoked, RevokedRow } from './revoked.ts';

interface GrantRow {
  key: string;
  name: string;
  serial: string;
  granted_at: number;
  until: number;
}

/** What is known of one key. */
interface Known {
  key: string;
  name: string;
  grant: GrantRow | undefined;
  revoked: RevokedRow | undefined;
}

export interface AdministratorOptions {
  db: Sqlite;
  devices: DeviceStore;
  keyring: Keyring;
  clock: Clock;
  revoked: Revoked;
}

export class Administrators {
  readonly #o: AdministratorOptions;

  constructor(options: AdministratorOptions) {
    this.#o = options;
  }

  list(): Administrator[] {
    const ours = this.#ours();
    return this.#known().map((one) => this.#describe(one, ours));
  }

  byKey(key: string): Administrator | undefined {
    const one = this.#known().find((known) => known.key === key);
    return one && this.#describe(one);
  }

  /**
   * Makes somebody an administrator for a time, or for longer.
   * @param about `name`: what to call the administrator; `own`: what this workspace calls itself
   * @returns the file to hand over
   * @throws trust.own-key, trust.key-revoked, trust.signer-name, trust.request-refused, trust.too-many-devices
   */
  async grant(identity: Identity, about: { name: string; own: string; days: number }): Promise<{ administrator: Administrator; file: Note }> {
    const { db, devices, keyring, clock } = this.#o;
    const { name, days } = about;
    const key = identity.fingerprint;
    this.#checkNew(key, name);
    const theirs = devices.all().filter((d) => d.workspace === null && d.practice === 0);
    if (theirs.length > MAX_GRANTED_DEVICES)
      throw unfit('too-many-devices', 'There are too many devices for one grant.', { expected: `at most ${MAX_GRANTED_DEVICES}` });
    // Certificates know whole seconds.
    const issuedAt = Math.floor(clock.now() / 1000) * 1000;
    const until = issuedAt + days * DAY_MS;
    const certificate = await keyring.issueAdministratorCertificate(identity.request, { requester: identity.workspaceId, key, issuedAt, until });
    const { grant, note } = signGrant(keyring, { name, signer: identity.signer, issuedAt, until });
    const file = signGrantFile(keyring, {
      name: about.own,
      grant: note,
      certificate,
      devices: theirs.map(({ id, name: called, management, inference }) => ({ id, name: called, management, inference })),
    });
    db.transaction(() => {
      this.#checkNew(key, name);
      db.prepare(
        `INSERT INTO administrators (key, name, serial, granted_at, until) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (key) DO UPDATE SET name = excluded.name, serial = excluded.serial, granted_at = excluded.granted_at, until = excluded.until`,
      ).run(key, name, grant.serial, issuedAt, until);
    }).immediate();
    return { administrator: this.#must(key), file };
  }

  /**
   * Revokes a key for good, then tells every device that can be reached.
   * @param who name, fingerprint, or its beginning; a whole fingerprint need not be known here, as after a restore
   * @param signal ends the telling, not the revocation
   * @throws trust.own-key, trust.unknown-administrator, trust.too-many-revoked
   */
  async revoke(who: string, signal?: AbortSignal): Promise<Administrator> {
    const { keyring, revoked } = this.#o;
    keyring.checkUnlocked();
    const one = this.#find(who);
    if (!one.revoked) revoked.add(one.key, one.grant?.name);
    await revoked.tellAll(signal);
    return this.#must(one.key);
  }

  #known(): Known[] {
    const grants = this.#o.db.prepare<[], GrantRow>('SELECT * FROM administrators ORDER BY name, key').all();
    const revoked = new Map(this.#o.revoked.list().map((row) => [row.key, row]));
    const granted = grants.map((grant): Known => ({ key: grant.key, name: grant.name, grant, revoked: revoked.get(grant.key) }));
    const others = [...revoked.values()].filter(({ key }) => !grants.some((grant) => grant.key === key));
    return [...granted, ...others.map((row): Known => ({ key: row.key, name: row.name ?? row.key.slice(0, 16), grant: undefined, revoked: row }))];
  }

  /** Our devices with what each last said: read once for all who are described. */
  #ours(): { row: DeviceRow; status: AgentStatus | undefined }[] {
    const { devices } = this.#o;
    return devices
      .all()
      .filter((row) => row.workspace === null)
      .map((row) => ({ row, status: devices.status(row.id) }));
  }

  #describe({ key, name, grant, revoked }: Known, ours = this.#ours()): Administrator {
    const counter = this.#o.revoked.statement()?.counter ?? 0;
    const expired = grant !== undefined && this.#o.clock.now() > grant.until;
    return {
      name,
      fingerprint: key,
      state: revoked ? 'revoked' : expired ? 'expired' : 'valid',
      ...(grant && { grantedAt: grant.granted_at, until: grant.until }),
      ...(revoked && { revokedAt: revoked.at }),
      devices: ours.map(({ row, status }) => {
        const seen = status?.administrators?.seen.find((one) => one.key === key);
        const theirs = status?.bundles.filter((one) => one.deployedByKey === key && (one.state === 'active' || one.state === 'on trial')) ?? [];
        const serves = theirs.map((one) => `${one.name}@${one.version}#${one.variant}`);
        return { name: row.name, told: row.told >= counter, serves, ...(seen && { seenAt: seen.at }) };
      }),
    };
  }

  #must(key: string): Administrator {
    const found = this.byKey(key);
    if (!found) throw new EdgewrightError({ code: 'bug', message: 'An administrator is gone from the database.', owner: 'bug' });
    return found;
  }

  #checkNew(key: string, name: string): void {
    const { keyring } = this.#o;
    if (key === keyring.fingerprint)
      throw unfit('own-key', 'This is the identity of this workspace itself.', { hint: 'Hand it to the workspace that is to grant.' });
    const all = this.#known();
    if (all.some((one) => one.key === key && one.revoked)) {
      throw unfit('key-revoked', 'These keys were revoked here, which is for good.', {
        found: key,
        hint: 'Make a new workspace on that laptop (EDGEWRIGHT_HOME names its folder), and grant that one.',
      });
    }
    if (!PersonNameSchema.safeParse(name).success) throw badName('This cannot be the name of an administrator.');
    // People tell them apart by name, and revoke by it.
    if (all.some((one) => one.key !== key && one.name.toLowerCase() === name.toLowerCase())) throw badName(`There is an administrator named ${name} already.`);
  }

  #find(who: string): Known {
    const { keyring } = this.#o;
    const wanted = who.trim().toLowerCase();
    const all = this.#known();
    const found = all.filter((one) => one.name.toLowerCase() === wanted || meansKey(wanted, one.key));
    const [one] = found;
    if (one && found.length === 1) return one;
    if (meansKey(wanted, keyring.fingerprint)) throw unfit('own-key', 'The keys of this workspace itself cannot be revoked.', {});
    if (!one && FingerprintSchema.safeParse(wanted).success) return { key: wanted, name: wanted.slice(0, 16), grant: undefined, revoked: undefined };
    throw new EdgewrightError({
      code: 'trust.unknown-administrator',
      message: one ? `${who.slice(0, 80)} could be ${found.map((f) => f.name).join(' or ')}.` : `No administrator here is called ${who.slice(0, 80)}.`,
      hint: one ? 'Give more of the fingerprint.' : 'See edgewright workspace administrators.',
      owner: 'usage',
    });
  }
}

function badName(message: string): EdgewrightError {
  return new EdgewrightError({
    code: 'trust.signer-name',
    message,
    expected: '1 to 80 visible characters',
    hint: 'Give another one with --name.',
    owner: 'usage',
  });
}

function unfit(code: string, message: string, detail: { expected?: string; found?: string; hint?: string }): EdgewrightError {
  return new EdgewrightError({ code: `trust.${code}`, message, ...detail, owner: 'input' });
}
