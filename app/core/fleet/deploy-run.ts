/** Carries out one deployment: plan, take the first step, write down what came of it, plan again. */
import { createReadStream } from 'node:fs';
import { asEdgewrightError, EdgewrightError, type ErrorBody, formatBytes } from '#contract';
import type { BlobStore } from '#core/bundles';
import type { Clock, Log } from '#core/platform';
import { type BlobSource, mayRetry, PIECE_BYTES, pushBlob, pushManifest, retry } from '#core/distribution';
import type { DeploymentChange, DeploymentStore } from './deployment-store.ts';
import type { DeviceClient } from './device-client.ts';
import { type DeploymentStatus, MAX_UPLOAD_PIECE_BYTES, MAX_WHOLE_UPLOAD_BYTES } from '#core/protocol';
import { LOST_SIGHT_MS, MAX_SEND_ROUNDS, PROGRESS_MS } from './limits.ts';
import { endError } from './outcome.ts';
import type { Slots } from './parallel.ts';
import { type DeviceView, type EndState, isEnd, planDeployment, type Step } from './plan.ts';

export interface RunProgress {
  /** 0..1 until it serves or has ended. */
  fraction: number;
  step: string;
}

export interface RunOptions {
  id: string;
  deployments: DeploymentStore;
  client: DeviceClient;
  blobs: Pick<BlobStore, 'path' | 'read' | 'verify'>;
  clock: Clock;
  log: Log;
  /** Who may send at the same time. */
  sending: Slots;
  /** Ends the run without ending the deployment: this program closes. */
  closing: AbortSignal;
  onChange(): void;
  onProgress(progress: RunProgress): void;
}

export interface Run {
  /** Resolves once the device serves it (on trial or active), or the run is over. Never rejects. */
  activated: Promise<void>;
  /** Resolves when the run is over: the deployment ended, the device is out of sight, or this program closes. Never rejects. */
  over: Promise<void>;
  /** Call after `cancelAsked` is set: breaks off the step that is under way, so that it is planned anew. */
  interrupt(): void;
}

/** Where each state stands on the way, 0..1. */
const FRACTIONS: Record<string, number> = { waiting: 0, sending: 0.02, verifying: 0.75, testing: 0.82, activating: 0.95, 'on trial': 1 };
/** The share of the way that sending takes. */
const SENDING_SHARE = 0.7;

export function startRun(options: RunOptions): Run {
  const { id, deployments, client, clock, log } = options;
  let view: DeviceView | undefined;
  let status: DeploymentStatus | undefined;
  let cancelTold = false;
  let rounds = 0;
  let stepAbort = new AbortController();
  const begun = clock.monotonic();
  const secondsBefore = deployments.get(id).seconds;
  let serves = deployments.get(id).state === 'on trial';
  let lastProgress = Number.NEGATIVE_INFINITY;
  let markActivated: () => void = () => {};
  const activated = new Promise<void>((resolve) => {
    markActivated = resolve;
  });

  if (serves) markActivated();

  const record = () => deployments.get(id);
  const seconds = () => Math.round((secondsBefore + (clock.monotonic() - begun) / 1000) * 1000) / 1000;

  function write(change: DeploymentChange): void {
    deployments.update(id, { ...change, ...(!serves && { seconds: seconds() }) });
    options.onChange();
  }

  function end(state: EndState, error: ErrorBody | undefined): void {
    write({ state, endedAt: clock.now(), error: error ?? null, ...(status && { serving: status.serving ?? null }) });
    options.onProgress({ fraction: 1, step: state });
  }

  /** Takes in what the device says of the deployment. */
  function saw(next: DeploymentStatus): void {
    const before = record();
    status = next;
    view = { state: next.state, missing: next.missing };
    const state = next.state === 'receiving' ? 'sending' : next.state;
    if (isEnd(state)) return;
    if (state !== before.state || before.error) write({ state, error: null, serving: next.serving ?? null });
    if (state === 'on trial') {
      serves = true;
      markActivated();
    }
    if (state !== 'sending') options.onProgress({ fraction: FRACTIONS[state] ?? 0, step: `${before.device}: ${next.step ?? state}` });
  }

  async function send(step: Extract<Step, { do: 'send' | 'send manifest' }>, signal: AbortSignal): Promise<void> {
    const { order, device, deviceId } = record();
    const shared = { repository: order.name, clock, signal };
    if (step.do === 'send manifest') {
      const bytes = await options.blobs.read(step.digest);
      await pushManifest(client.peer, { digest: step.digest, mediaType: mediaTypeOf(bytes), bytes }, shared);
      write({ bytesSent: record().bytesSent + step.size });
    } else {
      const before = record().bytesSent;
      const missing = view === undefined || view === 'gone' ? [] : view.missing;
      const left = order.blobs.filter((b) => missing.includes(b.digest)).reduce((sum, b) => sum + b.size, 0);
      const total = Math.max(toSend, left, 1);
      const onBytes = (have: number, sent: number) => {
        const now = clock.monotonic();
        if (now - lastProgress < PROGRESS_MS) return;
        lastProgress = now;
        write({ bytesSent: before + sent });
        const share = (total - left + have) / total;
        options.onProgress({
          fraction: 0.02 + share * SENDING_SHARE,
          step: `sending to ${device}: ${formatBytes(total - left + have)} of ${formatBytes(total)}`,
        });
      };
      const memory = deployments.uploads(deviceId);
      const result = await pushBlob(client.peer, source(step.digest, step.size), {
        ...shared,
        memory,
        onBytes,
        announce: true,
        lacking: true,
        wholeBytes: MAX_WHOLE_UPLOAD_BYTES,
        pieceBytes: Math.min(PIECE_BYTES, MAX_UPLOAD_PIECE_BYTES),
      });
      write({ bytesSent: before + result.sentBytes });
    }
    if (view !== undefined && view !== 'gone') view = { ...view, missing: view.missing.filter((d) => d !== step.digest) };
  }

  let toSend = 0;

  /** `end` of createReadStream is inclusive; nothing at all is a stream of an empty range. */
  const source = (digest: string, size: number): BlobSource => ({
    digest,
    size,
    open: (start, stop) => createReadStream(options.blobs.path(digest), { start, end: stop - 1, highWaterMark: 256 * 1024 }),
  });

  /** One table for all steps. Each throws what went wrong; the loop below decides what follows from it. */
  const executors: { [K in Step['do']]: (step: Extract<Step, { do: K }>, signal: AbortSignal) => Promise<void> } = {
    ask: async (_step, signal) => {
      const next = await client.deployment(id, { signal });
      if (next) saw(next);
      else view = 'gone';
    },
    offer: async (_step, signal) => {
      const { order } = record();
      const accepted = await client.offer(order, signal);
      view = { state: accepted.state, missing: accepted.missing };
      toSend = order.blobs.filter((b) => accepted.missing.includes(b.digest)).reduce((sum, b) => sum + b.size, 0);
      write({ state: 'sending', error: null });
      options.onProgress({ fraction: FRACTIONS.sending ?? 0, step: `sending ${formatBytes(toSend)} to ${record().device}` });
      // It may have been further along already: then the whole answer is wanted, with reasons.
      if (accepted.state !== 'receiving') await executors.ask({ do: 'ask' }, signal);
    },
    send: (step, signal) => options.sending.run(() => send(step, signal), signal),
    'send manifest': (step, signal) => options.sending.run(() => send(step, signal), signal),
    follow: async (step, signal) => {
      // After sending, whether all of it is there is asked at once; only then is there something to wait for.
      const sent = step.state === 'receiving' ? await client.deployment(id, { signal }) : undefined;
      const waits = sent === undefined || (sent.state === 'receiving' && sent.missing.length === 0);
      const next = waits ? await client.deployment(id, { unlike: step.state, signal }) : sent;
      if (!next) {
        view = 'gone';
        return;
      }
      // Everything was sent, and it still lacks something: a blob was dropped. Send again, but not for ever.
      if (next.state === 'receiving' && next.missing.length > 0 && ++rounds > MAX_SEND_ROUNDS) throw keepsLosing(record().device, next.missing.length);
      saw(next);
    },
    'tell cancel': async (_step, signal) => {
      await client.cancel(id, signal);
      cancelTold = true;
      await executors.ask({ do: 'ask' }, signal);
    },
    end: async (step) => {
      const { device, ref } = record();
      end(step.state, endError({ device, ref, state: step.state, served: serves, view: status }));
    },
  };

  async function loop(): Promise<void> {
    let patience = retry({ clock, signal: options.closing, giveUpMs: LOST_SIGHT_MS });
    for (;;) {
      const now = record();
      const [step] = planDeployment({
        state: now.state,
        blobs: now.order.blobs,
        manifests: now.manifests,
        cancelAsked: now.cancelAsked,
        cancelTold,
        ...(view !== undefined && { view }),
      });
      if (!step) return;
      stepAbort = new AbortController();
      const signal = AbortSignal.any([options.closing, stepAbort.signal]);
      try {
        await (executors[step.do] as (step: Step, signal: AbortSignal) => Promise<void>)(step, signal);
        patience.progress();
      } catch (error) {
        if (options.closing.aborted) return;
        // Somebody asked to cancel: the same place, with other plans.
        if (stepAbort.signal.aborted) continue;
        if (!(await goesOn(error, step))) return;
      }
    }

    /** Whether the loop goes on after a step failed. What cannot be mended ends the deployment, or only our watching of it. */
    async function goesOn(error: unknown, step: Step): Promise<boolean> {
      const known = asEdgewrightError(error);
      const { state, cancelAsked } = record();
      const deviceDecides = state !== 'waiting' && state !== 'sending';
      // Sending has had its own patience.
      if (mayRetry(known) && !isSend(step) && !(cancelAsked && !deviceDecides)) {
        // On trial the device needs nothing from us: it may be out of sight for as long as it likes.
        if (state === 'on trial' && !cancelAsked) patience = retry({ clock, signal: options.closing, giveUpMs: Number.POSITIVE_INFINITY });
        try {
          await patience.wait(known);
          return true;
        } catch {
          if (options.closing.aborted) return false;
          if (deviceDecides) {
            write({ error: known.toBody() });
            log.warn({ deployment: id, error: known.code }, 'lost sight of a deployment');
            return false;
          }
        }
      }
      // It never got the whole bundle and drops the rest by itself, so cancelled it is, whether it hears of it or not.
      if (cancelAsked && mayRetry(known)) end('cancelled', endError({ device: record().device, ref: record().ref, state: 'cancelled', served: false }));
      else if (isSend(step) && known.owner === 'device' && (await movedOn())) return true;
      else end(step.do === 'offer' && known.owner !== 'network' ? 'refused' : 'failed', await reasonFor(known, step));
      return false;
    }
  }

  /** Whether the device has left the state in which it takes blobs: an answer may have been lost, or a newer deployment came. */
  async function movedOn(): Promise<boolean> {
    const next = await client.deployment(id, { signal: options.closing }).catch(() => undefined);
    if (!next || next.state === 'receiving') return false;
    saw(next);
    return true;
  }

  /** A blob that the device refuses may be damaged in our own store: say so. */
  async function reasonFor(error: EdgewrightError, step: Step): Promise<ErrorBody> {
    if (step.do !== 'send' || error.found !== 'DIGEST_INVALID' || (await options.blobs.verify(step.digest))) return error.toBody();
    return {
      code: 'machine.blob-damaged',
      message: `A file of ${record().ref} is damaged in the store of this computer; ${record().device} refused it.`,
      found: step.digest,
      hint: 'Run edgewright bundle verify, then build the bundle again.',
      owner: 'machine',
    };
  }

  const over = loop()
    .catch((error: unknown) => {
      log.error({ deployment: id, error: error instanceof Error ? error.stack : String(error) }, 'a deployment run broke');
      if (!isEnd(record().state)) end('failed', asEdgewrightError(error).toBody());
    })
    .finally(markActivated);
  return { activated, over, interrupt: () => stepAbort.abort() };
}

function isSend(step: Step): boolean {
  return step.do === 'send' || step.do === 'send manifest';
}

function keepsLosing(device: string, count: number): EdgewrightError {
  return new EdgewrightError({
    code: 'device.loses-blobs',
    message: `${device} took every file and then said again that it lacks ${count}.`,
    hint: 'Look at the disk of the device, and at its log.',
    owner: 'device',
  });
}

/** Content type of a manifest: what it says itself, as OCI asks. */
function mediaTypeOf(manifest: Uint8Array): string {
  const value: unknown = JSON.parse(Buffer.from(manifest).toString('utf8'));
  const type = typeof value === 'object' && value !== null && 'mediaType' in value ? value.mediaType : undefined;
  return typeof type === 'string' ? type : 'application/vnd.oci.image.manifest.v1+json';
}
