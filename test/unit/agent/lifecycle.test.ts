/**
 * Planner and ledger together, without processes: random orders, arrivals, test results, verdicts, cancels, rollbacks and
 * cuts (everything in memory lost) in any order. Whatever happens, what is written down stays a state the device may be in.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ErrorBody } from '#contract';
import { type AgentDeploymentState, type DeploymentOrder, ENDED_STATES } from '#core/protocol';
import { openSqlite, type Sqlite, systemClock } from '#core/platform';
import { type Actual, desiredOf, nextStep, type Plan, plan, type Step, type Verdict } from '../../../app/agent/plan.ts';
import { EventLog } from '../../../app/agent/state/events.ts';
import { CANCELLED, Ledger } from '../../../app/agent/state/ledger.ts';
import { MIGRATIONS } from '../../../app/agent/state/migrations.ts';
import { TRANSITIONS } from '../../../app/agent/state/transitions.ts';

const MODEL = 'digits';
const SLOW: ErrorBody = { code: 'device.too-slow', message: 'slow', owner: 'gate' };
const hex = (n: number) => n.toString(16).padStart(64, '0');

function orderOf(n: number, version = `${n}.0.0`, more: Partial<DeploymentOrder> = {}): DeploymentOrder {
  const manifest = { digest: `sha256:${hex(n)}`, size: 10 };
  return {
    id: `d${n}`,
    name: MODEL,
    version,
    variant: 'fp32',
    manifest,
    blobs: [manifest, { digest: `sha256:${hex(1000)}`, size: 5 }],
    watch: { seconds: 0, requests: 0, maxFailureShare: 0.05, minFailures: 3 },
    limits: {},
    allowDowngrade: false,
    ...more,
  };
}

function openLedger(): { db: Sqlite; ledger: Ledger; events: EventLog } {
  const db = openSqlite(':memory:', MIGRATIONS);
  const events = new EventLog(db, systemClock);
  return { db, events, ledger: new Ledger(db, events, systemClock) };
}

/** An agent whose runners and blobs are sets, so that only its decisions are left. */
class PaperAgent {
  readonly ledger: Ledger;
  readonly db: Sqlite;
  sessions = new Set<string>();
  here = new Set<string>();
  verdict: Verdict = { is: 'wait' };
  /** Deployments that passed their golden set. */
  readonly tested = new Set<string>();
  #n = 0;

  constructor() {
    ({ ledger: this.ledger, db: this.db } = openLedger());
  }

  accept(): void {
    this.#n++;
    this.ledger.accept(orderOf(this.#n));
  }

  plan(): Plan {
    const candidate = this.ledger.candidate(MODEL);
    const actual: Actual = { sessions: this.sessions, held: new Set(), missing: candidate && !this.here.has(candidate.id) ? 2 : 0, verdict: this.verdict };
    return plan(actual, desiredOf(this.ledger.slot(MODEL), this.ledger.ofModel(MODEL)));
  }

  /** Takes the next step of a lane; a candidate's fails when `fails`. @returns whether there was one */
  step(lane: keyof Plan, fails: boolean): boolean {
    const step = nextStep(this.plan(), lane);
    if (!step) return false;
    if (fails && (step.do === 'verify' || step.do === 'test' || step.do === 'warm')) this.ledger.refuse(step.deployment, SLOW);
    else this.#take(step);
    return true;
  }

  #take(step: Step): void {
    const { ledger, sessions } = this;
    const id = step.deployment;
    switch (step.do) {
      case 'verify':
        ledger.advance(id, 'receiving', 'verifying');
        ledger.advance(id, 'verifying', 'testing');
        return;
      case 'test':
        sessions.add(id);
        this.tested.add(id);
        ledger.advance(id, 'testing', 'activating');
        return;
      case 'warm':
      case 'serve':
        sessions.add(id);
        return;
      case 'switch':
        expect(sessions.has(id)).toBe(true);
        ledger.switchTo(id);
        this.verdict = { is: 'wait' };
        return;
      case 'commit':
        ledger.commit(id);
        return;
      case 'roll back':
        ledger.rollBack(MODEL, id, { error: step.error, state: 'rolled back', byHand: false });
        this.verdict = { is: 'wait' };
        return;
      case 'stop':
        sessions.delete(id);
        return;
      case 'receive':
      case 'watch':
        throw new Error('waiting is no step to take');
    }
  }

  check(): void {
    const all = this.ledger.ofModel(MODEL);
    const state = (id: string | undefined) => all.find((d) => d.id === id)?.state;
    const { serving, previous } = this.ledger.slot(MODEL);
    const onTheWay = all.filter((d) => ['receiving', 'verifying', 'testing', 'activating'].includes(d.state));
    expect(onTheWay.length).toBeLessThanOrEqual(1);
    expect(all.filter((d) => d.state === 'on trial').map((d) => d.id)).toEqual(state(serving) === 'on trial' ? [serving] : []);
    if (serving !== undefined) {
      expect(['on trial', 'active']).toContain(state(serving));
      expect(this.tested.has(serving)).toBe(true);
      expect(this.ledger.isLiveDeployment(serving)).toBe(true);
    }
    if (previous !== undefined) {
      expect(['active', 'superseded']).toContain(state(previous));
      expect(previous).not.toBe(serving);
      expect(this.ledger.isLiveDeployment(previous)).toBe(true);
    }
    for (const record of all) if (record.state === 'refused' || record.state === 'rolled back') expect(record.error).toBeDefined();
  }
}

type Act = { do: 'accept' | 'arrive' | 'cut' | 'cancel' | 'by hand' | 'good' | 'bad' } | { do: 'step'; lane: keyof Plan; fails: boolean };
const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('step' as const), lane: fc.constantFrom('serving' as const, 'candidate' as const), fails: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('step' as const), lane: fc.constantFrom('serving' as const, 'candidate' as const), fails: fc.constant(false) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'accept' as const,
        'arrive' as const,
        'arrive' as const,
        'cut' as const,
        'cancel' as const,
        'by hand' as const,
        'good' as const,
        'bad' as const,
      ),
    }),
  },
);

function act(agent: PaperAgent, what: Act): void {
  const { ledger } = agent;
  const { serving, previous } = ledger.slot(MODEL);
  const candidate = ledger.candidate(MODEL);
  const onTrial = serving !== undefined && ledger.get(serving)?.state === 'on trial';
  switch (what.do) {
    case 'step':
      agent.step(what.lane, what.fails);
      return;
    case 'accept':
      agent.accept();
      return;
    case 'arrive':
      if (candidate) agent.here.add(candidate.id);
      return;
    case 'cut':
      agent.sessions = new Set();
      agent.verdict = { is: 'wait' };
      return;
    case 'cancel':
      if (candidate) ledger.cancelCandidate(candidate.id);
      else if (onTrial) ledger.rollBack(MODEL, serving, { error: CANCELLED, state: 'cancelled', byHand: false });
      return;
    case 'by hand':
      if (serving !== undefined && previous !== undefined) ledger.rollBack(MODEL, serving, { error: CANCELLED, state: 'rolled back', byHand: true });
      return;
    case 'good':
      if (onTrial) agent.verdict = { is: 'commit' };
      return;
    case 'bad':
      if (onTrial) agent.verdict = { is: 'roll back', error: SLOW };
      return;
  }
}

describe('planner and ledger', () => {
  test('any history leaves a state the device may be in, and comes to rest when nothing more happens', () => {
    fc.assert(
      fc.property(fc.array(acts, { maxLength: 80 }), (history) => {
        const agent = new PaperAgent();
        for (const what of history) {
          act(agent, what);
          agent.check();
        }
        // Power comes back; everything asked for arrives; every verdict is good.
        agent.sessions = new Set();
        const candidate = agent.ledger.candidate(MODEL);
        if (candidate) agent.here.add(candidate.id);
        for (let steps = 0; steps < 40; steps++) {
          const serving = agent.ledger.slot(MODEL).serving;
          agent.verdict = serving !== undefined && agent.ledger.get(serving)?.state === 'on trial' ? { is: 'commit' } : { is: 'wait' };
          const moved = [agent.step('serving', false), agent.step('candidate', false)];
          agent.check();
          if (!moved.includes(true)) break;
        }
        const { serving } = agent.ledger.slot(MODEL);
        expect(agent.plan()).toEqual({ serving: [], candidate: [] });
        expect([...agent.sessions]).toEqual(serving === undefined ? [] : [serving]);
        if (candidate) expect(serving).toBe(candidate.id);
        if (serving !== undefined) expect(agent.ledger.get(serving)?.state).toBe('active');
        for (const record of agent.ledger.ofModel(MODEL)) expect(ENDED_STATES).toContain(record.state);
        agent.db.close();
      }),
      { numRuns: 150 },
    );
  });

  test('a candidate takes the same steps from wherever it was cut off', () => {
    const left = (state: AgentDeploymentState, sessions: string[] = []) =>
      plan(
        { sessions: new Set(sessions), held: new Set(), missing: 0, verdict: { is: 'wait' } },
        { model: MODEL, candidate: { id: 'c', state } },
      ).candidate.map((s) => s.do);
    expect(left('receiving')).toEqual(['verify', 'test', 'switch', 'watch', 'commit']);
    expect(left('verifying')).toEqual(['verify', 'test', 'switch', 'watch', 'commit']);
    expect(left('testing')).toEqual(['test', 'switch', 'watch', 'commit']);
    expect(left('activating', ['c'])).toEqual(['switch', 'watch', 'commit']);
    expect(left('activating')).toEqual(['warm', 'switch', 'watch', 'commit']);
  });

  test('the one before stays warm exactly as long as the trial lasts, unless an order by hand holds it', () => {
    const steps = (state: AgentDeploymentState, held: string[] = []) =>
      plan(
        { sessions: new Set(['new', 'old']), held: new Set(held), missing: 0, verdict: { is: 'wait' } },
        { model: MODEL, serving: { id: 'new', state }, previous: 'old' },
      ).serving.map((s) => `${s.do} ${s.deployment}`);
    expect(steps('on trial')).toEqual(['watch new']);
    expect(steps('active')).toEqual(['stop old']);
    expect(steps('active', ['old'])).toEqual([]);
  });
});

describe('the ledger', () => {
  /** Takes deployment n all the way. */
  function activate(ledger: Ledger, order: DeploymentOrder): void {
    ledger.accept(order);
    for (const [from, to] of [
      ['receiving', 'verifying'],
      ['verifying', 'testing'],
      ['testing', 'activating'],
    ] as const)
      ledger.advance(order.id, from, to);
    expect(ledger.switchTo(order.id)).toBe(true);
    expect(ledger.commit(order.id)).toBe(true);
  }

  test('refuses an older version than was committed, until a person decides otherwise', () => {
    const { ledger } = openLedger();
    activate(ledger, orderOf(1, '1.0.0'));
    activate(ledger, orderOf(2, '2.0.0'));
    expect(() => ledger.accept(orderOf(3, '1.9.9'))).toThrow(/older/);
    expect(() => ledger.accept(orderOf(3, '2.0.0-rc.1'))).toThrow(/older/);
    expect(ledger.accept(orderOf(4, '2.0.0')).record.state).toBe('receiving');
    // Falling back by itself does not open the way for older ones …
    ledger.rollBack(MODEL, 'd2', { error: SLOW, state: 'rolled back', byHand: false });
    expect(() => ledger.accept(orderOf(5, '1.5.0'))).toThrow(/older/);
    // … a decision does.
    activate(ledger, orderOf(6, '1.5.0', { allowDowngrade: true }));
    expect(ledger.floor(MODEL)).toBe('1.5.0');
  });

  test('a late verdict does not hit the successor', () => {
    const { ledger } = openLedger();
    activate(ledger, orderOf(1));
    activate(ledger, orderOf(2));
    expect(ledger.rollBack(MODEL, 'd1', { error: SLOW, state: 'rolled back', byHand: false })).toBeUndefined();
    expect(ledger.slot(MODEL)).toMatchObject({ serving: 'd2', previous: 'd1' });
    expect(ledger.commit('d1')).toBe(false);
    expect(ledger.refuse('d2', SLOW)).toBe(false);
  });

  test('keeps blobs of what serves, served before, or is on its way, and of nothing else', () => {
    const { ledger } = openLedger();
    for (const n of [1, 2, 3]) activate(ledger, orderOf(n));
    ledger.accept(orderOf(4));
    expect([1, 2, 3, 4].map((n) => ledger.isLive(`sha256:${hex(n)}`))).toEqual([false, true, true, true]);
    expect(ledger.isLive(`sha256:${hex(1000)}`)).toBe(true);
    expect(ledger.expectedSize(MODEL, `sha256:${hex(4)}`)).toBe(10);
    expect(ledger.expectedSize(MODEL, `sha256:${hex(3)}`)).toBeUndefined();
    expect(ledger.expectedSize('other', `sha256:${hex(4)}`)).toBeUndefined();
  });

  test('a rollback leads back to the one before and no further', () => {
    const { ledger } = openLedger();
    for (const n of [1, 2]) activate(ledger, orderOf(n));
    expect(ledger.rollBack(MODEL, 'd2', { error: SLOW, state: 'rolled back', byHand: true })?.to?.id).toBe('d1');
    expect(ledger.get('d1')?.state).toBe('active');
    expect(ledger.rollBack(MODEL, 'd1', { error: SLOW, state: 'rolled back', byHand: true })?.to).toBeUndefined();
    expect(ledger.slot(MODEL)).toMatchObject({ serving: undefined, previous: undefined });
  });

  test('writes each change down together with the event that tells of it', () => {
    const { ledger, events } = openLedger();
    activate(ledger, orderOf(1));
    const told = events.after(0, 100);
    expect(told.map((e) => e.kind)).toEqual(['accepted', 'switched', 'committed']);
    expect(events.last()).toBe(told.at(-1)?.seq);
    expect(() => ledger.accept({ ...orderOf(1), name: 'other' })).toThrow(/used before/);
    expect(events.after(0, 100)).toHaveLength(3);
  });
});

test('no state that has ended badly can be left', () => {
  expect(TRANSITIONS.refused).toEqual([]);
  expect(TRANSITIONS['rolled back']).toEqual([]);
  expect(TRANSITIONS.cancelled).toEqual([]);
});
