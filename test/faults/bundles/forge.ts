/** Bundles in files as nobody sound would make them: any tar header, and documents changed with every digest above them put right. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { digestOf } from '#core/bundles';

const BLOCK = 512;

export interface TarPart {
  name: string | Buffer;
  body?: Uint8Array;
  /** `0` where absent. */
  type?: string;
  /** What the header says; the body's length where absent. Text stands as it is. */
  size?: number | string | Buffer;
  link?: string;
  prefix?: string;
  /** `ustar\0` with `00` where absent. */
  magic?: string;
  /** Stands in the place of the right checksum. */
  checksum?: string;
}

/** One entry: header, content, padding. */
export function tarPart({ name, body = Buffer.alloc(0), type = '0', size = body.length, link = '', prefix = '', magic = 'ustar\0' + '00', checksum }: TarPart) {
  const header = Buffer.alloc(BLOCK);
  header.set(Buffer.from(name).subarray(0, 100), 0);
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  if (Buffer.isBuffer(size)) header.set(size, 124);
  else header.write(typeof size === 'string' ? size : `${size.toString(8).padStart(11, '0')}\0`, 124, 12, 'latin1');
  header.write('00000000000\0', 136, 'latin1');
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write(link, 157, 100, 'utf8');
  header.write(magic, 257, 'latin1');
  header.write(prefix, 345, 155, 'utf8');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return Buffer.concat([header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

export const END = Buffer.alloc(2 * BLOCK);

export function pax(records: Record<string, string>, type: 'x' | 'g' = 'x'): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest) + 1;
    while (String(length).length + Buffer.byteLength(rest) !== length) length++;
    return `${length}${rest}`;
  });
  return tarPart({ name: 'pax', type, body: Buffer.from(lines.join('')) });
}

/** The names of an archive of ours, with their content, in its order. */
export async function filesOf(archive: string): Promise<Map<string, Buffer>> {
  const bytes = await readFile(archive);
  const files = new Map<string, Buffer>();
  for (let at = 0; bytes[at] !== 0 && at < bytes.length; ) {
    const name = bytes.toString('latin1', at, bytes.indexOf(0, at));
    const size = Number.parseInt(bytes.toString('latin1', at + 124, at + 135), 8);
    if (!name.endsWith('/')) files.set(name, bytes.subarray(at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

export function tarOf(files: ReadonlyMap<string, Uint8Array>): Buffer {
  return Buffer.concat([...[...files].map(([name, body]) => tarPart({ name, body })), END]);
}

interface Entry {
  mediaType: string;
  digest: string;
  size: number;
  artifactType?: string;
  annotations?: Record<string, string>;
  [more: string]: unknown;
}
export interface Documents {
  list: { manifests: Entry[]; [more: string]: unknown };
  index: { manifests: Entry[]; annotations: Record<string, string>; [more: string]: unknown };
  manifest: { config: Entry; layers: Entry[]; [more: string]: unknown };
}

const PATH = 'org.cncf.model.filepath';

/**
 * An archive of one bundle without its signatures, changed.
 * @param change.files other bytes for files by their path in the bundle; what leads to them is put right
 * @param change.documents changes the documents, each after what it leads to was put right; returns the text where JSON cannot say it
 */
export function forge(
  files: ReadonlyMap<string, Buffer>,
  change: {
    files?: Record<string, Uint8Array>;
    manifest?: (manifest: Documents['manifest']) => string | void;
    index?: (index: Documents['index']) => string | void;
    list?: (list: Documents['list']) => string | void;
  },
): Map<string, Buffer> {
  const blobs = new Map<string, Buffer>();
  const get = (digest: string) => files.get(`blobs/sha256/${digest.slice(7)}`) ?? Buffer.alloc(0);
  const put = (entry: Entry, bytes: Uint8Array) => {
    Object.assign(entry, { digest: digestOf(bytes), size: bytes.length });
    blobs.set(`blobs/sha256/${entry.digest.slice(7)}`, Buffer.from(bytes));
  };
  const parse = <T>(bytes: Buffer | undefined) => JSON.parse((bytes ?? Buffer.from('{}')).toString('utf8')) as T;
  const text = (value: unknown, said: string | void) => Buffer.from(said ?? JSON.stringify(value));
  const list = parse<Documents['list']>(files.get('index.json'));
  const [listed] = list.manifests;
  if (!listed) throw new Error('the archive lists nothing');
  const index = parse<Documents['index']>(get(listed.digest));
  const [variant] = index.manifests;
  if (!variant) throw new Error('the bundle has no variant');
  const manifest = parse<Documents['manifest']>(get(variant.digest));
  for (const layer of manifest.layers) put(layer, change.files?.[layer.annotations?.[PATH] ?? ''] ?? get(layer.digest));
  put(manifest.config, get(manifest.config.digest));
  put(variant, text(manifest, change.manifest?.(manifest)));
  index.manifests = [variant];
  put(listed, text(index, change.index?.(index)));
  list.manifests = [listed];
  const bytes = text(list, change.list?.(list));
  return new Map([['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')], ['index.json', bytes], ...blobs]);
}

/** `[[[[…]]]]` */
export function deep(levels: number): string {
  return `${'['.repeat(levels)}${']'.repeat(levels)}`;
}

/** Every file below a folder with a hash of it, to see that nothing changed there. */
export function sumOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
