/**
 * The inference door: Open Inference Protocol v2 over REST, and /metrics. Plain HTTP on a loopback address for the device's
 * own applications; Host and Origin are checked, so that no web page can reach it, by a name of its own (DNS rebinding) or
 * by sending a form across.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { asEdgewrightError, EdgewrightError } from '#contract';
import { hostOf, isLoopback } from '#core/platform';
import { HEADERS_MS, KEEP_ALIVE_MS, MAX_HEADER_BYTES, MAX_INFER_BODY_BYTES, MAX_INFERENCE_CONNECTIONS, REQUEST_MS } from '../limits.ts';
import type { Router } from '../serving/router.ts';
import type { ModelSession } from '../serving/session.ts';
import { AGENT_VERSION } from '../version.ts';
import { HttpError, notFound, readJson, sendJson, sendText, statusOf, urlOf, wrongMethod } from './http.ts';
import { generateText } from './generate.ts';
import { answered, failed, type Observers } from './outcome.ts';
import { feedsOf, InferRequestSchema, outputJson, tensorMetadata } from './oip-tensors.ts';

export interface InferenceServices extends Observers {
  router: Router;
  /** The host it listens on, allowed in the Host header beside the loopback names. */
  host: string;
}

const MODEL_PATH = /^\/v2\/models\/([a-z0-9._-]{1,63})(?:\/versions\/([0-9A-Za-z.-]{1,64}))?(\/ready|\/infer|\/generate|\/generate_stream)?$/;

export function createInferenceServer(services: InferenceServices): Server {
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    (request, response) => {
      void answer(services, request, response);
    },
  );
  server.maxConnections = MAX_INFERENCE_CONNECTIONS;
  return server;
}

async function answer(services: InferenceServices, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    checkHost(request.headers.host, services.host);
    checkOrigin(request.headers.origin);
    const { pathname } = urlOf(request);
    await route(services, request, response, pathname);
  } catch (error) {
    const known = asEdgewrightError(error);
    const detail = [known.message, known.expected && `expected ${known.expected}`, known.found && `found ${known.found}`].filter(Boolean).join('; ');
    sendJson(response, statusOf(error), { error: detail }, error instanceof HttpError ? error.headers : {});
  }
}

async function route(services: InferenceServices, request: IncomingMessage, response: ServerResponse, pathname: string): Promise<void> {
  const { router } = services;
  const runs = /\/(?:infer|generate|generate_stream)$/.test(pathname) && MODEL_PATH.test(pathname);
  const method = request.method ?? '';
  if (runs ? method !== 'POST' : method !== 'GET' && method !== 'HEAD') throw wrongMethod(runs ? 'POST' : 'GET, HEAD');
  if (pathname === '/v2' || pathname === '/v2/') return sendJson(response, 200, { name: 'edgewright-agent', version: AGENT_VERSION, extensions: ['generate'] });
  if (pathname === '/v2/health/live') return sendJson(response, 200, { live: true });
  if (pathname === '/v2/health/ready') {
    const ready = router.allReady();
    return sendJson(response, ready ? 200 : 503, { ready });
  }
  if (pathname === '/metrics')
    return sendText(response, 200, await services.metrics.registry.metrics(), { 'content-type': services.metrics.registry.contentType });
  const [, model, version, action] = MODEL_PATH.exec(pathname) ?? [];
  if (model === undefined) throw notFound('such address');
  const session = router.serving(model);
  if (!session && router.isExpected(model)) {
    throw new HttpError(503, { code: 'device.loading', message: `model "${model}" is being loaded`, owner: 'machine' }, { 'retry-after': '1' });
  }
  if (!session) throw notFound(`model "${model}"`);
  if (version !== undefined && version !== session.options.version) throw notFound(`version ${version} of model "${model}"; ${session.options.version} serves`);
  if (action === '/infer') return infer(services, session, request, response);
  if (action === '/generate' || action === '/generate_stream') return generateText(services, session, request, response, action === '/generate_stream');
  if (action === '/ready') return sendJson(response, session.ready ? 200 : 503, { name: model, ready: session.ready });
  sendJson(response, 200, {
    name: model,
    versions: [session.options.version],
    platform: 'onnx_onnxv1',
    inputs: session.inputs.map(tensorMetadata),
    outputs: session.outputs.map(tensorMetadata),
  });
}

async function infer(services: InferenceServices, session: ModelSession, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const started = performance.now();
  const { model, version } = session.options;
  let running = false;
  try {
    if (request.headers['inference-header-content-length'] !== undefined) {
      throw new HttpError(400, { code: 'input.binary-tensors', message: 'Binary tensors are not offered here; send JSON.', owner: 'input' });
    }
    const body = await readJson(request, InferRequestSchema, MAX_INFER_BODY_BYTES);
    const feeds = feedsOf(body, session.inputs);
    const wanted = body.outputs?.map((output) => output.name);
    const unknown = wanted?.find((name) => !session.outputs.some((output) => output.name === name));
    if (unknown !== undefined) throw new HttpError(400, { code: 'input.output-unknown', message: `the model has no output "${unknown}"`, owner: 'input' });
    running = true;
    const { outputs, latencyMs } = await session.infer(feeds);
    const names = wanted ?? Object.keys(outputs);
    const written = names.flatMap((name) => (outputs[name] ? [outputJson(name, outputs[name])] : []));
    const head = JSON.stringify({ model_name: model, model_version: version, ...(body.id !== undefined && { id: body.id }) });
    const text = `${head.slice(0, -1)},"outputs":[${written.join(',')}]}`;
    services.onOutcome(session, { ok: true, latencyMs });
    answered(services, session, latencyMs, started);
    sendText(response, 200, text, { 'content-type': 'application/json' });
  } catch (error) {
    throw failed(services, session, error, running);
  }
}

/** A browser names the page that sends; an application names none. Only pages of this very machine may. @throws 403 */
function checkOrigin(origin: string | undefined): void {
  if (origin === undefined) return;
  const url = URL.parse(origin);
  if (url && isLoopback(hostOf(url))) return;
  throw new EdgewrightError({
    code: 'trust.origin',
    message: 'This request was sent by a page from elsewhere.',
    expected: 'no Origin header, or one of a loopback address',
    found: origin.slice(0, 100),
    owner: 'trust',
  });
}

/** Only names that mean this device itself. @throws 403 */
function checkHost(header: string | undefined, configured: string): void {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(header ?? '');
  const host = (match?.[1] ?? match?.[2] ?? '').toLowerCase();
  if (isLoopback(host) || host === configured.toLowerCase()) return;
  throw new EdgewrightError({
    code: 'trust.host',
    message: 'This request was meant for another host.',
    expected: 'a loopback address in the Host header',
    found: (header ?? 'none').slice(0, 100),
    owner: 'trust',
  });
}
