/** What Prometheus may ask this agent. Seconds and bytes; a handful of label values each, never an id or an error text. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Router } from './serving/router.ts';
import { AGENT_VERSION } from './version.ts';

/** Upper edges in seconds. Small models answer in tens of microseconds, so the usual web edges would see one bucket only. */
const LATENCY_EDGES = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export type Outcome = 'success' | 'failure' | 'rejected';

export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<'model' | 'version' | 'variant' | 'outcome'>;
  readonly #latency: Histogram<'model' | 'version' | 'variant' | 'phase'>;
  readonly #deployments: Counter<'model' | 'state'>;
  readonly #restarts: Counter<'model'>;

  constructor(router: Router) {
    const registers = [this.registry];
    this.#requests = new Counter({
      name: 'edgewright_inference_requests_total',
      help: 'Inference requests by outcome: success, failure (the model failed), rejected (the request was wrong, or too many at once).',
      labelNames: ['model', 'version', 'variant', 'outcome'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'edgewright_inference_duration_seconds',
      help: 'Duration of successful inference requests: phase run is the model alone, phase request all of it.',
      labelNames: ['model', 'version', 'variant', 'phase'],
      buckets: LATENCY_EDGES,
      registers,
    });
    this.#deployments = new Counter({
      name: 'edgewright_deployments_total',
      help: 'Deployments that reached a state.',
      labelNames: ['model', 'state'],
      registers,
    });
    this.#restarts = new Counter({ name: 'edgewright_runner_ended_total', help: 'Times a runner process ended by itself.', labelNames: ['model'], registers });
    new Gauge({ name: 'edgewright_agent_info', help: 'Version of the agent; always 1.', labelNames: ['version'], registers }).set(
      { version: AGENT_VERSION },
      1,
    );
    new Gauge({
      name: 'edgewright_model_ready',
      help: 'Whether the model that serves can answer now.',
      labelNames: ['model', 'version', 'variant'],
      registers,
      collect() {
        this.reset();
        for (const { options, ready } of router.all()) this.set({ model: options.model, version: options.version, variant: options.variant }, ready ? 1 : 0);
      },
    });
    new Gauge({
      name: 'edgewright_inference_in_flight',
      help: 'Requests that run or wait.',
      labelNames: ['model'],
      registers,
      collect() {
        this.reset();
        for (const session of router.all()) this.set({ model: session.options.model }, session.inFlight);
      },
    });
    new Gauge({
      name: 'edgewright_agent_resident_memory_bytes',
      help: 'Resident memory of the agent itself, without its runners.',
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
  }

  request(labels: { model: string; version: string; variant: string }, outcome: Outcome): void {
    this.#requests.inc({ ...labels, outcome });
  }

  latency(labels: { model: string; version: string; variant: string }, run: number, request: number): void {
    this.#latency.observe({ ...labels, phase: 'run' }, run);
    this.#latency.observe({ ...labels, phase: 'request' }, request);
  }

  deployment(model: string, state: string): void {
    this.#deployments.inc({ model, state });
  }

  runnerEnded(model: string): void {
    this.#restarts.inc({ model });
  }
}
