/** The fleet of one workspace: its devices, what is sent to them, and what came of it. */
import {
  type AddDeviceSchema,
  asEdgewrightError,
  type Deployment,
  type DeploySpec,
  type Device,
  type DeviceDetail,
  EdgewrightError,
  type Joined,
  type Membership,
  type Preflight,
  type RollbackResult,
} from '#contract';
import type { z } from 'zod';
import type { BlobStore, Registry } from '#core/bundles';
import { type Clock, ensureDir, type Log, systemClock } from '#core/platform';
import type { Keyring, OpenGrantFile } from '#core/trust';
import { Administrators } from './administrators.ts';
import { openContacts } from './contacts.ts';
import { openFleetDatabase } from './database.ts';
import type { RunProgress } from './deploy-run.ts';
import { deploymentStore, toDeployment } from './deployment-store.ts';
import { Deployments, type StartedDeployment } from './deployments.ts';
import { neededBlobs } from './needed.ts';
import { type DeviceRow, deviceStore } from './device-store.ts';
import { enrolDevice } from './enrol.ts';
import { Memberships } from './memberships.ts';
import { Revoked } from './revoked.ts';

export interface FleetOptions {
  /** The workspace folder; the fleet keeps `fleet.db` there. */
  dir: string;
  keyring: Keyring;
  registry: Registry;
  /** The store that the registry stands on: its blobs are what is sent. */
  store: BlobStore;
  log: Log;
  clock?: Clock;
  /**
   * Follow devices in the background and go on with unfinished deployments: for the one program that holds the workspace.
   * Without it only what is asked for is done.
   */
  follow?: boolean;
  /** What trials say of a variant; undefined: none has judged it, which stops nothing and is said in the pre-flight. */
  verdictFor?: (ref: string, variant: string) => { pass: boolean; reason: string } | undefined;
  /** ONNX Runtime's version here, which a device's must not be behind. */
  onnxruntime?: string;
  /** `id` is a device's name or a deployment's id. */
  onChange?: (topic: 'devices' | 'deployments', id: string) => void;
}

export interface Removal {
  name: string;
  /** Whether the device knows that it no longer belongs to this workspace. */
  told: boolean;
  /** Why it could not be told. */
  detail?: string;
}

export interface Fleet {
  /** Whose keys besides our own may give orders to our devices. */
  readonly administrators: Administrators;
  /** Workspaces whose devices we may give orders to. */
  readonly memberships: Pick<Memberships, 'list' | 'find'>;
  /** Takes over what a grant file gives; see Memberships.join. */
  join(file: OpenGrantFile, called?: string): Promise<Joined>;
  /** Forgets a workspace that was joined, with its devices, which go on. */
  leave(who: string): Promise<Membership>;
  list(): Device[];
  /** By name or id. @throws device.unknown */
  show(name: string): DeviceDetail;
  /** Asks one device, or all at once, how they are. A device that does not answer is a result, not an error. */
  refresh(name?: string): Promise<Device[]>;
  /** Pairs with a device. @throws device.name-taken, device.already-paired, trust.*, network.* */
  add(request: z.infer<typeof AddDeviceSchema>, options?: { practice?: boolean; signal?: AbortSignal }): Promise<Device>;
  /** Takes it out of the workspace; a device that can be reached is told, and forgets us. */
  remove(name: string): Promise<Removal>;
  preflight(spec: DeploySpec): Promise<Preflight[]>;
  /** Begins one deployment for each device. @throws before anything began: unknown device, unknown bundle */
  deploy(spec: DeploySpec, options?: { jobId?: string }): Promise<StartedDeployment[]>;
  /** Waits until it serves; an abort cancels it. @throws why it does not serve */
  carryOut(id: string, options?: { signal?: AbortSignal; onProgress?: (progress: RunProgress) => void }): Promise<Deployment>;
  cancel(id: string): Promise<Deployment>;
  /** Whether a device, or a deployment under way, may still need this blob of the store. */
  needs(digest: string): boolean;
  /** Newest first. */
  deployments(): Deployment[];
  deployment(id: string): Deployment;
  /** Puts back what served before. `model` may be left out where the device serves only one. */
  rollback(device: string, model?: string, options?: { signal?: AbortSignal }): Promise<RollbackResult>;
  close(): Promise<void>;
}

/** Opens (or makes) `fleet.db` in the folder; with `follow` it takes up what was left unfinished. Close it before the store. */
export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const { keyring, registry, store, log, clock = systemClock } = options;
  const follow = options.follow ?? false;
  await ensureDir(options.dir);
  const db = openFleetDatabase(options.dir);
  const devices = deviceStore(db);
  const records = deploymentStore(db);
  const changed = (topic: 'devices' | 'deployments', id: string) => options.onChange?.(topic, id);

  const memberships = new Memberships({ db, devices, keyring, clock });
  const revoked = new Revoked({ db, devices, keyring, clock, client: (row) => contacts.client(row) });
  const contacts = openContacts({
    devices,
    keyring,
    memberships,
    async onAnswer(row, status) {
      try {
        await revoked.bring(row, status);
      } catch (error) {
        // It answered; what it does not know yet it is told the next time, and until then listed as not told.
        log.warn({ device: row.name, error: asEdgewrightError(error).message }, 'a device could not be told who is revoked');
      }
    },
    clock,
    log,
    onChange: (row) => changed('devices', row.name),
    onSeen: (row, status) => deployments.seen(row, status),
  });
  const deployments = new Deployments({
    devices,
    deployments: records,
    contacts,
    registry,
    store,
    clock,
    log,
    follow,
    onnxruntime: options.onnxruntime,
    verdictFor(ref, variant) {
      const verdict = options.verdictFor?.(ref, variant);
      return verdict ? { ok: verdict.pass, detail: verdict.reason } : { ok: true, detail: 'no trial has judged this variant yet' };
    },
    onChange: (id) => changed('deployments', id),
  });

  const shown = (row: DeviceRow): Device => devices.toDevice(devices.byId(row.id) ?? row, clock.now());

  /** Asked before pairing, so that a person does not use up a code for nothing, and again when the device has named itself. */
  function checkNew(name: string, deviceId?: string): void {
    const sameName = devices.byName(name);
    if (sameName) {
      throw new EdgewrightError({
        code: 'device.name-taken',
        message: `There is a device "${name}" in this workspace already.`,
        hint: `Choose another name, or remove it first: edgewright device remove ${name}`,
        owner: 'usage',
      });
    }
    const same = deviceId === undefined ? undefined : devices.byId(deviceId);
    if (same) {
      throw new EdgewrightError({
        code: 'device.already-paired',
        message: `This device is in the workspace already, as "${same.name}".`,
        hint: `To enrol it anew, remove it first: edgewright device remove ${same.name}`,
        owner: 'usage',
      });
    }
  }

  let closed = false;
  // Devices know us by our keys: without them there is nothing to follow.
  if (follow) {
    void keyring.whenUnlocked().then(() => {
      if (closed) return;
      deployments.resume();
      contacts.follow();
    });
  }

  /** Takes devices out, with what was on its way to them. */
  async function drop(row: DeviceRow): Promise<void> {
    await deployments.deviceRemoved(row);
    contacts.removed(row.id);
  }

  return {
    administrators: new Administrators({ db, devices, keyring, clock, revoked }),
    memberships,
    async join(file, called) {
      const joined = memberships.join(file, called);
      for (const name of joined.membership.devices) {
        const row = devices.find(name);
        contacts.changed(row.id);
        contacts.added(row);
        changed('devices', name);
      }
      return joined;
    },
    async leave(who) {
      const { workspaceId } = memberships.find(who);
      await Promise.all(
        devices
          .all()
          .filter((row) => row.workspace === workspaceId)
          .map(drop),
      );
      const membership = memberships.leave(workspaceId);
      for (const name of membership.devices) changed('devices', name);
      return membership;
    },
    list: () => devices.all().map((row) => devices.toDevice(row, clock.now())),
    show: (name) => devices.toDetail(devices.find(name), clock.now()),
    async refresh(name) {
      const rows = name === undefined ? devices.all() : [devices.find(name)];
      await Promise.allSettled(rows.map((row) => contacts.ask(row)));
      return rows.map(shown);
    },
    async add(request, { practice = false, signal } = {}) {
      checkNew(request.name);
      const enrolled = await enrolDevice({ ...request, keyring, signal, revocations: revoked.statement()?.note, allow: (id) => checkNew(request.name, id) });
      devices.insert({
        id: enrolled.deviceId,
        name: request.name,
        management: enrolled.management,
        inference: enrolled.inference,
        certificate: enrolled.certificate,
        enrolled_at: clock.now(),
        practice,
      });
      const row = devices.find(enrolled.deviceId);
      // It is enrolled whether or not it answers now; the state says so.
      await contacts.ask(row).catch(() => {});
      contacts.added(row);
      changed('devices', row.name);
      return shown(row);
    },
    async remove(name) {
      const row = devices.find(name);
      // Who only administers a device has nothing to tell it: it goes on belonging to its own workspace.
      const refusal =
        row.workspace !== null
          ? undefined
          : await contacts
              .client(row)
              .forget()
              .then(() => undefined)
              .catch((error: unknown) => (error instanceof EdgewrightError ? error.message : String(error)));
      await drop(row);
      devices.remove(row.id);
      changed('devices', row.name);
      return {
        name: row.name,
        told: row.workspace === null && refusal === undefined,
        ...(row.workspace !== null && { detail: `It still belongs to ${row.workspace_name ?? 'its workspace'}.` }),
        ...(refusal !== undefined && { detail: `${refusal} It still holds this workspace's certificate: reset it before it goes elsewhere.` }),
      };
    },
    preflight: (spec) => deployments.preflight(spec),
    deploy: (spec, { jobId } = {}) => deployments.start(spec, jobId),
    carryOut: (id, more) => deployments.carryOut(id, more),
    cancel: (id) => deployments.cancel(id),
    needs: neededBlobs(db, devices),
    deployments: () => records.list().map(toDeployment),
    deployment: (id) => toDeployment(records.get(id)),
    async rollback(device, model, { signal } = {}) {
      const row = devices.find(device);
      const answer = await contacts.client(row).rollback(model, signal);
      await contacts.ask(row).catch(() => {});
      return { device: row.name, ...answer };
    },
    async close() {
      closed = true;
      await deployments.close();
      await contacts.close();
      db.close();
    },
  };
}
