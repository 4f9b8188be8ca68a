/** The agent put together: folder, lock, database, store, doors. It only composes; what happens is decided in its parts. */
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { EdgewrightError, type HardwareReport } from '#contract';
import { openStore } from '#core/bundles';
import { Uploads } from '#core/distribution';
import type { ReadyLine } from '#core/protocol';
import { detectHardware } from '#core/hardware';
import {
  acquireLock,
  createLog,
  ensureDir,
  freeBytes,
  type Lock,
  systemClock,
  formatAddress,
  type HostPort,
  isLoopback,
  isUnspecified,
  listen,
  parseAddress,
} from '#core/platform';
import { createDeviceIdentity } from '#core/trust';
import { Device } from './device/device.ts';
import { bundlesOf } from './device/report.ts';
import { createInferenceServer } from './doors/inference.ts';
import { createManagementDoor } from './doors/management.ts';
import { openPairingDoor, type PairingDoor } from './doors/pairing.ts';
import { CLOSE_MS, FOLDER_WAIT_MS, HARDWARE_DELAY_MS, HOUSEKEEPING_MS, MAX_UPLOADS, UPLOAD_EXPIRES_MS } from './limits.ts';
import { Metrics } from './metrics.ts';
import { Router } from './serving/router.ts';
import { openAgentDatabase, Settings } from './state/database.ts';
import { AdministratorStore } from './state/administrators.ts';
import { EventLog } from './state/events.ts';
import { type Identity, IdentityStore } from './state/identity.ts';
import { Ledger } from './state/ledger.ts';
import { AGENT_VERSION } from './version.ts';

export interface AgentOptions {
  dir: string;
  /** The management door; the last one used, else any free port on 127.0.0.1. */
  listen?: HostPort | undefined;
  /** The inference door, likewise. */
  infer?: HostPort | undefined;
  /** Open the pairing door, unless the device already belongs to a workspace. */
  pair: boolean;
  /** Where the pairing code goes instead of the ready line. */
  codeFile?: string | undefined;
}

export interface Agent {
  ready: ReadyLine;
  /** Something the person should know, in one line. */
  notice: string | undefined;
  stop(): Promise<void>;
}

/** @throws machine.agent-running, machine.port-in-use, usage.address and whatever the file system says */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const undo: (() => Promise<void> | void)[] = [];
  /** Newest first; one that fails does not keep the others from being undone. */
  const undoAll = async () => {
    for (const step of undo.splice(0).reverse()) await Promise.resolve(step()).catch(() => {});
  };
  try {
    return await compose(options, undo, undoAll);
  } catch (error) {
    await undoAll();
    throw error;
  }
}

async function compose(options: AgentOptions, undo: (() => Promise<void> | void)[], undoAll: () => Promise<void>): Promise<Agent> {
  const { dir } = options;
  const clock = systemClock;
  await ensureDir(dir);
  const lock = await lockFolder(dir);
  undo.push(() => lock.release());
  const log = createLog('edgewright-agent', { file: join(dir, 'agent.log'), level: 'info' });
  const db = openAgentDatabase(dir);
  undo.push(() => void db.close());
  const settings = new Settings(db);
  const unclean = settings.get('ended-cleanly') === undefined;
  const identities = new IdentityStore(db);
  let identity = identities.identity() ?? (await newIdentity(identities));

  const store = await openStore(join(dir, 'store'));
  await store.sweepTemp();
  const uploads = new Uploads(join(dir, 'uploads'), { clock, max: MAX_UPLOADS, expiresMs: UPLOAD_EXPIRES_MS, yieldsMs: 0 });
  await uploads.sweep();
  const events = new EventLog(db, clock);
  const ledger = new Ledger(db, events, clock);
  const administrators = new AdministratorStore(db, clock);
  const router = new Router();
  const metrics = new Metrics(router);
  const device = new Device({ dir, ledger, store, uploads, router, events, metrics, identity: identities, administrators, clock, log });

  const inferenceAt = options.infer ?? storedAddress(settings, 'inference');
  if (!isLoopback(inferenceAt.host)) {
    throw new EdgewrightError({
      code: 'usage.address',
      message: 'The inference door opens on a loopback address only: it knows no one who comes in.',
      expected: '127.0.0.1:PORT or [::1]:PORT',
      found: formatAddress(inferenceAt.host, inferenceAt.port),
      owner: 'usage',
    });
  }
  const inference = createInferenceServer({
    router,
    metrics,
    host: inferenceAt.host,
    onOutcome: (session, outcome) => device.watches.outcome(session, outcome),
  });
  const inferencePort = await listen(inference, inferenceAt.host, inferenceAt.port);
  undo.push(() => closeServer(inference));
  const inferenceAddress = formatAddress(inferenceAt.host, inferencePort);

  let hardware: HardwareReport | undefined;
  let seen = identities.trust()?.seenAt !== undefined;
  const management = createManagementDoor(
    {
      device,
      ledger,
      events,
      push: { deployments: ledger, uploads, store, onBlob: (model) => device.onBlob(model) },
      administrators,
      deviceId: () => identity.deviceId,
      trust: () => trust,
      onSeen: () => {
        if (!seen) identities.markSeen(clock.now());
        seen = true;
      },
      status: async (caller) => ({
        id: identity.deviceId,
        name: trust?.name ?? identity.deviceId,
        agentVersion: AGENT_VERSION,
        time: clock.now(),
        inference: `http://${inferenceAddress}`,
        diskFreeBytes: await freeBytes(dir),
        bundles: bundlesOf(ledger, device.watches, clock),
        serving: router.report(),
        ...(hardware && { hardware }),
        lastEventSeq: events.last(),
        administrators: administrators.report(),
        ...(caller.kind === 'administrator' && { lastOrder: administrators.lastOrder(caller.key) }),
      }),
      forget: async () => {
        // Nobody may come in any more from here on, even before everything is deleted.
        trust = undefined;
        await device.forget();
        identity = await newIdentity(identities);
        seen = false;
        management.retrust(identity, undefined);
      },
    },
    identity,
    identities.trust(),
  );
  let trust = identities.trust();
  const managementAt = options.listen ?? storedAddress(settings, 'management');
  const managementPort = await listen(management.server, managementAt.host, managementAt.port);
  undo.push(() => closeServer(management.server));
  const managementAddress = formatAddress(managementAt.host, managementPort);
  settings.set('inference', inferenceAddress);
  settings.set('management', managementAddress);
  settings.delete('ended-cleanly');

  undo.push(() => device.stop());
  await device.start(unclean);
  events.add('started', unclean && trust ? 'The agent started after an unclean end.' : 'The agent started.');

  let door: PairingDoor | undefined;
  const wanted = options.pair && (trust === undefined || trust.seenAt === undefined);
  if (wanted) {
    door = await openPairingDoor({
      host: managementAt.host,
      identity,
      codeFile: options.codeFile,
      clock,
      addresses: (localHost) => ({ management: formatAddress(reachable(managementAt.host, localHost), managementPort), inference: inferenceAddress }),
      enrol: (next, revoked) => {
        db.transaction(() => {
          identities.saveTrust(next);
          administrators.reset(revoked);
        }).immediate();
        trust = next;
        events.add('enrolled', `This device now belongs to workspace ${next.workspaceId}, which calls it ${next.name}.`);
        management.retrust(identity, next);
      },
      onClosed: (why) => log.info({ why }, 'the pairing door closed'),
    });
    undo.push(() => door?.close());
  }

  const looking = new AbortController();
  const look = setTimeout(() => {
    detectHardware({ signal: looking.signal, cacheFile: join(dir, 'hardware.json') }).then(
      (report) => {
        hardware = report;
      },
      (error: unknown) => log.warn({ err: error }, 'the hardware could not be looked at'),
    );
  }, HARDWARE_DELAY_MS);
  const housekeeping = setInterval(() => void device.collect().catch((error: unknown) => log.warn({ err: error }, 'cleaning up failed')), HOUSEKEEPING_MS);
  undo.push(() => {
    clearTimeout(look);
    clearInterval(housekeeping);
    looking.abort();
  });

  return {
    ready: {
      ready: true,
      id: identity.deviceId,
      management: managementAddress,
      inference: inferenceAddress,
      ...(door && { pairing: { address: door.address, ...(door.code !== undefined && { code: door.code }), expires: door.expires } }),
    },
    notice:
      options.pair && !wanted && trust
        ? `This device already belongs to workspace ${trust.workspaceId}, so the pairing door stays closed. Remove the device there first.`
        : undefined,
    stop: async () => {
      inference.close();
      await router.idle(CLOSE_MS);
      // Before the database closes: the next start must not count this end as a crash.
      settings.set('ended-cleanly', 'yes');
      await undoAll();
    },
  };
}

async function lockFolder(dir: string): Promise<Lock> {
  try {
    return await acquireLock(join(dir, 'agent.lock'), { what: 'edgewright-agent', waitMs: FOLDER_WAIT_MS });
  } catch (error) {
    if (!(error instanceof EdgewrightError) || error.code !== 'machine.busy') throw error;
    throw new EdgewrightError(
      {
        code: 'machine.agent-running',
        message: `Another agent already runs on ${dir}.`,
        hint: 'Stop it, or name another folder with --dir.',
        owner: 'machine',
      },
      { cause: error },
    );
  }
}

async function newIdentity(identities: IdentityStore): Promise<Identity> {
  const deviceId = `dev-${randomBytes(8).toString('hex')}`;
  const { privateKeyPem, csrPem, selfSignedCertPem } = await createDeviceIdentity(deviceId);
  const identity = { deviceId, privateKeyPem, csrPem, selfSignedPem: selfSignedCertPem };
  identities.saveIdentity(identity);
  return identity;
}

/** The address of last time, so that whoever knows it finds us again. */
function storedAddress(settings: Settings, key: 'management' | 'inference'): HostPort {
  return parseAddress(settings.get(key) ?? '127.0.0.1:0');
}

/** The address under which whoever reached us at `localHost` reaches a door that listens everywhere. */
function reachable(host: string, localHost: string): string {
  return isUnspecified(host) ? localHost.replace(/^::ffff:/, '') : host;
}

/** Ends a server within CLOSE_MS: idle connections at once, busy ones after that. */
function closeServer(server: Pick<Server, 'close' | 'closeAllConnections' | 'closeIdleConnections'>): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
