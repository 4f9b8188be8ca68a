/**
 * Fetching one wheel from the package index: found by its name, resumed where it stopped, and taken for what it is only when
 * its SHA-256 is the one in the table.
 */
import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { INTERRUPTED, type Retry } from '#core/distribution';
import { fsyncDir, readPieces } from '#core/platform';
import { unreached } from './errors.ts';
import { MAX_ADDRESS_LENGTH } from './limits.ts';
import type { Wheel } from './table.ts';
import type { Web } from './web.ts';
import { wrongWheel } from './wheel.ts';

export interface DownloadOptions {
  web: Web;
  index: URL;
  signal?: AbortSignal | undefined;
  /** Called with the number of bytes of the wheel that are here. */
  onBytes(have: number): void;
  tries: Retry;
}

const PageSchema = z.looseObject({ files: z.array(z.looseObject({ filename: z.string(), url: z.string() })) });

/**
 * Fetches the wheel to `target`. What was fetched before, in `target`.part, is kept and gone on with.
 * @throws provider.not-published, provider.wrong-answer (network); provider.wheel-wrong (trust)
 */
export async function downloadWheel(wheel: Wheel, target: string, options: DownloadOptions): Promise<void> {
  const part = `${target}.part`;
  let address: URL | undefined;
  for (let whole = 0; ; ) {
    try {
      address ??= await findWheel(wheel, options);
      const found = await fetchRest(wheel, address, part, options);
      if (found === wheel.sha256) break;
      await rm(part, { force: true });
      // A part from an earlier time may have been damaged on the disk; a second wrong one is no accident.
      if (++whole > 1) throw wrongWheel(wheel, wheel.sha256, found);
    } catch (error) {
      await options.tries.wait(error);
    }
  }
  await rename(part, target);
  await fsyncDir(dirname(target));
}

/** Asks the index where the wheel is (PEP 691 as JSON, PEP 503 as HTML where it knows only that). */
async function findWheel(wheel: Wheel, { web, index, signal }: DownloadOptions): Promise<URL> {
  const page = new URL(`${wheel.project}/`, index);
  const answer = await web.get(page, { signal, headers: { accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.5' } });
  if (answer.status === 404) throw notPublished(wheel, page);
  if (answer.status !== 200) throw badStatus(page.host, answer.status);
  const text = answer.body.toString('utf8');
  const link = /json/i.test(String(answer.headers['content-type'] ?? '')) ? linkInJson(text, wheel, page) : linkInHtml(text, wheel);
  if (link === undefined) throw notPublished(wheel, page);
  const url = link.length > MAX_ADDRESS_LENGTH ? null : URL.parse(link, page.href);
  if (!url) throw unreached('wrong-answer', `${page.host} gave an address that cannot be read.`, { found: link.slice(0, 200) });
  url.hash = '';
  return url;
}

function linkInJson(text: string, wheel: Wheel, page: URL): string | undefined {
  try {
    return PageSchema.parse(JSON.parse(text)).files.find((file) => file.filename === wheel.file)?.url;
  } catch (cause) {
    throw unreached('wrong-answer', `${page.host} gave a page that is none of a package index.`, { cause });
  }
}

/** `<a href="…/name.whl#sha256=…">`: the name stands at the end of the address, whatever stands before it. */
function linkInHtml(text: string, wheel: Wheel): string | undefined {
  for (const [, href = ''] of text.matchAll(/href\s*=\s*"([^"]{1,2048})"/gi)) {
    const link = href.replaceAll('&amp;', '&');
    const path = link.replace(/[?#].*$/s, '');
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name === wheel.file || name === encodeURIComponent(wheel.file)) return link;
  }
  return undefined;
}

/** @returns the SHA-256 of the whole file */
async function fetchRest(wheel: Wheel, url: URL, part: string, options: DownloadOptions): Promise<string> {
  const handle = await open(part, 'a+', 0o600);
  try {
    let { size: have } = await handle.stat();
    if (have > wheel.bytes) await handle.truncate((have = 0));
    let hash = await hashOf(handle, options.signal);
    options.onBytes(have);
    if (have < wheel.bytes) {
      const { status, body } = await openRest(url, have, options);
      if (status === 200 && have > 0) {
        // The server does not know of ranges: from the beginning.
        await handle.truncate((have = 0));
        hash = createHash('sha256');
      }
      await take(handle, body, hash, wheel, have, options);
    }
    await handle.sync();
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

async function hashOf(handle: FileHandle, signal: AbortSignal | undefined): Promise<Hash> {
  const hash = createHash('sha256');
  for await (const piece of readPieces(handle, { signal })) hash.update(piece);
  return hash;
}

async function openRest(url: URL, have: number, { web, signal }: DownloadOptions): Promise<{ status: number; body: IncomingMessage }> {
  let body: IncomingMessage | undefined;
  const takes = (response: IncomingMessage) => {
    const wanted = response.statusCode === 200 || (response.statusCode === 206 && startsAt(response.headers['content-range'], have));
    if (wanted) body = response;
    return wanted;
  };
  const answer = await web.get(url, { signal, takes, ...(have > 0 && { headers: { range: `bytes=${have}-` } }) });
  if (!body) throw badStatus(url.host, answer.status);
  return { status: answer.status, body };
}

function startsAt(contentRange: string | undefined, have: number): boolean {
  return /^bytes (\d+)-/.exec(contentRange ?? '')?.[1] === String(have);
}

async function take(handle: FileHandle, body: IncomingMessage, hash: Hash, wheel: Wheel, from: number, options: DownloadOptions): Promise<void> {
  let have = from;
  const stop = () => body.destroy();
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of body) {
      const bytes = chunk as Buffer;
      if (have + bytes.length > wheel.bytes) throw wrongWheel(wheel, `${wheel.bytes} bytes`, 'more');
      await handle.appendFile(bytes);
      hash.update(bytes);
      have += bytes.length;
      options.onBytes(have);
      options.tries.progress();
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error instanceof EdgewrightError ? error : brokenOff(wheel, have, error);
  } finally {
    options.signal?.removeEventListener('abort', stop);
    body.destroy();
  }
  if (have < wheel.bytes) throw brokenOff(wheel, have);
}

function brokenOff(wheel: Wheel, have: number, cause?: unknown): EdgewrightError {
  const hint = 'Run it again: it goes on from where it stopped.';
  const found = `${have} of ${wheel.bytes} bytes`;
  return new EdgewrightError({ code: INTERRUPTED, message: `The download of ${wheel.file} broke off.`, found, hint, owner: 'network' }, { cause });
}

function badStatus(host: string, status: number): EdgewrightError {
  if (status === 408 || status === 429 || status >= 500)
    return new EdgewrightError({
      code: INTERRUPTED,
      message: `${host} cannot answer now.`,
      found: `status ${status}`,
      hint: 'Try again later.',
      owner: 'network',
    });
  return unreached('wrong-answer', `${host} refused the download.`, { found: `status ${status}` });
}

function notPublished(wheel: Wheel, page: URL) {
  return unreached('not-published', `${page.host} has no ${wheel.file}.`, {
    hint: 'A company’s index may hold only some packages: fetch the pack where the whole one can be reached, and install it with --from.',
  });
}
