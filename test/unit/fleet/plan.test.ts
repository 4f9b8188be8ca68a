import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DeviceView, type Facts, planDeployment, type Step } from '#core/fleet';

const digest = (n: number) => `sha256:${n.toString(16).padStart(64, '0')}`;
const blobs = [0, 1, 2, 3].map((n) => ({ digest: digest(n), size: n + 1 }));
/** 2 is the signature's manifest, 3 the variant's own. */
const manifests = [digest(2), digest(3)];

function facts(more: Partial<Facts>): Facts {
  return { state: 'waiting', blobs, manifests, cancelAsked: false, cancelTold: false, ...more };
}

test('a new deployment is offered, then what is missing is sent, manifests last and the own one at the very end', () => {
  expect(planDeployment(facts({}))).toEqual([{ do: 'offer' }]);
  const view: DeviceView = { state: 'receiving', missing: [digest(3), digest(1), digest(2)] };
  expect(planDeployment(facts({ state: 'sending', view }))).toEqual([
    { do: 'send', digest: digest(1), size: 2 },
    { do: 'send manifest', digest: digest(2), size: 3 },
    { do: 'send manifest', digest: digest(3), size: 4 },
    { do: 'follow', state: 'receiving' },
  ]);
});

test('after a restart the device is asked first; while it was being sent the offer is the question', () => {
  expect(planDeployment(facts({ state: 'sending' }))).toEqual([{ do: 'offer' }]);
  for (const state of ['verifying', 'testing', 'activating', 'on trial'] as const) expect(planDeployment(facts({ state }))).toEqual([{ do: 'ask' }]);
});

test('what the device does not know any more is offered again only where it can be', () => {
  expect(planDeployment(facts({ state: 'sending', view: 'gone' }))).toEqual([{ do: 'offer' }]);
  expect(planDeployment(facts({ state: 'testing', view: 'gone' }))).toEqual([{ do: 'end', state: 'failed' }]);
  expect(planDeployment(facts({ state: 'testing', view: 'gone', cancelAsked: true }))).toEqual([{ do: 'end', state: 'cancelled' }]);
});

test('a cancel is told once, and never to a device that was told nothing', () => {
  expect(planDeployment(facts({ cancelAsked: true }))).toEqual([{ do: 'end', state: 'cancelled' }]);
  const view: DeviceView = { state: 'receiving', missing: [digest(1)] };
  expect(planDeployment(facts({ state: 'sending', view, cancelAsked: true }))).toEqual([{ do: 'tell cancel' }]);
  expect(planDeployment(facts({ state: 'sending', view, cancelAsked: true, cancelTold: true }))).toEqual([{ do: 'follow', state: 'receiving' }]);
});

/** A device of a few lines: what it says after each step. */
interface World {
  known: boolean;
  state: Exclude<DeviceView, 'gone'>['state'];
  missing: Set<string>;
}
const AFTER: Partial<Record<World['state'], World['state']>> = { verifying: 'testing', testing: 'activating', activating: 'on trial', 'on trial': 'active' };

test('from any start, with restarts, forgetful devices and cancels at any place, it ends, and sends only what is missing', () => {
  const event = fc.constantFrom('go on', 'restart', 'cancel', 'refuse', 'forget');
  fc.assert(
    fc.property(fc.subarray([0, 1, 2, 3]), fc.array(event, { maxLength: 30 }), (there, events) => {
      const world: World = { known: false, state: 'receiving', missing: new Set(blobs.map((b) => b.digest).filter((_, i) => !there.includes(i))) };
      const now = facts({});
      const seen = (): DeviceView => (world.known ? { state: world.state, missing: world.state === 'receiving' ? [...world.missing] : [] } : 'gone');
      const takeIn = () => {
        now.view = seen();
        if (now.view !== 'gone') now.state = now.view.state === 'receiving' ? 'sending' : now.view.state === 'active' ? now.state : now.view.state;
      };
      for (let i = 0; ; i++) {
        expect(i).toBeLessThan(120);
        const what = events[i] ?? 'go on';
        if (what === 'restart') {
          delete now.view;
          now.cancelTold = false;
        }
        if (what === 'cancel') now.cancelAsked = true;
        if (what === 'refuse' && world.known && world.state !== 'active') world.state = 'refused';
        if (what === 'forget') world.known = false;
        const plan = planDeployment(now);
        const [step] = plan;
        if (!step) break;
        apply(step);
      }
      expect(['active', 'refused', 'cancelled', 'failed']).toContain(now.state);

      function apply(step: Step): void {
        switch (step.do) {
          case 'ask':
            return takeIn();
          case 'offer':
            if (!world.known) Object.assign(world, { known: true, state: 'receiving' });
            return takeIn();
          case 'send':
          case 'send manifest':
            expect(manifests.includes(step.digest)).toBe(step.do === 'send manifest');
            if (step.digest === digest(3)) expect(world.state !== 'receiving' || [...world.missing].every((d) => d === digest(3))).toBe(true);
            world.missing.delete(step.digest);
            if (now.view && now.view !== 'gone') {
              expect(now.view.missing).toContain(step.digest);
              now.view = { ...now.view, missing: now.view.missing.filter((d) => d !== step.digest) };
            }
            return;
          case 'follow':
            if (world.known && world.state === 'receiving' && world.missing.size === 0) world.state = 'verifying';
            else world.state = AFTER[world.state] ?? world.state;
            return takeIn();
          case 'tell cancel':
            if (world.known) world.state = 'cancelled';
            now.cancelTold = true;
            return takeIn();
          case 'end':
            now.state = step.state;
        }
      }
    }),
  );
});
