/** The little of HTTP that the doors share: bounded bodies, JSON answers, errors in one form. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { asEdgewrightError, EdgewrightError, httpStatusOf } from '#contract';

/** An error with the HTTP status it must leave with, where its owner alone does not say. */
export class HttpError extends EdgewrightError {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, body: ConstructorParameters<typeof EdgewrightError>[0], headers: Record<string, string> = {}) {
    super(body);
    this.status = status;
    this.headers = headers;
  }
}

export function statusOf(error: unknown): number {
  return error instanceof HttpError ? error.status : httpStatusOf(asEdgewrightError(error).owner);
}

export function notFound(what: string): HttpError {
  return new HttpError(404, { code: 'usage.not-found', message: `There is no ${what} here.`, owner: 'usage' });
}

export function wrongMethod(allowed: string): HttpError {
  return new HttpError(
    405,
    { code: 'usage.method', message: 'This address does not take that request.', expected: allowed, owner: 'usage' },
    { allow: allowed },
  );
}

/** The address a request asks for. @throws 400 when it is none, such as `//[` */
export function urlOf(request: IncomingMessage): URL {
  const url = URL.parse(request.url ?? '/', 'http://device');
  if (url) return url;
  throw new HttpError(400, { code: 'input.address-wrong', message: 'The request asks for no valid address.', owner: 'input' });
}

/** The whole body, refused as soon as it is longer than `maxBytes`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () =>
    new HttpError(
      413,
      { code: 'input.too-large', message: 'The request is too large.', expected: `at most ${maxBytes} bytes`, owner: 'input' },
      { connection: 'close' },
    );
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** A JSON body that fits the schema. @throws input.body-wrong naming the field */
export async function readJson<T extends z.ZodType>(request: IncomingMessage, schema: T, maxBytes: number): Promise<z.infer<T>> {
  const body = await readBody(request, maxBytes);
  let value: unknown;
  try {
    value = body.length === 0 ? {} : JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new EdgewrightError({ code: 'input.body-wrong', message: 'The body is not JSON.', owner: 'input' }, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new EdgewrightError({
    code: 'input.body-wrong',
    message: `The field ${issue?.path.join('.') || '(whole body)'} is wrong: ${issue?.message ?? 'unknown'}.`,
    owner: 'input',
  });
}

export function sendJson(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  sendText(response, status, JSON.stringify(value), { 'content-type': 'application/json', ...headers });
}

export function sendText(response: ServerResponse, status: number, text: string, headers: Record<string, string>): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(text, 'utf8');
  response.writeHead(status, { 'content-length': String(body.length), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers });
  response.end(body);
}

/** A number in a query, held to a range; `fallback` when absent. */
export function queryNumber(query: URLSearchParams, name: string, fallback: number, max: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value > max) {
    throw new EdgewrightError({
      code: 'input.query-wrong',
      message: `${name} in the query is wrong.`,
      expected: `a whole number up to ${max}`,
      found: text.slice(0, 40),
      owner: 'input',
    });
  }
  return value;
}

/** Fires when the client went away. */
export function abortWhenGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}
