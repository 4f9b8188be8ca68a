/**
 * The composition root: every service of one workspace, made once and handed to each other by constructor arguments.
 * The engine holds the workspace's lock for its lifetime; a command without an engine takes it for each write.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BundleSummary,
  type DeploySpec,
  type Device,
  type DeviceDetail,
  EdgewrightError,
  type HardwareReport,
  type Preflight,
  type QuantizeRequest,
  type QuantizeResult,
  type RollbackResult,
  type Status,
  type TrialSpec,
  type Warning,
} from '#contract';
import { openCatalogue, openRegistry, openStore, type Registry } from '#core/bundles';
import { type Fleet, openFleet, type Removal } from '#core/fleet';
import { detectHardware } from '#core/hardware';
import {
  acquireLock,
  type Clock,
  ensureDir,
  freeBytes,
  type Lock,
  type Log,
  onnxruntimeVersion,
  programRoot,
  programVersion,
  systemClock,
  type WorkspacePaths,
  workspacePaths,
} from '#core/platform';
import { type Keyring, openKeyring } from '#core/trust';
import { TrialStore } from '#core/trials';
import { loadNative } from '#native';
import { admit } from './admit.ts';
import { Changes } from './changes.ts';
import { Deployments } from './deployments.ts';
import { Inference } from './inference.ts';
import { Jobs } from './jobs.ts';
import { type PracticeDevice, practiceDevice } from './practice.ts';
import { quantize } from './quantize.ts';
import { Runnables } from './runnables.ts';
import { ownTempDir } from './temp.ts';
import { Trials } from './trials.ts';
import { WorkspaceDb } from './workspace-db.ts';

export interface CoreOptions {
  home: string;
  log: Log;
  /** `hold`: take the lock now and keep it; else for each write. Either waits `waitMs` for the writer before. */
  lock: { hold: boolean; waitMs: number };
  clock?: Clock;
}

export interface Core {
  paths: WorkspacePaths;
  log: Log;
  clock: Clock;
  changes: Changes;
  jobs: Jobs;
  db: WorkspaceDb;
  keyring: Keyring;
  registry: Registry;
  fleet: Fleet;
  trials: TrialStore;
  inference: Inference;
  practice: PracticeDevice;
  sampleDir: string;
  status(): Promise<Status>;
  hardware(options: { fresh: boolean; signal?: AbortSignal }): Promise<HardwareReport>;
  /** Runs `work` as the only writer of this workspace. */
  write<T>(what: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  buildBundle(dir: string, actor: string, signal?: AbortSignal): Promise<BundleSummary & { warnings: Warning[] }>;
  removeBundle(ref: string, actor: string): Promise<{ ref: string; freedBytes: number }>;
  startTrial(spec: TrialSpec, actor: string): Promise<{ jobId: string; trialId: string }>;
  addDevice(request: { address: string; name: string; code: string }, actor: string, signal?: AbortSignal): Promise<Device>;
  devices(): Promise<Device[]>;
  device(name: string): Promise<DeviceDetail>;
  removeDevice(name: string, actor: string): Promise<Removal>;
  rollback(request: { device: string; model?: string | undefined }, actor: string, signal?: AbortSignal): Promise<RollbackResult>;
  quantize(request: QuantizeRequest, signal?: AbortSignal): Promise<QuantizeResult>;
  preflight(spec: DeploySpec): Promise<Preflight[]>;
  startDeployment(spec: DeploySpec, actor: string): Promise<{ jobId: string; deployments: string[] }>;
  requestShutdown(): void;
  onShutdownRequest(listener: () => void): void;
  close(): Promise<void>;
}

export async function openCore(options: CoreOptions): Promise<Core> {
  const { log, clock = systemClock } = options;
  const paths = workspacePaths(options.home);
  await ensureDir(paths.home);
  let held: Lock | undefined = options.lock.hold ? await acquireLock(paths.lock, { what: 'the engine', waitMs: options.lock.waitMs }) : undefined;
  const startedAt = clock.now();
  const changes = new Changes();
  const jobs = new Jobs(changes, clock);
  const shutdownListeners: (() => void)[] = [];
  const closers: (() => Promise<void> | void)[] = [];
  try {
    const tempDir = await ownTempDir(paths.temp);
    closers.push(() => rm(tempDir, { recursive: true, force: true }));
    const keyring = await openKeyring(paths.keys);
    const db = new WorkspaceDb(join(paths.home, 'workspace.db'), clock);
    closers.push(() => db.close());
    const store = await openStore(paths.store);
    const catalogue = openCatalogue(paths.catalogue);
    closers.push(() => catalogue.close());
    const registry = await openRegistry({ store, catalogue, keyring });
    // What a kill between the blobs and the index left: invisible, and of use to nobody but the same build.
    if (held) await registry.collectGarbage();
    const trials = new TrialStore(join(paths.home, 'trials.db'));
    closers.push(() => trials.close());
    if (held) trials.markInterrupted();
    else if (trials.anyRunning()) await markInterrupted(trials, paths.lock);
    const fleet = await openFleet({
      dir: paths.home,
      keyring,
      registry,
      store,
      clock,
      log,
      follow: options.lock.hold,
      onnxruntime: onnxruntimeVersion(),
      onChange: (topic, id) => changes.publish(topic, id),
      verdictFor: (ref, variant) => trials.verdictOn(ref, variant),
    });
    closers.push(() => fleet.close());
    const practice = practiceDevice({ dir: paths.practice, fleet, log, onChange: () => changes.publish('status') });
    const runnables = new Runnables({ registry, tempDir });
    closers.push(() => runnables.close());
    const inference = new Inference({ registry, store, runnables });
    closers.push(() => inference.close());

    const write = async <T>(what: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
      if (held) return work();
      const lock = await acquireLock(paths.lock, { what, waitMs: options.lock.waitMs, ...(signal && { signal }) });
      try {
        return await work();
      } finally {
        await lock.release();
      }
    };
    const record = (actor: string, kind: string, message: string, extra: { link?: string; digest?: string } = {}) => {
      db.record({ actor, kind, message, ...extra });
      changes.publish('activity');
    };
    const hardware = (request: { fresh: boolean; signal?: AbortSignal }) => detectHardware({ ...request, cacheFile: join(paths.home, 'hardware.json') });
    const trialService = new Trials({
      registry,
      blobs: store,
      store: trials,
      jobs,
      changes,
      clock,
      tempDir,
      write,
      record,
      hardware: () => hardware({ fresh: false }),
      onnxruntime: onnxruntimeVersion(),
    });
    const deployments = new Deployments({ registry, fleet, jobs, write, record, chosenVariant: (ref) => trials.chosen(ref) });

    return {
      paths,
      log,
      clock,
      changes,
      jobs,
      db,
      keyring,
      registry,
      fleet,
      trials,
      inference,
      practice,
      hardware,
      write,
      sampleDir: join(programRoot(), 'assets', 'sample-bundle'),
      status: async () => {
        const problem = practice.problem();
        return {
          version: programVersion(),
          home: paths.home,
          workspaceId: keyring.workspaceId,
          pid: process.pid,
          startedAt,
          node: process.version,
          onnxruntime: onnxruntimeVersion(),
          native: loadNative() !== undefined,
          keyStore: keyring.keyStore,
          practiceDevice: practice.state(),
          ...(problem !== undefined && { practiceProblem: problem }),
          diskFreeBytes: await freeBytes(paths.home),
        };
      },
      buildBundle: (dir, actor, signal) =>
        write(
          'building a bundle',
          async () => {
            const warnings: Warning[] = [];
            const job = jobs.start({ kind: 'build', title: `Build the bundle in ${dir}`, link: '/bundles' }, (control) => {
              signal?.addEventListener('abort', () => void jobs.cancel(job.id).catch(() => {}), { once: true });
              return registry.build(dir, {
                admit: (candidate) => admit(candidate, control.signal),
                signal: control.signal,
                onProgress: (p) => control.progress(p.step, p.fraction),
                onWarning: (warning) => warnings.push(warning),
              });
            });
            const built = await job.done;
            record(actor, 'bundle.built', `Built ${built.name}@${built.version}`, { link: `/bundles/${built.name}@${built.version}`, digest: built.digest });
            changes.publish('bundles');
            return { ...built, warnings };
          },
          signal,
        ),
      removeBundle: (ref, actor) =>
        write('removing a bundle', async () => {
          const bundle = registry.resolve(ref);
          const name = `${bundle.name}@${bundle.version}`;
          const users = fleet
            .list()
            .filter((d) => d.bundles.some((b) => b.name === bundle.name && b.version === bundle.version && (b.state === 'active' || b.state === 'on trial')));
          if (users.length > 0) {
            throw new EdgewrightError({
              code: 'input.bundle-in-use',
              message: `${name} runs on ${users.map((d) => d.name).join(', ')}.`,
              hint: 'Deploy another version there first, or remove the device.',
              owner: 'input',
            });
          }
          const { freedBytes } = await registry.remove(ref);
          record(actor, 'bundle.removed', `Removed ${name}`, { digest: bundle.digest });
          changes.publish('bundles');
          return { ref: name, freedBytes };
        }),
      startTrial: (spec, actor) => trialService.start(spec, actor),
      addDevice: (request, actor, signal) =>
        write('enrolling a device', async () => {
          const device = await fleet.add(request, signal ? { signal } : {});
          record(actor, 'device.enrolled', `Enrolled ${device.name}`, { link: `/devices/${device.name}` });
          changes.publish('devices', device.name);
          return device;
        }),
      // The engine follows its devices; without one, what was last heard may be long past, so they are asked.
      devices: async () => (held ? fleet.list() : fleet.refresh()),
      device: async (name) => {
        if (!held) await fleet.refresh(name);
        return fleet.show(name);
      },
      removeDevice: (name, actor) =>
        write('removing a device', async () => {
          // It may be named by its id.
          const device = fleet.show(name);
          if (device.practice) db.saveSettings({ practiceDevice: false });
          const removal = await fleet.remove(device.id);
          if (device.practice) await practice.stop();
          record(actor, 'device.removed', `Removed ${device.name}${removal.told ? '' : ', which was not told'}`);
          changes.publish('devices', device.name);
          return removal;
        }),
      rollback: (request, actor, signal) => deployments.rollback(request, actor, signal),
      quantize: (request, signal) => quantize(request, { runnables, store }, signal),
      preflight: (spec) => fleet.preflight(deployments.withVariant(spec)),
      startDeployment: (spec, actor) => deployments.start(spec, actor),
      requestShutdown: () => {
        for (const listener of shutdownListeners) listener();
      },
      onShutdownRequest: (listener) => shutdownListeners.push(listener),
      close: async () => {
        await jobs.stopAll();
        if (options.lock.hold) await practice.stop();
        for (const close of closers.reverse()) await close();
        await held?.release();
        held = undefined;
      },
    };
  } catch (error) {
    for (const close of closers.reverse()) await close();
    await held?.release();
    throw error;
  }
}

/** Without an engine nobody looks after trials that were cut off, so whoever finds the lock free does. */
async function markInterrupted(trials: TrialStore, lockFile: string): Promise<void> {
  const lock = await acquireLock(lockFile, { what: 'looking after interrupted trials', waitMs: 0 }).catch(() => undefined);
  if (!lock) return;
  trials.markInterrupted();
  await lock.release();
}
