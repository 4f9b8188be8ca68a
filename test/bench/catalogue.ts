/**
 * How long a person waits for bundles where there are 10,000: over the engine's WebSocket, schemas checked on both sides, from
 * the call to the answer in hand; and what of it is work of the processor, engine and client together.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { percentile, sorted } from '#core/datasets';
import { connect } from '../../app/cli/connect.ts';
import { startEngine } from '../../app/engine/engine.ts';
import { makeBundles } from './many-bundles.ts';

const BUNDLES = 10_000;
const CALLS = 200;

/** @returns lines to print */
export async function catalogueFigures(): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), 'edgewright-bench-'));
  process.env.EDGEWRIGHT_HOME = home;
  process.env.EDGEWRIGHT_KEY_STORE = 'file';
  const lines = [`${BUNDLES} bundles: the catalogue is made from the blobs in ${(await makeBundles(home, BUNDLES)).toPrecision(3)} s`];
  const engine = await startEngine({ home, practice: false, sample: false });
  try {
    const { client, close } = await connect();
    const ref = (i: number) => `model-${String(((i * 7) % 999) + 1).padStart(3, '0')}@1.${i % 9}.0`;
    const calls: [string, (i: number) => Promise<unknown>][] = [
      ['list, a page of 100', (i) => client.bundles.search({ offset: (i * 100) % BUNDLES })],
      ['list, the newest first', (i) => client.bundles.search({ sort: '-created', offset: (i * 100) % BUNDLES })],
      ['search for one word', (i) => client.bundles.search({ text: `model-${i % 1000}` })],
      ['search for three words', () => client.bundles.search({ text: 'digit fp32 pytorch' })],
      ['search for what is nowhere', () => client.bundles.search({ text: 'zzz' })],
      ['show', (i) => client.bundles.show({ ref: ref(i) })],
    ];
    for (const [what, call] of calls) lines.push(`  ${what}: ${await figures(call, CALLS)}`);
    lines.push(`  every bundle at once, which no screen asks for: ${await figures(() => client.bundles.list(), CALLS / 10)}`);
    await close();
  } finally {
    await engine.close();
    await rm(home, { recursive: true, force: true });
  }
  return lines;
}

async function figures(call: (i: number) => Promise<unknown>, calls: number): Promise<string> {
  const took: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    await call(i);
    took.push(performance.now() - began);
  }
  const { user, system } = process.cpuUsage(before);
  return `p95 ${percentile(sorted(took), 95).toPrecision(3)} ms, of the processor ${((user + system) / 1000 / calls).toPrecision(3)} ms a call`;
}
