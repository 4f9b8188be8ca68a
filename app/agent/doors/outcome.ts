/** How a request to a model ended: whose fault it was, and what the one who asks is told. */
import { asEdgewrightError } from '#contract';
import type { Metrics } from '../metrics.ts';
import type { ModelSession } from '../serving/session.ts';
import { HttpError } from './http.ts';

/** Who has to know how it ended. */
export interface Observers {
  metrics: Metrics;
  /** How one run of the model that serves ended, for the watch. */
  onOutcome(session: ModelSession, outcome: { ok: true; latencyMs: number } | { ok: false }): void;
}

/**
 * Counts a request that failed, and says what to answer. A model that fails on what fits its inputs is the server's failure.
 * @param running whether the model had the request
 */
export function failed({ metrics, onOutcome }: Observers, session: ModelSession, error: unknown, running: boolean): unknown {
  const { model, version, variant } = session.options;
  const known = asEdgewrightError(error);
  const busy = known.code === 'device.overloaded' || known.code === 'device.restarting';
  const failure = running && !busy && known.code !== 'cancelled';
  if (failure) onOutcome(session, { ok: false });
  metrics.request({ model, version, variant }, failure ? 'failure' : 'rejected');
  if (failure && !(error instanceof HttpError)) return new HttpError(500, known.toBody());
  return busy ? new HttpError(503, known.toBody(), { 'retry-after': '1' }) : error;
}

/**
 * Counts a request that was answered.
 * @param started by performance.now()
 */
export function answered({ metrics }: Observers, session: ModelSession, latencyMs: number, started: number): void {
  const { model, version, variant } = session.options;
  metrics.request({ model, version, variant }, 'success');
  metrics.latency({ model, version, variant }, latencyMs / 1000, (performance.now() - started) / 1000);
}
