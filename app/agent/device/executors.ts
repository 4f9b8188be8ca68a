/** What each planned step does. A step that fails throws; what follows from that is decided by its lane. */
import { asEdgewrightError, EdgewrightError } from '#contract';
import type { BlobStore } from '#core/bundles';
import type { Turns } from '#core/platform';
import { MAX_SERVE_ATTEMPTS, MAX_TEST_ATTEMPTS } from '../limits.ts';
import type { Metrics } from '../metrics.ts';
import type { Step } from '../plan.ts';
import type { HeadStarts } from '../serving/head-start.ts';
import type { Router } from '../serving/router.ts';
import { ModelSession, type SessionOptions } from '../serving/session.ts';
import { type DeploymentRecord, refOf } from '../state/deployments.ts';
import type { EventLog } from '../state/events.ts';
import type { IdentityStore, Trust } from '../state/identity.ts';
import type { Ledger } from '../state/ledger.ts';
import { CANDIDATE_STATES } from '../state/transitions.ts';
import type { AdministratorStore } from '../state/administrators.ts';
import { checkMayActivate, signersOf } from './authority.ts';
import { installBundle, type StagedBundle } from './install.ts';
import { testBundle } from './self-test.ts';
import type { Watches } from './watches.ts';

export interface Workshop {
  ledger: Ledger;
  store: BlobStore;
  router: Router;
  watches: Watches;
  events: EventLog;
  metrics: Metrics;
  identity: IdentityStore;
  administrators: AdministratorStore;
  /** Where the files of a deployment are laid out. */
  stagedDir(deployment: string): string;
  sessionOptions(record: DeploymentRecord, staged: StagedBundle): SessionOptions;
  rollBack(model: string, deployment: string, error: EdgewrightError): void;
  /** Runners started while their bundle was on its way. */
  headStarts: HeadStarts;
  /** Two who want the same bundle, an order by hand and the loop, must not lay it out over each other. */
  layingOut(deployment: string): Turns;
  /** What was laid out since the agent started. */
  staged: Map<string, StagedBundle>;
  /** Times each deployment failed to serve since the agent started. */
  serveFailures: Map<string, number>;
  /** Lets a session finish its requests, in the background. */
  retire(session: ModelSession): void;
}

type Executors = { [K in Step['do']]: (shop: Workshop, record: DeploymentRecord, step: Extract<Step, { do: K }>, signal: AbortSignal) => Promise<void> };

export const EXECUTORS: Executors = {
  // Nothing to do but wait; the planner never hands these out.
  receive: async () => {},
  watch: async () => {},

  verify: async (shop, record, _step, signal) => {
    if (record.state === 'receiving' && !shop.ledger.advance(record.id, 'receiving', 'verifying')) return;
    await layOut(shop, record, signal);
    signal.throwIfAborted();
    shop.ledger.advance(record.id, 'verifying', 'testing', { kind: 'verified', message: `${refOf(record)}: every digest and the signature are right.` });
  },

  test: async (shop, record, _step, signal) => {
    if (shop.ledger.beginTest(record.id) > MAX_TEST_ATTEMPTS) {
      throw new EdgewrightError({
        code: 'device.crash-loop',
        message: 'The agent ended each time it tested this bundle.',
        expected: `a test that ends within ${MAX_TEST_ATTEMPTS} attempts`,
        hint: 'The model probably takes more memory than the device has.',
        owner: 'gate',
      });
    }
    const staged = await layOut(shop, record, signal);
    const session = await openSession(shop, record, staged, signal);
    try {
      const said = await testBundle(session, staged, limitsOf(shop, record), signal);
      signal.throwIfAborted();
      shop.router.add(session);
      shop.ledger.advance(record.id, 'testing', 'activating', { kind: 'tested', message: `${refOf(record)}: ${said}` });
    } catch (error) {
      await session.close();
      throw error;
    }
  },

  warm: async (shop, record, _step, signal) => {
    const staged = await layOut(shop, record, signal);
    await keep(shop, await openSession(shop, record, staged, signal));
  },

  switch: async (shop, record) => {
    checkMayActivate(record, trustOf(shop), shop.administrators);
    // From here to the end nothing waits: no request falls between the old and the new.
    if (!shop.ledger.switchTo(record.id)) return;
    shop.router.point(record.model, record.id);
    shop.watches.begin(record, limitsOf(shop, record));
    shop.metrics.deployment(record.model, 'on trial');
  },

  serve: async (shop, record, _step, signal) => {
    try {
      const staged = await layOut(shop, record, signal);
      const session = await openSession(shop, record, staged, signal);
      await keep(shop, session);
      // It may have been rolled back while it was loading: then the next plan lets it go.
      if (shop.ledger.slot(record.model).serving !== record.id) return;
      shop.router.point(record.model, record.id);
      shop.watches.limit(record.model, record.id, limitsOf(shop, record));
      shop.serveFailures.delete(record.id);
      shop.events.add('serving', `${refOf(record)} serves.`, record.model);
    } catch (error) {
      if (signal.aborted) throw error;
      shop.events.add('not-serving', `${refOf(record)} cannot serve: ${asEdgewrightError(error).message}`, record.model);
      giveWay(shop, record, asEdgewrightError(error));
    }
  },

  commit: async (shop, record) => {
    if (!shop.ledger.commit(record.id)) return;
    shop.watches.end(record.model);
    shop.metrics.deployment(record.model, 'active');
  },

  'roll back': async (shop, record, step) => {
    shop.rollBack(record.model, record.id, new EdgewrightError(step.error));
  },

  stop: async (shop, record) => {
    const session = shop.router.take(record.id);
    if (session) shop.retire(session);
  },
};

/** Runs the executor of a step. */
export function execute(shop: Workshop, record: DeploymentRecord, step: Step, signal: AbortSignal): Promise<void> {
  const executor = EXECUTORS[step.do] as (shop: Workshop, record: DeploymentRecord, step: Step, signal: AbortSignal) => Promise<void>;
  return executor(shop, record, step, signal);
}

/** Verifies everything and lays the files out by name, once in the life of this process. */
export async function layOut(shop: Workshop, record: DeploymentRecord, signal: AbortSignal): Promise<StagedBundle> {
  return shop.layingOut(record.id).take(() => layOutOnce(shop, record, signal));
}

async function layOutOnce(shop: Workshop, record: DeploymentRecord, signal: AbortSignal): Promise<StagedBundle> {
  const known = shop.staged.get(record.id);
  if (known) return known;
  const signers = signersOf(record, trustOf(shop), shop.administrators);
  // What passed here once may be gone back to whenever it is needed, also after an agent that asks for more took over.
  const needsBom = CANDIDATE_STATES.includes(record.state);
  const staged = await installBundle(shop.store, record.order, { signers, needsBom }, shop.stagedDir(record.id), signal);
  shop.staged.set(record.id, staged);
  return staged;
}

function trustOf(shop: Workshop): Trust {
  const trust = shop.identity.trust();
  if (trust) return trust;
  throw new EdgewrightError({ code: 'trust.not-enrolled', message: 'This device belongs to no workspace.', owner: 'trust' });
}

export async function openSession(shop: Workshop, record: DeploymentRecord, staged: StagedBundle, signal: AbortSignal): Promise<ModelSession> {
  const options = shop.sessionOptions(record, staged);
  return ModelSession.open(options, signal, await shop.headStarts.take(record.id, options.memoryLimitBytes));
}

/** One session of a bundle is enough: an order by hand and the loop may have loaded the same one side by side. */
export async function keep(shop: Workshop, session: ModelSession): Promise<void> {
  if (shop.router.get(session.options.id)) await session.close();
  else shop.router.add(session);
}

/** The decision's own limits win over those of the bundle. */
function limitsOf(shop: Workshop, record: DeploymentRecord) {
  return { ...shop.staged.get(record.id)?.limits, ...record.order.limits };
}

/** What should serve cannot: when its bytes are wrong, or it failed again and again, the one before takes over. */
function giveWay(shop: Workshop, record: DeploymentRecord, error: EdgewrightError): void {
  const failures = (shop.serveFailures.get(record.id) ?? 0) + 1;
  shop.serveFailures.set(record.id, failures);
  shop.staged.delete(record.id);
  const rotten = error.owner === 'trust';
  const previous = shop.ledger.slot(record.model).previous;
  if (rotten) shop.events.add('bit-rot', `${refOf(record)}: ${error.message}`, record.model);
  // With nothing to go back to, trying again is the better hope; rotten bytes never mend.
  if (rotten || (failures >= MAX_SERVE_ATTEMPTS && previous !== undefined)) shop.rollBack(record.model, record.id, error);
  else throw error;
}
