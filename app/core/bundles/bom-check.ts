/** Whether a bill of materials is one of this very variant: the model named, the manifest named, and every file with its hash. */
import type { EdgewrightError } from '#contract';
import { z } from 'zod';
import { altered } from './errors.ts';
import { MAX_BOM_BYTES, MAX_FILES } from './limits.ts';
import type { LayerFile } from './layer-file.ts';

/** The name of our properties that holds the digest of the variant's manifest. */
export const MANIFEST_PROPERTY = 'edgewright:manifest';

const Hashes = z.array(z.looseObject({ alg: z.string(), content: z.string() }));
const Properties = z.array(z.looseObject({ name: z.string(), value: z.string() }));

/** As much of CycloneDX 1.5 and later as is relied on here. */
const BomSchema = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string().regex(/^1\.([5-9]|\d{2})$/),
  version: z.number().int().min(1),
  metadata: z.looseObject({
    component: z.looseObject({ type: z.literal('machine-learning-model'), name: z.string(), version: z.string(), properties: Properties }),
  }),
  components: z.array(z.looseObject({ type: z.string(), name: z.string(), hashes: Hashes })).max(MAX_FILES + 1),
});
type Bom = z.infer<typeof BomSchema>;

/** What a bill has to be about. */
export interface BomSubject {
  name: string;
  version: string;
  /** Digest of the variant's manifest. */
  digest: string;
  files: readonly Pick<LayerFile, 'path' | 'digest'>[];
}

export interface BomVerdict {
  /** The bill as it is written down, to the byte: what is stored beside the statement must be this. */
  bytes: Buffer;
  /** Which revision of the variant's bill it is; 0 where that cannot be told. */
  revision: number;
  /** Why it is not this variant's. */
  problem?: EdgewrightError;
}

/**
 * Judges what somebody stated to be a variant's bill of materials.
 * @param document the predicate of the signed statement
 */
export function judgeBom(document: unknown, subject: BomSubject): BomVerdict {
  const bytes = bomBytes(document);
  if (bytes.length > MAX_BOM_BYTES) {
    const found = `${bytes.length} bytes`;
    return {
      bytes,
      revision: 0,
      problem: altered('trust.bom-too-large', 'The bill of materials is too large.', { expected: `at most ${MAX_BOM_BYTES} bytes`, found }),
    };
  }
  const read = BomSchema.safeParse(document);
  if (!read.success) {
    const issue = read.error.issues[0];
    const where = issue?.path.join('.').slice(0, 200) || 'its top';
    return {
      bytes,
      revision: 0,
      problem: altered('trust.bom-malformed', `The bill of materials is no CycloneDX document of a model: it is wrong at ${where}.`),
    };
  }
  const problem = differs(read.data, subject);
  return { bytes, revision: read.data.version, ...(problem && { problem }) };
}

/** The form in which a bill is written down: the same document gives the same bytes. */
export function bomBytes(document: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

function differs({ metadata: { component }, components }: Bom, { name, version, digest, files }: BomSubject): EdgewrightError | undefined {
  const manifests = component.properties.filter((one) => one.name === MANIFEST_PROPERTY).map((one) => one.value);
  if (component.name !== name || component.version !== version || manifests.length !== 1 || manifests[0] !== digest) {
    const found = `${component.name}@${component.version} ${manifests.join(', ')}`;
    return other('it is of another model or variant', { expected: `${name}@${version} ${digest}`, found: found.slice(0, 300) });
  }
  const listed = new Map(components.map((one) => [one.name, one.hashes.filter(({ alg }) => alg === 'SHA-256').map(({ content }) => `sha256:${content}`)]));
  if (listed.size !== components.length) return other('it lists a file twice');
  for (const { path, digest: expected } of files) {
    const found = listed.get(path);
    if (!found) return other(`it lacks ${path}`);
    if (found.length !== 1 || found[0] !== expected)
      return other(`${path} is another file there`, { expected, found: found.join(', ').slice(0, 300) || 'no hash' });
    listed.delete(path);
  }
  const [more] = listed.keys();
  return more === undefined ? undefined : other('it lists a file that the variant has not', { found: more.slice(0, 300) });
}

function other(why: string, detail: { expected?: string; found?: string } = {}): EdgewrightError {
  return altered('trust.bom-other', `The bill of materials does not describe this variant: ${why}.`, detail);
}
