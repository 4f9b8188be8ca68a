/** Which session answers for a model right now. Changing it is one assignment: no request falls between two. */
import type { AgentStatus } from '#core/protocol';
import { sleep } from '#core/platform';
import { latencySummary } from '#core/runtime';
import type { ModelSession } from './session.ts';

/** How often `idle` looks, in ms. */
const IDLE_POLL_MS = 20;

export class Router {
  /** Loaded sessions by deployment: the one that serves, a candidate, the one before. */
  readonly #sessions = new Map<string, ModelSession>();
  readonly #serving = new Map<string, ModelSession>();
  /** Models that should answer, and will once they are loaded. */
  readonly #expected = new Set<string>();

  /** Deployments of one model that are loaded. */
  loaded(model: string): Set<string> {
    return new Set([...this.#sessions.values()].filter((s) => s.options.model === model).map((s) => s.options.id));
  }

  add(session: ModelSession): void {
    this.#sessions.set(session.options.id, session);
  }

  get(deployment: string): ModelSession | undefined {
    return this.#sessions.get(deployment);
  }

  /** From now on `deployment` answers for the model, at once or as soon as it is loaded; undefined: nothing does. */
  point(model: string, deployment: string | undefined): void {
    const session = deployment === undefined ? undefined : this.#sessions.get(deployment);
    if (deployment === undefined) this.#expected.delete(model);
    else this.#expected.add(model);
    if (session) this.#serving.set(model, session);
    else this.#serving.delete(model);
  }

  /** Forgets a session, so that it can be drained. */
  take(deployment: string): ModelSession | undefined {
    const session = this.#sessions.get(deployment);
    this.#sessions.delete(deployment);
    if (session && this.#serving.get(session.options.model) === session) this.#serving.delete(session.options.model);
    return session;
  }

  serving(model: string): ModelSession | undefined {
    return this.#serving.get(model);
  }

  /** Whether the model should answer, though it may not be loaded yet. */
  isExpected(model: string): boolean {
    return this.#expected.has(model);
  }

  /** Whether everything that should answer can. */
  allReady(): boolean {
    return [...this.#expected].every((model) => this.#serving.get(model)?.ready ?? false);
  }

  all(): ModelSession[] {
    return [...this.#serving.values()];
  }

  report(): AgentStatus['serving'] {
    return this.all().map(({ options, stats }) => ({
      model: options.model,
      requests: stats.requests,
      failures: stats.failures,
      ...(stats.latencies.length > 0 && percentiles(stats.latencies)),
      provider: 'cpu',
    }));
  }

  /** Resolves when no request is running, or after `ms`. */
  async idle(ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (performance.now() < end && [...this.#sessions.values()].some((session) => session.inFlight > 0)) await sleep(IDLE_POLL_MS);
  }

  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#serving.clear();
    this.#expected.clear();
    await Promise.all(sessions.map((session) => session.close()));
  }
}

function percentiles(latencies: readonly number[]): { p50Ms: number; p95Ms: number } {
  const { p50, p95 } = latencySummary(latencies);
  return { p50Ms: p50, p95Ms: p95 };
}
