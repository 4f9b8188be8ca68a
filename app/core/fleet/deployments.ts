/** All deployments of the workspace: pre-flight, start, follow, cancel, and going on after a restart. */
import { randomUUID } from 'node:crypto';
import { asEdgewrightError, type Deployment, type DeploySpec, EdgewrightError, type ErrorBody, type Preflight } from '#contract';
import type { BlobStore, Registry } from '#core/bundles';
import type { Clock, Log } from '#core/platform';
import { type Cargo, cargoOf, checkCargo } from './cargo.ts';
import type { Contacts } from './contacts.ts';
import { type Run, type RunProgress, startRun } from './deploy-run.ts';
import { type DeploymentRecord, type DeploymentStore, toDeployment } from './deployment-store.ts';
import type { DeviceRow, DeviceStore } from './device-store.ts';
import { MAX_PARALLEL_SENDS } from './limits.ts';
import { endError } from './outcome.ts';
import { type Slots, slots } from './parallel.ts';
import { isEnd } from './plan.ts';
import { preflightError, type Verdict } from './preflight.ts';
import type { AgentStatus, DeploymentOrder } from '#core/protocol';
import { servedNow } from './served-now.ts';

export interface DeploymentsOptions {
  devices: DeviceStore;
  deployments: DeploymentStore;
  contacts: Contacts;
  registry: Registry;
  store: BlobStore;
  clock: Clock;
  log: Log;
  /** Whether runs go on in the background; else a device that is seen is only asked how its deployments stand. */
  follow: boolean;
  verdictFor: (ref: string, variant: string) => Verdict;
  onnxruntime?: string | undefined;
  onChange(id: string): void;
}

/** A deployment that has begun. Neither promise rejects: the deployment says how it went. */
export interface StartedDeployment {
  id: string;
  device: string;
  digest: string;
  /** It serves on the device (on trial or active), or never will. */
  activated: Promise<Deployment>;
  /** It has ended, or this program no longer follows it. */
  ended: Promise<Deployment>;
}

interface Active {
  deviceId: string;
  run: Run | undefined;
  activated: Promise<void>;
  over: Promise<void>;
  /** Ends the run and leaves the deployment as it is. */
  stop: AbortController;
  /** Gives up a place in the device's line. */
  leaveLine: AbortController;
  progress: RunProgress;
  listeners: Set<(progress: RunProgress) => void>;
}

export class Deployments {
  readonly #o: DeploymentsOptions;
  readonly #active = new Map<string, Active>();
  /** One deployment at a time becomes active on a device; the next one waits in line. */
  readonly #lines = new Map<string, Slots>();
  readonly #sending = slots(MAX_PARALLEL_SENDS);
  #closed = false;

  constructor(options: DeploymentsOptions) {
    this.#o = options;
  }

  async preflight(spec: DeploySpec): Promise<Preflight[]> {
    const rows = this.#rowsOf(spec);
    const cargo = await cargoOf(this.#o.registry, spec);
    return Promise.all(rows.map(async (row) => (await checkCargo(this.#o, row, cargo)).preflight));
  }

  /**
   * Begins one deployment for each device; they go on by themselves, and one that fails stops no other.
   * @throws device.unknown and what the registry says of the reference; nothing was begun then
   */
  async start(spec: DeploySpec, jobId?: string): Promise<StartedDeployment[]> {
    const rows = this.#rowsOf(spec);
    const cargo = await cargoOf(this.#o.registry, spec);
    return rows.map((row) => {
      const id = randomUUID();
      const order: DeploymentOrder = { ...cargo.order, id };
      this.#o.deployments.insert({
        id,
        device: row.name,
        deviceId: row.id,
        ref: cargo.ref,
        variant: order.variant,
        digest: order.manifest.digest,
        order,
        manifests: cargo.manifests,
        state: 'waiting',
        startedAt: this.#o.clock.now(),
        bytesTotal: order.blobs.reduce((sum, b) => sum + b.size, 0),
        bytesSent: 0,
        seconds: 0,
        cancelAsked: false,
        ...(jobId !== undefined && { jobId }),
        ...(spec.override !== undefined && { override: spec.override }),
      });
      this.#o.onChange(id);
      const active = this.#begin(id, row, cargo);
      const now = () => toDeployment(this.#o.deployments.get(id));
      return { id, device: row.name, digest: order.manifest.digest, activated: active.activated.then(now), ended: active.over.then(now) };
    });
  }

  /**
   * Waits until it serves on the device. An abort cancels it.
   * @throws why it does not
   */
  async carryOut(id: string, options: { signal?: AbortSignal; onProgress?: (progress: RunProgress) => void } = {}): Promise<Deployment> {
    const active = this.#active.get(id) ?? this.#goOn(this.#o.deployments.get(id));
    const onAbort = () => void this.cancel(id).catch(() => {});
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    if (options.onProgress && active) {
      active.listeners.add(options.onProgress);
      options.onProgress(active.progress);
    }
    try {
      await active?.activated;
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
      if (options.onProgress) active?.listeners.delete(options.onProgress);
    }
    const now = this.#o.deployments.get(id);
    if (now.error && now.state !== 'on trial') throw new EdgewrightError(now.error);
    return toDeployment(now);
  }

  /** Asks for its end; resolves when the device has answered or can't be asked. What has ended stays as it is. */
  async cancel(id: string): Promise<Deployment> {
    const record = this.#o.deployments.get(id);
    if (isEnd(record.state)) return toDeployment(record);
    this.#o.deployments.update(id, { cancelAsked: true });
    const active = this.#active.get(id) ?? this.#goOn(record);
    active?.leaveLine.abort();
    active?.run?.interrupt();
    await active?.over;
    return toDeployment(this.#o.deployments.get(id));
  }

  /** Takes up what an earlier life of this program left unfinished. */
  resume(): void {
    for (const record of this.#o.deployments.unfinished()) this.#goOn(record);
  }

  /** A device answered: unfinished deployments go on, and finished ones are brought in line with what it serves. */
  seen(row: DeviceRow, status: AgentStatus): void {
    const { deployments, follow, log } = this.#o;
    for (const { id, change } of servedNow(status, (model) => deployments.ofModel(row.id, model))) {
      deployments.update(id, change);
      this.#o.onChange(id);
    }
    for (const record of deployments.unfinished(row.id)) {
      if (this.#active.has(record.id)) continue;
      if (follow) this.#goOn(record);
      else
        void this.#askOnce(row, record).catch((error: unknown) => log.warn({ deployment: record.id, error: String(error) }, 'could not ask for a deployment'));
    }
  }

  /** The device is gone from the workspace, and with it what was on its way there. */
  async deviceRemoved(row: DeviceRow): Promise<void> {
    await Promise.all([...this.#active.values()].filter((a) => a.deviceId === row.id).map((a) => this.#stop(a)));
    const error: ErrorBody = { code: 'device.removed', message: `${row.name} was removed from this workspace.`, owner: 'device' };
    for (const record of this.#o.deployments.unfinished(row.id)) {
      this.#o.deployments.update(record.id, { state: 'failed', endedAt: this.#o.clock.now(), error });
      this.#o.onChange(record.id);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#active.values()].map((a) => this.#stop(a)));
  }

  async #stop(active: Active): Promise<void> {
    active.stop.abort();
    active.leaveLine.abort();
    await active.over;
  }

  #rowsOf(spec: DeploySpec): DeviceRow[] {
    const rows = spec.devices.map((name) => this.#o.devices.find(name));
    return [...new Map(rows.map((row) => [row.id, row])).values()];
  }

  #goOn(record: DeploymentRecord): Active | undefined {
    const row = this.#o.devices.byId(record.deviceId);
    if (row && !isEnd(record.state)) return this.#begin(record.id, row, undefined);
    return undefined;
  }

  #begin(id: string, row: DeviceRow, cargo: Cargo | undefined): Active {
    const active: Active = {
      deviceId: row.id,
      run: undefined,
      activated: Promise.resolve(),
      over: Promise.resolve(),
      stop: new AbortController(),
      leaveLine: new AbortController(),
      progress: { fraction: 0, step: `${row.name}: waiting` },
      listeners: new Set(),
    };
    this.#active.set(id, active);
    const line = this.#lines.get(row.id) ?? slots(1);
    this.#lines.set(row.id, line);
    let over: Promise<void> = Promise.resolve();
    active.activated = line
      .run(async () => {
        const run = await this.#launch(id, row, cargo, active);
        over = run?.over ?? over;
        await run?.activated;
      }, active.leaveLine.signal)
      // It left the line before its turn came: cancelled, or this program closes.
      .catch(() => this.#cancelledInLine(id));
    active.over = active.activated.then(() => over).finally(() => this.#active.delete(id));
    return active;
  }

  /** Pre-flight where nothing was sent yet, then the run. undefined: it ended before it began. */
  async #launch(id: string, row: DeviceRow, cargo: Cargo | undefined, active: Active): Promise<Run | undefined> {
    const { deployments, clock, log, contacts, store } = this.#o;
    const record = deployments.get(id);
    if (record.state === 'waiting' && !record.cancelAsked) {
      const failed = await this.#failsPreflight(record, row, cargo);
      if (this.#closed) return undefined;
      if (failed) {
        deployments.update(id, { state: 'failed', endedAt: clock.now(), error: failed, seconds: Math.max(0, (clock.now() - record.startedAt) / 1000) });
        this.#o.onChange(id);
        return undefined;
      }
    }
    active.run = startRun({
      id,
      deployments,
      client: contacts.client(row),
      blobs: store,
      clock,
      log,
      sending: this.#sending,
      closing: active.stop.signal,
      onChange: () => this.#o.onChange(id),
      onProgress: (progress) => {
        active.progress = progress;
        for (const listener of active.listeners) listener(progress);
      },
    });
    return active.run;
  }

  async #failsPreflight(record: DeploymentRecord, row: DeviceRow, cargo: Cargo | undefined): Promise<ErrorBody | undefined> {
    try {
      const what =
        cargo ??
        (await cargoOf(this.#o.registry, { ref: record.ref, variant: record.variant, watch: record.order.watch, allowDowngrade: record.order.allowDowngrade }));
      const { preflight, unreachable } = await checkCargo(this.#o, row, what);
      return preflightError(preflight, record.override, unreachable);
    } catch (error) {
      return asEdgewrightError(error).toBody();
    }
  }

  #cancelledInLine(id: string): void {
    const { deployments, clock } = this.#o;
    const record = deployments.get(id);
    if (!record.cancelAsked || record.state !== 'waiting') return;
    const error = endError({ device: record.device, ref: record.ref, state: 'cancelled', served: false });
    deployments.update(id, { state: 'cancelled', endedAt: clock.now(), error: error ?? null });
    this.#o.onChange(id);
  }

  /** Without a run: writes down how the device says it stands. */
  async #askOnce(row: DeviceRow, record: DeploymentRecord): Promise<void> {
    const { deployments, contacts, clock } = this.#o;
    const view = await contacts.client(row).deployment(record.id);
    if (!view || this.#closed || this.#active.has(record.id)) return;
    const state = view.state === 'receiving' ? 'sending' : view.state;
    if (state === record.state) return;
    const ended = isEnd(state);
    const error = ended ? endError({ device: row.name, ref: record.ref, state, served: record.state === 'on trial', view }) : undefined;
    deployments.update(record.id, { state, error: error ?? null, serving: view.serving ?? null, ...(ended && { endedAt: clock.now() }) });
    this.#o.onChange(record.id);
  }
}
