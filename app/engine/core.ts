/**
 * The composition root: every service of one workspace, made once and handed to each other by constructor arguments.
 * The engine holds the workspace's lock for its lifetime; a command without an engine takes it for each write.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asEdgewrightError, type HardwareReport, type QuantizeRequest, type QuantizeResult, type Status } from '#contract';
import { openCatalogue, openRegistry, openStore, type Registry } from '#core/bundles';
import { openRegistryMemory, openRepositories } from '#core/distribution';
import { type Fleet, openFleet } from '#core/fleet';
import { detectHardware } from '#core/hardware';
import {
  acquireLock,
  type Clock,
  ensureDir,
  freeBytes,
  type Lock,
  type Log,
  onnxruntimeVersion,
  programVersion,
  systemClock,
  type WorkspacePaths,
  workspacePaths,
} from '#core/platform';
import { type Keyring, type KeyringOptions, openKeyring, openTrustList } from '#core/trust';
import { TrialStore } from '#core/trials';
import { loadNative } from '#native';
import { AdministratorService } from './administrators.ts';
import { Audit, openAuditLog } from './audit.ts';
import { BundleFiles } from './bundle-files.ts';
import { Benchmarks } from './benchmarks.ts';
import { Bundles } from './bundles.ts';
import { Changes } from './changes.ts';
import { Checker } from './check.ts';
import { Deployments } from './deployments.ts';
import { Devices } from './devices.ts';
import { Imports } from './imports.ts';
import { Inference } from './inference.ts';
import { Jobs } from './jobs.ts';
import { Models } from './models.ts';
import { type PracticeDevice, practiceDevice } from './practice.ts';
import { ProviderPacks } from './provider-packs.ts';
import { quantize } from './quantize.ts';
import { Registries } from './registries.ts';
import { StoreService } from './store-service.ts';
import { Runnables } from './runnables.ts';
import type { RecordAct, Write } from './service.ts';
import { ownTempDir } from './temp.ts';
import { Trials } from './trials.ts';
import { TrustedSigners } from './trusted-signers.ts';
import { Uploads } from './uploads.ts';
import { Workspace } from './workspace.ts';
import { WorkspaceDb } from './workspace-db.ts';

export interface CoreOptions {
  home: string;
  log: Log;
  /** `hold`: take the lock now and keep it; else for each write. Either waits `waitMs` for the writer before. */
  lock: { hold: boolean; waitMs: number };
  clock?: Clock;
  /** Where new keys go; a workspace that is soon thrown away leaves nothing in the keychain. */
  keyStore?: KeyringOptions['store'];
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
  /** Trials as they are stored. */
  trials: TrialStore;
  bundles: Bundles;
  bundleFiles: BundleFiles;
  storeService: StoreService;
  trustedSigners: TrustedSigners;
  administrators: AdministratorService;
  imports: Imports;
  registries: Registries;
  uploads: Uploads;
  trialRuns: Trials;
  devices: Devices;
  deployments: Deployments;
  inference: Inference;
  benchmarks: Benchmarks;
  checker: Checker;
  models: Models;
  practice: PracticeDevice;
  providerPacks: ProviderPacks;
  workspace: Workspace;
  audit: Audit;
  status(): Promise<Status>;
  hardware(options: { fresh: boolean; signal?: AbortSignal }): Promise<HardwareReport>;
  /** Runs `work` as the only writer of this workspace. */
  write: Write;
  quantize(request: QuantizeRequest, signal?: AbortSignal): Promise<QuantizeResult>;
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
    const keyring = await openKeyring(paths.keys, { store: options.keyStore });
    const db = new WorkspaceDb(join(paths.home, 'workspace.db'));
    closers.push(() => db.close());
    const auditLog = openAuditLog({ home: paths.home, keyring, db, clock });
    closers.push(() => auditLog.close());
    const audit = new Audit({ log: auditLog, changes });
    const store = await openStore(paths.store);
    const repositories = openRepositories({ store, clock });
    closers.push(() => repositories.close());
    const catalogue = openCatalogue(paths.catalogue);
    closers.push(() => catalogue.close());
    const trust = openTrustList(paths.keys, keyring);
    const registry = await openRegistry({ store, catalogue, keyring, trust });
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
    store.addKeeper((digest) => fleet.needs(digest));
    // What a kill between the blobs and the index left: invisible, and of use to nobody but the same build.
    if (held) await registry.collectGarbage().catch((error: unknown) => log.warn({ error: asEdgewrightError(error).message }, 'nothing was swept'));
    const practice = practiceDevice({
      dir: paths.practice,
      fleet,
      log,
      onChange: () => changes.publish('status'),
      onEnrolled: (name) =>
        audit.record({ actor: 'edgewright', kind: 'device.enrolled', message: `Enrolled ${name}, which runs on this computer`, link: `/devices/${name}` }),
    });
    const runnables = new Runnables({ registry, tempDir });
    closers.push(() => runnables.close());
    const inference = new Inference({ registry, store, runnables });
    closers.push(() => inference.close());
    const models = new Models({ runnables });
    closers.push(() => models.close());

    const write: Write = async (what, work, signal) => {
      if (held) return work();
      const lock = await acquireLock(paths.lock, { what, waitMs: options.lock.waitMs, ...(signal && { signal }) });
      try {
        return await work();
      } finally {
        await lock.release();
      }
    };
    const record: RecordAct = (actor, kind, message, extra = {}) => audit.record({ actor, kind, message, ...extra });
    const hardware = (request: { fresh: boolean; signal?: AbortSignal }) => detectHardware({ ...request, cacheFile: join(paths.home, 'hardware.json') });
    const providerPacks = new ProviderPacks({
      dir: paths.providers,
      jobs,
      changes,
      clock,
      record,
      hardware: () => hardware({ fresh: false }),
      renewRunners: () => inference.renewRunners(),
    });
    await providerPacks.use();
    const trialRuns = new Trials({
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
    const storeService = new StoreService({ registry, repositories, jobs, changes, write, record });
    const bundleFiles = new BundleFiles({ registry, jobs, changes, write, record });
    const bundles = new Bundles({ registry, fleet, jobs, changes, write, record });
    const trustedSigners = new TrustedSigners({ trust, keyring, registry, fleet, jobs, changes, clock, write, record });
    const workspace = new Workspace({ home: paths.home, tempDir, store, jobs, keyring, changes, write, record });
    const registryMemory = openRegistryMemory(join(paths.home, 'registries.db'), clock);
    closers.push(() => registryMemory.close());
    const registries = new Registries({ registry, repositories, memory: registryMemory, clock, jobs, changes, write, record });
    const uploads = new Uploads(tempDir);
    closers.push(() => uploads.close());
    const devices = new Devices({ fleet, practice, db, changes, write, record, follows: options.lock.hold });

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
      bundles,
      bundleFiles,
      storeService,
      trustedSigners,
      administrators: new AdministratorService({ fleet, keyring, clock, changes, write, record }),
      imports: new Imports({ bundles, jobs, write, tempDir }),
      registries,
      uploads,
      trialRuns,
      devices,
      deployments,
      inference,
      benchmarks: new Benchmarks({ store, runnables, jobs, hardware: () => hardware({ fresh: false }) }),
      checker: new Checker(),
      models,
      practice,
      providerPacks,
      workspace,
      audit,
      hardware,
      write,
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
      quantize: (request, signal) => quantize(request, { runnables, store }, signal),
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
