/** The whole loop on a real model, step by step; each returns the figures it measured and the lines a person reads. */
import { join } from 'node:path';
import { EdgewrightError, type Deployment, type Device, formatBytes, formatMs, significant } from '#contract';
import { sleep } from '#core/platform';
import type { Client } from '../connect.ts';
import { describeAnswer } from '../answers.ts';

import { inferBody, inferDigit } from './infer.ts';
import { MISSING_DIGIT, writeBadUpdate, writeGoodUpdate } from './updates.ts';

export interface DemoContext {
  client: Client;
  /** A folder of its own, removed afterwards. */
  workDir: string;
  sampleDir: string;
  /** Starts a real agent and pairs with it. */
  startDevice: () => Promise<void>;
  signal: AbortSignal;
}

export interface StepResult {
  figures: Record<string, unknown>;
  lines: string[];
}

type StepFunction = (context: DemoContext) => Promise<StepResult>;

const MODEL = 'digits';
const FIRST = '1.0.0';
const BAD = '1.1.0';
const GOOD = '1.2.0';
/** A watch that the demo's own requests can satisfy. */
const WATCH = { seconds: 0, requests: 5, minFailures: 3, maxFailureShare: 0.05 };
/** How long to wait for a state the device reaches by itself, in ms, and how often to look. */
const STATE_WAIT_MS = 20_000;
const STATE_POLL_MS = 100;

/** Names and order are a public promise: scripts read them. */
export const STEPS: readonly [name: string, run: StepFunction][] = [
  ['hardware', hardware],
  ['build', build],
  ['run', runOnce],
  ['trial', trial],
  ['enrol', enrol],
  ['deploy', deploy],
  ['infer', infer],
  ['bad-update-rolled-back', badUpdate],
  ['rollback', rollback],
];

async function hardware({ client }: DemoContext): Promise<StepResult> {
  const report = await client.hardware.report({ fresh: true });
  const verified = report.providers.filter((p) => p.state === 'verified').map((p) => p.name);
  if (!verified.includes('cpu')) throw failed('The CPU provider is not verified.', report.providers.find((p) => p.name === 'cpu')?.reason);
  return { figures: { summary: report.summary, verified, int8: report.cpu.int8.path }, lines: [report.summary] };
}

async function build({ client }: DemoContext): Promise<StepResult> {
  const built = await client.bundles.buildSample();
  const checked = await client.bundles.verify({ ref: `${built.name}@${built.version}` });
  if (!checked.ok || !checked.signed) throw failed('The bundle does not verify.', checked.bad.map((b) => b.problem).join('; '));
  return {
    figures: { digest: built.digest, signed: built.signed, blobs: checked.blobs, bytes: checked.bytes },
    lines: [`${built.name}@${built.version}, signed, ${checked.blobs} blobs, ${formatBytes(checked.bytes)}`],
  };
}

async function runOnce({ client, sampleDir }: DemoContext): Promise<StepResult> {
  const result = await client.inference.run({
    ref: `${MODEL}@${FIRST}`,
    input: { kind: 'file', path: join(sampleDir, 'examples', 'digit-7.png') },
    strictEp: false,
  });
  const best = result.answer.kind === 'labels' ? result.answer.labels[0] : undefined;
  if (best?.label !== '7') throw failed('The sample image of a seven was not read as 7.', describeAnswer(result.answer)[0]);
  return {
    figures: { label: best.label, confidence: best.confidence, latencyMs: result.latencyMs, providers: result.providers },
    lines: [
      `digit-7.png is a ${best.label} (${significant(best.confidence * 100)} %), ${formatMs(result.latencyMs)}, ${Object.entries(result.providers.actual)
        .map(([name, n]) => `${n} nodes on ${name}`)
        .join(', ')}`,
    ],
  };
}

async function trial({ client, signal }: DemoContext): Promise<StepResult> {
  const { jobId, trialId } = await client.trials.start({
    ref: `${MODEL}@${FIRST}`,
    variants: ['fp32', 'int8-dynamic', 'int8-static'],
    gates: ['metric >= 98% of fp32'],
    rounds: 5,
    runsPerRound: 100,
  });
  await jobDone(client, jobId, signal);
  const done = await client.trials.show({ id: trialId });
  if (!done.verdict?.chosen) throw failed('No variant passed the trial.', done.verdict?.reason);
  return {
    figures: {
      chosen: done.verdict.chosen,
      reason: done.verdict.reason,
      variants: done.variants.map((v) => ({
        name: v.name,
        bytes: v.bytes,
        metric: v.metric,
        golden: v.golden?.pass,
        latencyMs: v.machines[0]?.benchmark.latencyMs,
        peakMemoryBytes: v.machines[0]?.benchmark.peakMemoryBytes,
      })),
    },
    lines: [
      ...done.variants.map(
        (v) =>
          `${v.name.padEnd(13)} ${v.metric ? significant(v.metric.value) : 'not scored'}  p50 ${v.machines[0] ? formatMs(v.machines[0].benchmark.latencyMs.p50) : '–'}  ${v.bytes === undefined ? '' : formatBytes(v.bytes)}${v.error ? `  ${v.error.message}` : ''}`,
      ),
      `chosen: ${done.verdict.reason}`,
    ],
  };
}

async function enrol({ client, startDevice }: DemoContext): Promise<StepResult> {
  await startDevice();
  const device = await practice(client);
  return {
    figures: { device: device.name, id: device.id, management: device.management },
    lines: [`${device.name} paired by one-time code; management over mutual TLS at ${device.management}`],
  };
}

async function deploy(context: DemoContext): Promise<StepResult> {
  const { client, signal } = context;
  const done = await deployTo(context, FIRST, undefined);
  await sendDigits(context, [0, 1, 2, 3, 4, 5]);
  const active = await reaches(client, done.id, ['active'], signal);
  return {
    figures: { variant: done.variant, state: active.state, bytesTotal: done.bytesTotal, bytesSent: done.bytesSent, deploySeconds: done.seconds },
    lines: [`${MODEL}@${FIRST}#${done.variant} active; sent ${formatBytes(done.bytesSent)} in ${significant(done.seconds)} s`],
  };
}

async function infer(context: DemoContext): Promise<StepResult> {
  const began = performance.now();
  const answers = await sendDigits(context, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const right = answers.filter((a) => a.answer === a.digit).length;
  if (right < 9) throw failed('The device answers differently from this computer.', answers.map((a) => `${a.digit} read as ${a.answer}`).join(', '));
  const each = (performance.now() - began) / answers.length;
  return {
    figures: { requests: answers.length, right, millisecondsEach: each },
    lines: [`${right} of ${answers.length} digits right over the Open Inference Protocol, ${formatMs(each)} each with preparation`],
  };
}

async function badUpdate(context: DemoContext): Promise<StepResult> {
  const { client, workDir, sampleDir, signal } = context;
  const dir = join(workDir, 'bad-update');
  await writeBadUpdate(sampleDir, dir, BAD);
  await client.bundles.build({ dir });
  const done = await deployTo(context, BAD, 'fp32');
  let refused = 0;
  for (let i = 0; i < WATCH.minFailures + 2; i++) {
    const answers = await sendDigits(context, [MISSING_DIGIT]);
    refused += answers.filter((a) => a.error !== undefined).length;
  }
  const ended = await reaches(client, done.id, ['rolled back'], signal);
  const after = await sendDigits(context, [MISSING_DIGIT]);
  if (after[0]?.answer !== MISSING_DIGIT) throw failed('After the automatic rollback the device does not answer.', after[0]?.error);
  return {
    figures: { state: ended.state, failedRequests: refused, reason: ended.error?.message, servesAgain: ended.serving },
    lines: [
      `${MODEL}@${BAD} failed ${refused} live requests; the device put ${ended.serving ?? FIRST} back by itself`,
      `reason: ${ended.error?.message ?? ''}`,
    ],
  };
}

async function rollback(context: DemoContext): Promise<StepResult> {
  const { client, workDir, sampleDir, signal } = context;
  const dir = join(workDir, 'good-update');
  await writeGoodUpdate(sampleDir, dir, GOOD);
  await client.bundles.build({ dir });
  const done = await deployTo(context, GOOD, 'fp32');
  await sendDigits(context, [0, 1, 2, 3, 4, 5]);
  await reaches(client, done.id, ['active'], signal);
  const back = await client.devices.rollback({ device: (await practice(client)).name, model: MODEL });
  const [answer] = await sendDigits(context, [7]);
  if (answer?.answer !== 7) throw failed('After the rollback the device does not answer.', answer?.error);
  return { figures: { ...back }, lines: [`${back.from} → ${back.to} in ${significant(back.seconds)} s; the device answers`] };
}

async function deployTo({ client, signal }: DemoContext, version: string, variant: string | undefined): Promise<Deployment> {
  const { jobId, deployments } = await client.deployments.start({
    ref: `${MODEL}@${version}`,
    devices: [(await practice(client)).name],
    watch: WATCH,
    ...(variant !== undefined && { variant }),
    override: 'demo: this version was not in a trial',
  });
  await jobDone(client, jobId, signal);
  return client.deployments.show({ id: deployments[0] ?? '' });
}

async function sendDigits({ client, sampleDir }: DemoContext, digits: readonly number[]): Promise<{ digit: number; answer?: number; error?: string }[]> {
  const { inference } = await practice(client);
  const answers: { digit: number; answer?: number; error?: string }[] = [];
  for (const digit of digits) {
    const body = await inferBody(join(sampleDir, 'examples', `digit-${digit}.png`), join(sampleDir, 'recipe.yaml'));
    try {
      answers.push({ digit, answer: await inferDigit(inference, MODEL, body) });
    } catch (error) {
      answers.push({ digit, error: error instanceof Error ? error.message : String(error) });
    }
  }
  return answers;
}

async function practice(client: Client): Promise<Device> {
  const device = (await client.devices.list()).find((d) => d.practice);
  if (!device) throw failed('The practice device is not enrolled.');
  return device;
}

/** Waits for a job by its own events. */
async function jobDone(client: Client, jobId: string, signal: AbortSignal): Promise<void> {
  for await (const job of await client.jobs.watch({ id: jobId }, { signal })) {
    if (job.state === 'failed' || job.state === 'cancelled')
      throw new EdgewrightError(job.error ?? { code: 'cancelled', message: job.title, owner: 'cancelled' });
  }
}

/** Waits until a deployment is in one of `states`; a final state that is none of them is a failure. */
async function reaches(client: Client, id: string, states: readonly Deployment['state'][], signal: AbortSignal): Promise<Deployment> {
  const until = performance.now() + STATE_WAIT_MS;
  for (;;) {
    const now = await client.deployments.show({ id });
    if (states.includes(now.state)) return now;
    if (performance.now() > until || now.endedAt !== undefined)
      throw failed(`The deployment of ${now.ref} did not become ${states.join(' or ')}.`, `${now.state}${now.error ? `: ${now.error.message}` : ''}`);
    await client.devices.show({ name: now.device });
    await sleep(STATE_POLL_MS, signal);
  }
}

function failed(message: string, found?: string): EdgewrightError {
  return new EdgewrightError({ code: 'gate.demo', message, ...(found !== undefined && { found }), owner: 'gate' });
}
