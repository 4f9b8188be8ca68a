/** Detection on the machine the tests run on: real probes, real child processes, a real model run. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HardwareReportSchema } from '#contract';
import { cpuInfo, detectHardware, proveProvider, recordMachine } from '#core/hardware';

const FIXTURES = join(import.meta.dirname, '../../fixtures/hardware');
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgewright-hardware-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('this machine', () => {
  it('is detected, with the CPU verified by a model that ran', async () => {
    const report = await detectHardware({ fresh: true });
    expect(HardwareReportSchema.parse(report)).toEqual(report);
    expect(report.probes.filter((probe) => !probe.ok)).toEqual([]);
    expect(report.probes.length).toBeGreaterThanOrEqual(10);
    expect(report.summary).toMatch(/^Runs on /);
    expect(report.cpu.usableCores).toBeGreaterThan(0);
    expect(report.memory.totalBytes).toBeGreaterThan(report.memory.availableBytes);
    const cpu = report.providers.find((row) => row.name === 'cpu');
    expect(cpu).toMatchObject({ state: 'verified' });
    expect(Object.keys(cpu?.proof?.nodes ?? {})).toEqual(['cpu']);
    // Every row either ran a model or says why not.
    for (const row of report.providers) expect(row.state === 'verified' ? row.proof : row.reason).toBeTruthy();
    for (const device of report.devices) expect(device.state === 'verified' || device.stoppedBy !== undefined).toBe(true);
    // The last report is given again without looking.
    expect(await detectHardware()).toBe(report);
  });

  it('can leave proofs out', async () => {
    const report = await detectHardware({ verify: false });
    expect(report.providers.find((row) => row.name === 'cpu')?.state).toBe('runtime ok');
  });

  it('answers the same when recorded and replayed', async () => {
    const recorded = JSON.parse(JSON.stringify(await recordMachine())) as unknown;
    const live = await detectHardware({ fresh: true });
    const replayed = await detectHardware({ recording: recorded });
    expect(replayed.summary).toBe(live.summary);
    expect(replayed.providers.map((row) => [row.name, row.state, row.reason])).toEqual(live.providers.map((row) => [row.name, row.state, row.reason]));
    expect(replayed.devices.map((device) => [device.name, device.state])).toEqual(live.devices.map((device) => [device.name, device.state]));
    expect(replayed.cpu).toEqual(live.cpu);
    expect(replayed.machine.hostname).toBe('recorded');
  });

  it('keeps a report in a file, and gets over a broken one', async () => {
    const cacheFile = join(dir, 'hardware.json');
    const report = await detectHardware({ fresh: true, cacheFile });
    expect(JSON.parse(await readFile(cacheFile, 'utf8'))).toMatchObject({ report: { detectedAt: report.detectedAt } });
    await writeFile(cacheFile, '{"key": 3');
    expect((await detectHardware({ fresh: true, cacheFile })).detectedAt).toBeGreaterThanOrEqual(report.detectedAt);
  });

  it('tells the CPU at a glance', async () => {
    const report = await detectHardware();
    expect(cpuInfo()).toMatchObject({ model: report.cpu.model, features: report.cpu.features, int8: report.cpu.int8 });
  });
});

describe('broken probes', () => {
  it('cost their own answer and nothing else', async () => {
    const report = await detectHardware({ probeEntry: join(FIXTURES, 'broken-probes.ts'), probeLimitMs: 1500, verify: false });
    const failed = Object.fromEntries(report.probes.filter((probe) => !probe.ok).map((probe) => [probe.name, probe.error]));
    expect(Object.keys(failed).sort()).toEqual(['boards', 'nvidia', 'pci', 'vulkan']);
    expect(failed.pci).toBe('the bus is on fire');
    expect(failed.vulkan).toContain('no answer within 1500 ms; it said: about to hang');
    expect(failed.nvidia).toContain('SIGABRT');
    expect(failed.boards).toContain('cannot be read');
    // All the others answered, and all stand in their usual order whichever process they were in.
    const names = (await detectHardware({ verify: false })).probes.map((probe) => probe.name);
    expect(report.probes.map((probe) => probe.name)).toEqual(names);
    expect(report.probes.filter((probe) => probe.ok)).toHaveLength(names.length - 4);
    expect(report.memory.totalBytes).toBeGreaterThan(0);
    expect(report.providers.find((row) => row.name === 'cuda')?.reason).toBe('Not checked: the pci and nvidia probe failed.');
    expect(report.providers.find((row) => row.name === 'webgpu')?.reason).toBe('Not checked: the vulkan probe failed.');
  });

  it('costs every answer but no report when the process cannot start at all', async () => {
    const report = await detectHardware({ probeEntry: join(FIXTURES, 'is-not-there.ts'), verify: false });
    expect(report.probes.every((probe) => !probe.ok)).toBe(true);
    expect(report.cpu.cores).toBeGreaterThan(0);
  });
});

describe('a proof', () => {
  it('counts nodes from the profile', async () => {
    expect(await proveProvider('cpu')).toMatchObject({ ok: true, nodes: { cpu: expect.any(Number) } });
  });

  it('is never given for a provider that silently falls back or is unknown', async () => {
    // ONNX Runtime takes 'dml' off a platform's list with a mere warning, or refuses; neither may look like success.
    const absent = process.platform === 'win32' ? 'coreml' : 'dml';
    expect(await proveProvider(absent)).toMatchObject({ ok: false, reason: expect.any(String) });
    expect(await proveProvider('nonsense')).toMatchObject({ ok: false });
  });

  it.runIf(process.platform === 'linux')('says what CUDA lacks where there is none, or runs on it', async () => {
    const proof = await proveProvider('cuda');
    if (proof.ok) expect(Object.keys(proof.nodes)).toEqual(['cuda']);
    else expect(proof.reason.length).toBeGreaterThan(10);
  });

  it('ends a process that hangs', async () => {
    const entry = join(dir, 'hang.mjs');
    await writeFile(entry, 'for (;;);');
    expect(await proveProvider('cpu', { entry, limitMs: 300 })).toEqual({ ok: false, reason: 'It did not finish within 0.3 s.' });
  });

  it('reports a crash as one', async () => {
    const entry = join(dir, 'crash.mjs');
    await writeFile(entry, 'console.error("driver: unrecoverable"); process.kill(process.pid, "SIGSEGV"); setInterval(() => {}, 1000);');
    expect(await proveProvider('cpu', { entry })).toMatchObject({ ok: false, reason: expect.stringMatching(/SIGSEGV/) });
  });

  it('can be cancelled', async () => {
    await expect(proveProvider('cpu', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    const controller = new AbortController();
    const waiting = detectHardware({ fresh: true, signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});
