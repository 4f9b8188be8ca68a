/**
 * Entry of the proof process: runs the tiny model on the provider its argument names and answers with one JSON line on fd 4.
 * Falling back is forbidden for every provider but the CPU, and which provider ran which node is read from ONNX Runtime's own
 * profile: neither the list of backends nor a session that came up says that a provider works.
 */
import { writeSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { loadNative } from '#native';
import { PROOF_RUNS } from './limits.ts';
import { providerShortName } from './provider-names.ts';
import { tinyModel } from './tiny-model.ts';

loadNative()?.dieWithParent();
const provider = process.argv[2] ?? 'cpu';
const dir = await mkdtemp(join(tmpdir(), 'edgewright-proof-'));
let answer: unknown;
try {
  answer = { ok: true, ...(await prove(provider)) };
} catch (error) {
  answer = { ok: false, reason: error instanceof Error ? error.message : String(error) };
} finally {
  await rm(dir, { recursive: true, force: true });
}
writeSync(4, `${JSON.stringify(answer)}\n`);
// Some providers keep threads alive after release.
process.exit(0);

async function prove(name: string): Promise<{ nodes: Record<string, number>; latencyMs: number }> {
  const model = tinyModel();
  const session = await InferenceSession.create(model.bytes, {
    executionProviders: [name],
    enableProfiling: true,
    profileFilePrefix: join(dir, 'profile'),
    logSeverityLevel: 3,
    ...(name !== 'cpu' && { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
  });
  const feeds = { [model.inputName]: new Tensor('float32', model.input, model.dims) };
  let latencyMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < PROOF_RUNS; run++) {
    const began = performance.now();
    const outputs = await session.run(feeds);
    latencyMs = Math.min(latencyMs, performance.now() - began);
    const data = outputs[model.outputName]?.data as Float32Array | undefined;
    const wrong = model.expected.findIndex((value, i) => !(Math.abs((data?.[i] ?? Number.NaN) - value) < 1e-3));
    if (wrong !== -1) throw new Error(`it computed ${String(data?.[wrong])} where ${String(model.expected[wrong])} is right`);
  }
  session.endProfiling();
  const nodes = await nodesPerProvider();
  const others = Object.keys(nodes).filter((other) => other !== name);
  if (Object.keys(nodes).length === 0) throw new Error('the profile names no node');
  if (others.length > 0) throw new Error(`part of the model ran on ${others.join(', ')} instead`);
  return { nodes, latencyMs };
}

/** Counts each node once, whatever the number of runs. */
async function nodesPerProvider(): Promise<Record<string, number>> {
  const file = (await readdir(dir)).find((name) => name.startsWith('profile'));
  if (file === undefined) throw new Error('no profile was written');
  const events = JSON.parse(await readFile(join(dir, file), 'utf8')) as { cat?: string; name?: string; args?: { provider?: string } }[];
  const seen = new Map<string, string>();
  for (const event of events) {
    if (event.cat === 'Node' && event.args?.provider && event.name?.endsWith('_kernel_time')) seen.set(event.name, providerShortName(event.args.provider));
  }
  const counts: Record<string, number> = {};
  for (const name of seen.values()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
