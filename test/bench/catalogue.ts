/** How long a screen waits for bundles where there are 10,000: over the engine's WebSocket, schemas checked on both sides. */
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
      ['search for one word', (i) => client.bundles.search({ text: `model-${i % 1000}` })],
      ['search for three words', () => client.bundles.search({ text: 'digit fp32 pytorch' })],
      ['search for what is nowhere', () => client.bundles.search({ text: 'zzz' })],
      ['show', (i) => client.bundles.show({ ref: ref(i) })],
    ];
    for (const [what, call] of calls) lines.push(`  ${what}: p95 ${(await p95(call, CALLS)).toPrecision(3)} ms`);
    lines.push(`  every bundle at once, which no screen asks for: p95 ${(await p95(() => client.bundles.list(), CALLS / 10)).toPrecision(3)} ms`);
    await close();
  } finally {
    await engine.close();
    await rm(home, { recursive: true, force: true });
  }
  return lines;
}

async function p95(call: (i: number) => Promise<unknown>, calls: number): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    await call(i);
    took.push(performance.now() - began);
  }
  return percentile(sorted(took), 95);
}
