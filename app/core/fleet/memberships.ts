/**
 * Workspaces that made this one an administrator of their devices. We come to those devices with our own keys: a certificate
 * of their authority for our TLS key, and the grant, which goes along with every order that we sign.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { EdgewrightError, type Joined, type Membership } from '#contract';
import type { Clock, Sqlite } from '#core/platform';
import { type DeploymentOrder, type SignedOrder, signOrder } from '#core/protocol';
import { type GrantedDevice, type Keyring, NoteSchema, type OpenGrantFile, PersonNameSchema, publicKeyId, standingProblem } from '#core/trust';
import type { DeviceRow, DeviceStore } from './device-store.ts';

interface Row {
  workspace_id: string;
  name: string;
  signer: string;
  ca: string;
  certificate: string;
  serial: string;
  grant_note: string;
  joined_at: number;
  issued_at: number;
  until: number;
}

export interface MembershipOptions {
  db: Sqlite;
  devices: DeviceStore;
  keyring: Keyring;
  clock: Clock;
}

/** What is known here of our own standing: that we were revoked the devices say, and only the clock of this computer is at hand. */
const HERE = { latest: 0, revoked: new Set<string>(), whose: 'this computer' } as const;

export class Memberships {
  readonly #o: MembershipOptions;

  constructor(options: MembershipOptions) {
    this.#o = options;
  }

  list(): Membership[] {
    return this.#o.db
      .prepare<[], Row>('SELECT * FROM memberships ORDER BY name')
      .all()
      .map((row) => this.#describe(row));
  }

  /**
   * Takes over what a grant file gives: a new workspace, or a new grant of one that was joined. Devices that are here keep
   * their names.
   * @throws trust.grant-other-key, trust.grant-own, trust.grant-changed-hands, trust.grant-older, trust.grant-expired, trust.clock-behind, trust.signer-name
   */
  join(file: OpenGrantFile, called: string | undefined): Joined {
    const { db, keyring, clock } = this.#o;
    const { grant } = file;
    const now = clock.now();
    if (file.workspaceId === keyring.workspaceId || file.fingerprint === keyring.fingerprint)
      throw refused('grant-own', 'This is a grant of this workspace itself.', { hint: 'Hand it to the other laptop, and join there.' });
    const ours = new X509Certificate(file.certificate).checkPrivateKey(createPrivateKey(keyring.clientTls().key));
    if (grant.key !== keyring.fingerprint || !ours) {
      throw refused('grant-other-key', 'This grant is for the keys of another laptop.', {
        expected: keyring.fingerprint,
        found: grant.key,
        hint: 'Hand over an identity of this workspace first: edgewright workspace identity.',
      });
    }
    const problem = standingProblem(grant, { now, ...HERE });
    if (problem) throw problem;
    return db
      .transaction(() => {
        const known = this.#row(file.workspaceId);
        // A workspace never changes its signing key: whoever has another is another.
        if (known && publicKeyId(known.signer) !== file.fingerprint) {
          throw refused('grant-changed-hands', `The grant says that it is of ${known.name}, but another key signed it.`, {
            expected: publicKeyId(known.signer),
            found: file.fingerprint,
            hint: 'If that workspace was made anew, leave it first: edgewright workspace leave NAME.',
          });
        }
        if (known && grant.issuedAt < known.issued_at) {
          throw refused('grant-older', `A newer grant of ${known.name} is here already.`, {
            expected: `one of ${new Date(known.issued_at).toISOString()} or later`,
            found: new Date(grant.issuedAt).toISOString(),
          });
        }
        this.#save(file, called ?? known?.name ?? file.name, known, now);
        return { ...this.#takeDevices(file), membership: this.#describe(this.#must(file.workspaceId)) };
      })
      .immediate();
  }

  /** Forgets a workspace and its devices here. @throws usage.no-membership */
  leave(who: string): Membership {
    const { db, devices } = this.#o;
    return db
      .transaction(() => {
        const row = this.#find(who);
        const membership = this.#describe(row);
        for (const { id, workspace } of devices.all()) if (workspace === row.workspace_id) devices.remove(id);
        db.prepare('DELETE FROM memberships WHERE workspace_id = ?').run(row.workspace_id);
        return membership;
      })
      .immediate();
  }

  /** Who it is. @throws usage.no-membership */
  find(who: string): Membership {
    return this.#describe(this.#find(who));
  }

  /** What we show to this device, and whom we believe that it is the device. */
  tls(row: DeviceRow): { cert: string; key: string; ca: string } {
    const own = this.#o.keyring.clientTls();
    if (row.workspace === null) return own;
    const { certificate, ca } = this.#must(row.workspace);
    return { cert: certificate, key: own.key, ca };
  }

  /** @throws trust.grant-expired, trust.clock-behind: before a device has to say so in a TLS alert */
  check(row: DeviceRow): void {
    if (row.workspace === null) return;
    const { issued_at, until } = this.#must(row.workspace);
    const { keyring, clock } = this.#o;
    const problem = standingProblem({ key: keyring.fingerprint, issuedAt: issued_at, until }, { now: clock.now(), ...HERE });
    if (problem) throw problem;
  }

  /** The order as the device of another workspace takes it. Its counter is kept before it is used. */
  signedOrder(row: DeviceRow, order: DeploymentOrder): SignedOrder {
    const { devices, keyring } = this.#o;
    this.check(row);
    const membership = this.#must(row.workspace ?? '');
    const statement = { workspaceId: membership.workspace_id, deviceId: row.id, grant: membership.serial, counter: devices.nextOrder(row.id), order };
    return { grant: NoteSchema.parse(JSON.parse(membership.grant_note)), order: signOrder(keyring, statement) };
  }

  #save(file: OpenGrantFile, name: string, known: Row | undefined, now: number): void {
    const { db } = this.#o;
    if (!PersonNameSchema.safeParse(name).success) throw badName('This cannot be the name of a workspace.');
    const sameName = db.prepare<[string, string], { name: string }>('SELECT name FROM memberships WHERE name = ? COLLATE NOCASE AND workspace_id <> ?');
    if (sameName.get(name, file.workspaceId)) throw badName(`There is a workspace named ${name} here already.`);
    db.prepare(
      `INSERT INTO memberships (workspace_id, name, signer, ca, certificate, serial, grant_note, joined_at, issued_at, until)
       VALUES (@id, @name, @signer, @ca, @certificate, @serial, @note, @joined, @issued, @until)
       ON CONFLICT (workspace_id) DO UPDATE SET name = @name, ca = @ca, certificate = @certificate, serial = @serial, grant_note = @note,
         issued_at = @issued, until = @until`,
    ).run({
      id: file.workspaceId,
      name,
      signer: file.signer,
      ca: file.ca,
      certificate: file.certificate,
      serial: file.grant.serial,
      note: JSON.stringify(file.grantNote),
      joined: known?.joined_at ?? now,
      issued: file.grant.issuedAt,
      until: file.grant.until,
    });
  }

  /** A device that is here already and is not of that workspace stays whose it is, whatever the file says. */
  #takeDevices(file: OpenGrantFile): Pick<Joined, 'added' | 'renamed' | 'left'> {
    const { devices, clock } = this.#o;
    const result: Pick<Joined, 'added' | 'renamed' | 'left'> = { added: [], renamed: [], left: [] };
    for (const device of file.devices) {
      const there = devices.byId(device.id);
      if (there && there.workspace !== file.workspaceId) {
        result.left.push({ name: device.name, why: `it is here already, as ${there.name}` });
      } else if (there) {
        devices.moved(device.id, device);
      } else {
        const name = this.#freeName(device);
        if (name !== device.name) result.renamed.push({ from: device.name, to: name });
        devices.insert({ ...device, name, certificate: '', enrolled_at: clock.now(), practice: false, workspace: file.workspaceId });
        result.added.push(name);
      }
    }
    return result;
  }

  #freeName({ name, id }: GrantedDevice): string {
    const { devices } = this.#o;
    if (!devices.byName(name)) return name;
    // Ids are of a device's own making and never the same twice.
    return devices.byName(id) ? `${id.slice(0, 50)}-${devices.all().length}` : id;
  }

  #describe(row: Row): Membership {
    const { devices, clock } = this.#o;
    return {
      workspaceId: row.workspace_id,
      name: row.name,
      fingerprint: publicKeyId(row.signer),
      state: clock.now() > row.until ? 'expired' : 'valid',
      joinedAt: row.joined_at,
      until: row.until,
      devices: devices
        .all()
        .filter((d) => d.workspace === row.workspace_id)
        .map((d) => d.name),
    };
  }

  #row(workspaceId: string): Row | undefined {
    return this.#o.db.prepare<[string], Row>('SELECT * FROM memberships WHERE workspace_id = ?').get(workspaceId);
  }

  #must(workspaceId: string): Row {
    const row = this.#row(workspaceId);
    if (!row) throw new EdgewrightError({ code: 'usage.no-membership', message: 'This workspace was left meanwhile.', owner: 'usage' });
    return row;
  }

  #find(who: string): Row {
    const wanted = who.toLowerCase();
    const row = this.#o.db
      .prepare<[], Row>('SELECT * FROM memberships')
      .all()
      .find((one) => one.name.toLowerCase() === wanted || one.workspace_id === wanted || publicKeyId(one.signer) === wanted);
    if (row) return row;
    throw new EdgewrightError({
      code: 'usage.no-membership',
      message: `No workspace that was joined is called ${who.slice(0, 80)}.`,
      hint: 'See edgewright workspace administrators.',
      owner: 'usage',
    });
  }
}

function badName(message: string): EdgewrightError {
  return new EdgewrightError({ code: 'trust.signer-name', message, hint: 'Give another one with --name.', owner: 'usage' });
}

function refused(code: string, message: string, detail: { expected?: string; found?: string; hint?: string }): EdgewrightError {
  return new EdgewrightError({ code: `trust.${code}`, message, ...detail, owner: 'trust' });
}
