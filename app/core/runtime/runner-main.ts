/**
 * The runner: a process of its own that holds one model. ONNX Runtime is synchronous, cannot be cancelled, and takes its process
 * with it when a driver crashes; here that harms nobody. Started by runner.ts only.
 */
import { rmSync } from 'node:fs';
import { loadNative } from '#native';
import { openPipe } from './runner-pipe.ts';
import { ModelSession, type Ort, RunnerFailure } from './runner-session.ts';
import { startWatchdog } from './runner-watchdog.ts';
import type { Answer, Request, RunnerArguments } from './wire.ts';

const args = JSON.parse(process.argv[2] ?? '{}') as RunnerArguments;
// The watchdog, and not the system, ends it when the parent is gone: there is a folder to be removed first.
await startWatchdog(args);

// A terminal's Ctrl-C and a service manager's stop reach every process of the group: when a runner ends is its parent's decision.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

// With Float16Array there, onnxruntime-node 1.30 takes no float16 tensor at all; without it, it takes the raw 16 bits.
Reflect.deleteProperty(globalThis, 'Float16Array');
const ort: Ort = await import('onnxruntime-node');

// Not before ONNX Runtime is there: what belongs to the program itself is not the model's.
const limited = args.memoryLimitBytes > 0 && loadNative()?.setMemoryLimit(args.memoryLimitBytes) === true;
const model = new ModelSession(ort);
let confined = false;
let queue: Promise<void> = Promise.resolve();

const pipe = openPipe((header, body) => {
  const request = header as Request & { id: number };
  // One after another: a session is not shared between runs.
  queue = queue.then(() => answer(request, body));
}, end);

/** Before the first model is read. Drivers of other providers open sockets and start helpers; the CPU needs nothing of the kind. */
function giveUpRights(providers: readonly string[]): void {
  if (confined || providers.some((name) => name !== 'cpu')) return;
  confined = loadNative()?.confine({ write: args.writes }) === true;
}

/** The parent is gone or has let go: nothing here is worth keeping. */
function end(): never {
  rmSync(args.scratch, { recursive: true, force: true });
  process.exit(0);
}

async function answer(request: Request & { id: number }, body: Buffer): Promise<void> {
  const { id } = request;
  const send = (message: Answer, bodies?: Uint8Array[]) => pipe.send(message, bodies);
  try {
    if (request.op === 'load') {
      giveUpRights(request.session.providers);
      send({ id, ok: true, load: { ...(await model.load(request.session)), confined } });
    } else if (request.op === 'run') {
      const { headers, bodies, latencyMs } = await model.run(request.feeds, body, request.outputs);
      send({ id, ok: true, outputs: headers, latencyMs }, bodies);
    } else if (request.op === 'benchmark') {
      const { samples, cpuMs } = await model.benchmark(request.feeds, body, request.runs, request.warmup);
      send({ id, ok: true, samples: samples.length, cpuMs }, [new Uint8Array(samples.buffer)]);
    } else if (request.op === 'probe') {
      send({ id, ok: true, ...(await model.probe(request.feeds, body)) });
    } else if (request.op === 'profile') {
      send({ id, ok: true, profile: await model.profile(request.feeds, body, request) });
    } else {
      send({ id, ok: true, memory: { now: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 } });
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    send({ id, ok: false, kind: error instanceof RunnerFailure ? error.kind : 'run', message });
  }
}

pipe.send({ id: 0, limited, onnxruntime: ort.env.versions.node ?? ort.env.versions.common, backends: ort.listSupportedBackends().map((b) => b.name) });
