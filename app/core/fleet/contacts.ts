/** Keeps in touch with devices: asks for their state, copies their history, and follows it while this program runs. */
import { asEdgewrightError, type EdgewrightError } from '#contract';
import { type Clock, type Log, sleep } from '#core/platform';
import { NOT_TRUSTED, openPeer } from '#core/transfer';
import type { Keyring } from '#core/trust';
import type { Memberships } from './memberships.ts';
import { type DeviceClient, deviceClient } from './device-client.ts';
import type { DeviceRow, DeviceStore } from './device-store.ts';
import { type AgentStatus, MAX_EVENTS, MAX_POLL_MS } from '#core/protocol';
import { FIRST_MISS_MS, MAX_MISS_MS, MAX_PARALLEL_DEVICES } from './limits.ts';
import { slots } from './parallel.ts';

export interface ContactOptions {
  devices: DeviceStore;
  keyring: Keyring;
  clock: Clock;
  log: Log;
  /** What we are to devices of others. */
  memberships: Pick<Memberships, 'check' | 'signedOrder' | 'tls'>;
  /** A device answered: what it lacks of our word is brought to it. */
  onAnswer(row: DeviceRow, status: AgentStatus): Promise<void>;
  /** A device answered: what is open with it can go on. */
  onSeen(row: DeviceRow, status: AgentStatus): void;
  /** Something a person sees of it has changed. */
  onChange(row: DeviceRow): void;
}

export interface Contacts {
  client(row: DeviceRow): DeviceClient;
  /** Asks it now, and writes down what it says or that it does not. @throws why it did not answer */
  ask(row: DeviceRow): Promise<AgentStatus>;
  /** From now on follows all devices, those that are added later too, until `close`. */
  follow(): void;
  /** Begins to follow a new device, where following is on. */
  added(row: DeviceRow): void;
  removed(id: string): void;
  /** It is reached elsewhere now, or by another certificate. */
  changed(id: string): void;
  close(): Promise<void>;
}

/** Answers by which a device says that we have no say on it, or none any more. */
const NOT_OURS: readonly string[] = [NOT_TRUSTED, 'trust.administrator-revoked', 'trust.grant-expired', 'trust.clock-behind'];

export function openContacts(options: ContactOptions): Contacts {
  const { devices, keyring, memberships, clock, log } = options;
  const clients = new Map<string, DeviceClient>();
  const asking = new Map<string, Promise<AgentStatus>>();
  const following = new Map<string, { abort: AbortController; done: Promise<void> }>();
  const polls = slots(MAX_PARALLEL_DEVICES);
  const questions = slots(MAX_PARALLEL_DEVICES);
  let on = false;

  function client(row: DeviceRow): DeviceClient {
    const known = clients.get(row.id);
    if (known) return known;
    const made = deviceClient(
      openPeer({ address: row.management, deviceId: row.id, label: row.name, tls: memberships.tls(row) }),
      row.workspace === null ? undefined : (order) => memberships.signedOrder(row, order),
    );
    clients.set(row.id, made);
    return made;
  }

  /** All events we do not have yet, in as many answers as it takes. */
  async function copyEvents(row: DeviceRow, waitMs: number, signal?: AbortSignal): Promise<number> {
    let added = 0;
    for (;;) {
      const events = await client(row).events(devices.lastSeq(row.id), added === 0 ? waitMs : 0, signal);
      if (!devices.byId(row.id)) return added;
      const news = devices.addEvents(row.id, events);
      added += news;
      // A device that says the same again and again must not keep us asking.
      if (events.length < MAX_EVENTS || news === 0) return added;
    }
  }

  async function question(row: DeviceRow): Promise<AgentStatus> {
    try {
      memberships.check(row);
      const status = await client(row).status();
      await options.onAnswer(row, status);
      const news = status.lastEventSeq > devices.lastSeq(row.id) ? await copyEvents(row, 0) : 0;
      const changed = devices.seen(row.id, status, clock.now());
      if (changed || news > 0) options.onChange(row);
      options.onSeen(row, status);
      return status;
    } catch (error) {
      throw missed(row, error);
    }
  }

  function missed(row: DeviceRow, error: unknown): EdgewrightError {
    const known = asEdgewrightError(error);
    // Then it was never asked.
    if (!keyring.unlocked) return known;
    const state = NOT_OURS.includes(known.code) ? 'does not trust us' : 'not seen';
    const problem = known.found === undefined ? known.message : `${known.message} (${known.found})`;
    if (known.owner === 'bug') log.error({ device: row.name, error: error instanceof Error ? error.stack : String(error) }, 'asking a device broke');
    if (devices.missed(row.id, state, problem)) options.onChange(row);
    return known;
  }

  function ask(row: DeviceRow): Promise<AgentStatus> {
    const under = asking.get(row.id);
    if (under) return under;
    const answer = questions.run(() => question(row)).finally(() => asking.delete(row.id));
    asking.set(row.id, answer);
    return answer;
  }

  /** Waits for the device's next event, then asks for its whole state; at the end of each wait too, for figures that make no event. */
  async function followOne(row: DeviceRow, signal: AbortSignal): Promise<void> {
    let pause = FIRST_MISS_MS;
    while (!signal.aborted) {
      try {
        await ask(devices.byId(row.id) ?? row);
        pause = FIRST_MISS_MS;
        // With more devices than polls, nobody may hold one for long.
        const begun = clock.monotonic();
        const news = await polls.run(() => copyEvents(row, polls.waiting > 0 ? 0 : MAX_POLL_MS, signal), signal);
        // Nor may one that answers at once with nothing new keep us busy.
        if (polls.waiting > 0 || (news === 0 && clock.monotonic() - begun < FIRST_MISS_MS)) await sleep(FIRST_MISS_MS, signal);
      } catch {
        if (signal.aborted) return;
        await sleep(pause, signal).catch(() => {});
        pause = Math.min(pause * 2, MAX_MISS_MS);
      }
    }
  }

  function start(row: DeviceRow): void {
    if (following.has(row.id)) return;
    const abort = new AbortController();
    following.set(row.id, { abort, done: followOne(row, abort.signal) });
  }

  function drop(id: string): Promise<void> | undefined {
    const one = following.get(id);
    one?.abort.abort();
    following.delete(id);
    clients.get(id)?.peer.close();
    clients.delete(id);
    return one?.done;
  }

  return {
    client,
    ask,
    follow() {
      on = true;
      for (const row of devices.all()) start(row);
    },
    added(row) {
      if (on) start(row);
    },
    removed: (id) => void drop(id),
    changed(id) {
      clients.get(id)?.peer.close();
      clients.delete(id);
    },
    async close() {
      on = false;
      const ids = new Set([...following.keys(), ...clients.keys()]);
      await Promise.all([...ids].map((id) => drop(id) ?? Promise.resolve()));
      await Promise.allSettled(asking.values());
    },
  };
}
