/**
 * One WebSocket to the engine, kept alive. The first message is the token; only after the engine's `{"ok":true}` does
 * oRPC traffic begin. A lost connection is made again with growing pauses; calls wait for it a while, then fail plainly.
 */
import { RPCLink } from '@orpc/client/websocket';
import { EdgewrightError } from '#contract';

/** Pauses between attempts, in milliseconds: doubles from the first to the last. */
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 5_000;
/** How long the engine may take to answer the token. */
const GREETING_MS = 5_000;
/** How long a call waits for a connection before it fails. */
const CALL_WAIT_MS = 15_000;
/** Sockets that open and close without a greeting, in a row, before the link is taken to be an old one. */
const REFUSALS = 2;
/** Close code of a policy refusal (RFC 6455 §7.4.1). */
const POLICY_VIOLATION = 1008;

export type ConnectionPhase = 'connecting' | 'open' | 'lost' | 'refused';
export interface ConnectionState {
  phase: ConnectionPhase;
  /** Counts the times a connection was made: 1 = the first. */
  generation: number;
}
type Link = RPCLink<Record<never, never>>;

export class Connection {
  readonly #url: string;
  readonly #token: string;
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Set<(link: Link | undefined) => void>();
  #state: ConnectionState = { phase: 'connecting', generation: 0 };
  #link: Link | undefined;
  #pause = FIRST_PAUSE_MS;
  #refusals = 0;
  #timer: number | undefined;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): ConnectionState => this.#state;

  start(): void {
    window.addEventListener('online', () => this.retryNow());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retryNow();
    });
    this.#connect();
  }

  /** Skips the pause before the next attempt. */
  retryNow(): void {
    if (this.#timer === undefined) return;
    window.clearTimeout(this.#timer);
    this.#connect();
  }

  /** The link to call through; waits for a connection that is being made. */
  async link(signal: AbortSignal | undefined): Promise<Link> {
    if (this.#link) return this.#link;
    const link = await new Promise<Link | undefined>((resolve) => {
      const settle = (value: Link | undefined): void => {
        window.clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve(value);
      };
      const timer = window.setTimeout(() => settle(undefined), CALL_WAIT_MS);
      signal?.addEventListener('abort', () => settle(undefined), { once: true });
      this.#waiting.add(settle);
    });
    signal?.throwIfAborted();
    if (link) return link;
    throw new EdgewrightError({
      code: 'network.engine-unreachable',
      message: 'The engine does not answer.',
      hint: 'See whether npm start is still running; the window connects again by itself.',
      owner: 'network',
    });
  }

  #set(phase: ConnectionPhase): void {
    this.#state = { phase, generation: this.#state.generation + (phase === 'open' ? 1 : 0) };
    for (const listener of this.#listeners) listener();
  }

  #connect(): void {
    this.#timer = undefined;
    const socket = new WebSocket(this.#url);
    let greeted = false;
    let opened = false;
    const greetingTimer = window.setTimeout(() => socket.close(), GREETING_MS);
    socket.addEventListener('open', () => {
      opened = true;
      socket.send(JSON.stringify({ token: this.#token }));
    });
    const onGreeting = (event: MessageEvent): void => {
      socket.removeEventListener('message', onGreeting);
      window.clearTimeout(greetingTimer);
      if (!isGreeting(event.data)) {
        socket.close();
        return;
      }
      greeted = true;
      this.#refusals = 0;
      this.#pause = FIRST_PAUSE_MS;
      this.#link = new RPCLink({ websocket: socket });
      this.#set('open');
      for (const settle of [...this.#waiting]) settle(this.#link);
    };
    socket.addEventListener('message', onGreeting);
    socket.addEventListener('close', (event) => {
      window.clearTimeout(greetingTimer);
      this.#link = undefined;
      if (opened && !greeted) this.#refusals += 1;
      if (event.code === POLICY_VIOLATION && !greeted) this.#refusals = REFUSALS;
      if (this.#refusals >= REFUSALS) {
        this.#set('refused');
        return;
      }
      this.#set(this.#state.generation === 0 ? 'connecting' : 'lost');
      this.#timer = window.setTimeout(() => this.#connect(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, LAST_PAUSE_MS);
    });
  }
}

function isGreeting(data: unknown): boolean {
  if (typeof data !== 'string') return false;
  try {
    const message: unknown = JSON.parse(data);
    return typeof message === 'object' && message !== null && 'ok' in message && message.ok === true;
  } catch {
    return false;
  }
}
