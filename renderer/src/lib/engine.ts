/** The engine as the screens see it: a typed client, query helpers, and what changes while they look. */
import { type ClientLink, createORPCClient } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import { createTanstackQueryUtils } from '@orpc/tanstack-query';
import { onlineManager, QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import type { Change, Contract } from '#contract';
import { Connection, type ConnectionState } from './connection.ts';

/** Times a read is tried again after the connection broke in the middle of it. */
const READ_RETRIES = 2;
/** Changes that arrive within this time are read again together, in milliseconds. */
const GATHER_MS = 80;
/** Pause before the stream of changes is opened again while the connection itself holds, in milliseconds. */
const STREAM_PAUSE_MS = 1_000;

let connection: Connection | undefined;

function current(): Connection {
  if (!connection) throw new Error('The connection was not opened yet.');
  return connection;
}

/** Calls through whatever connection holds at the time of the call. */
const link: ClientLink<Record<never, never>> = {
  call: async (path, input, options) => (await current().link(options.signal)).call(path, input, options),
};

export const client: ContractRouterClient<Contract> = createORPCClient(link);

export const orpc = createTanstackQueryUtils(client);

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The engine says when something changed; nothing is polled.
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      refetchOnReconnect: 'always',
      retry: (failures) => failures < READ_RETRIES && current().snapshot().phase !== 'open',
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});

export function useConnection(): ConnectionState {
  const held = current();
  return useSyncExternalStore(held.subscribe, held.snapshot);
}

export function reconnectNow(): void {
  current().retryNow();
}

/** Opens the one connection and follows what changes. */
export function openEngine(token: string): void {
  const opened = new Connection(`${window.location.protocol === 'https:' ? 'wss' : 'ws'}://${window.location.host}/rpc`, token);
  connection = opened;
  onlineManager.setEventListener((setOnline) => {
    setOnline(opened.snapshot().phase === 'open');
    return opened.subscribe(() => setOnline(opened.snapshot().phase === 'open'));
  });
  let following: AbortController | undefined;
  opened.subscribe(() => {
    following?.abort();
    if (opened.snapshot().phase !== 'open') return;
    following = new AbortController();
    void queryClient.invalidateQueries();
    void followChanges(following.signal);
  });
  opened.start();
}

/** Reads the stream of changes until the connection ends, and has the screens read again what they show. */
async function followChanges(signal: AbortSignal): Promise<void> {
  let last: number | undefined;
  while (!signal.aborted) {
    try {
      for await (const change of await client.changes(undefined, { signal })) {
        if (last !== undefined && change.seq > last + 1) void queryClient.invalidateQueries();
        else gather(change.topic);
        last = change.seq;
      }
    } catch {
      // A broken stream means changes may have been missed: read everything again once it is back.
      last = undefined;
    }
    if (signal.aborted) return;
    await new Promise((resolve) => window.setTimeout(resolve, STREAM_PAUSE_MS));
    if (!signal.aborted) void queryClient.invalidateQueries();
  }
}

const TOPIC_KEYS: Record<Change['topic'], readonly (readonly unknown[])[]> = {
  bundles: [orpc.bundles.key()],
  trials: [orpc.trials.key()],
  devices: [orpc.devices.key(), orpc.administrators.key()],
  deployments: [orpc.deployments.key()],
  jobs: [orpc.jobs.key()],
  hardware: [orpc.hardware.key(), orpc.providers.key()],
  activity: [orpc.activity.key(), orpc.audit.key()],
  settings: [orpc.system.settings.key()],
  trust: [orpc.trust.key(), orpc.administrators.key()],
  status: [orpc.system.status.key(), orpc.workspace.key()],
};

const gathered = new Set<Change['topic']>();
let gatherTimer: number | undefined;

function gather(topic: Change['topic']): void {
  gathered.add(topic);
  gatherTimer ??= window.setTimeout(() => {
    gatherTimer = undefined;
    for (const each of gathered) for (const queryKey of TOPIC_KEYS[each]) void queryClient.invalidateQueries({ queryKey: [...queryKey] });
    gathered.clear();
  }, GATHER_MS);
}
