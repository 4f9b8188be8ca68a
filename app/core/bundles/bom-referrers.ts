/**
 * A variant's bill of materials as it is attached: the document as one referrer, so that any tool finds it, and a signed
 * statement that holds it as another. It is no part of the signed file set, because it names the manifest, and because a trial
 * adds its figures later; so it is signed on its own, in the form that in-toto has for CycloneDX.
 */
import { isDeepStrictEqual } from 'node:util';
import { programVersion } from '#core/platform';
import { attest, BOM_PREDICATE, type Keyring } from '#core/trust';
import { type BomFacts, type BomMetric, bomOf, measured } from './bom.ts';
import { bomBytes } from './bom-check.ts';
import { altered } from './errors.ts';
import type { Descriptor, Document } from './oci.ts';
import { bomReferrer, signatureReferrer } from './referrers.ts';

/** Documents to be stored, and what the store's index is to list of them. */
export interface Attached {
  descriptors: Descriptor[];
  all: Document[];
}

type Signing = Pick<Keyring, 'sign' | 'publicKeyPem'>;

/** Makes a variant's bill and signs it. @param manifest the variant's, as its index lists it */
export function makeBom(keyring: Signing, manifest: Descriptor, facts: Omit<BomFacts, 'digest' | 'program'>): Attached {
  const { source, variant, at } = facts;
  const document = bomOf({ ...facts, digest: manifest.digest, program: programVersion() });
  return attachBom(keyring, manifest, `${source.name}@${source.version}#${variant}`, document, at);
}

/** A bill as referrer, with this workspace's statement of it. @param at milliseconds since the epoch */
export function attachBom(keyring: Signing, manifest: Descriptor, name: string, document: unknown, at: number): Attached {
  const bill = bomReferrer(manifest, bomBytes(document), at);
  const statement = attestBom(keyring, manifest, name, document, at);
  return { descriptors: [bill.descriptor, ...statement.descriptors], all: [...bill.all, ...statement.all] };
}

/** This workspace's statement of a bill that is there already. */
export function attestBom(keyring: Signing, manifest: Descriptor, name: string, document: unknown, at: number): Attached {
  const signed = attest(keyring, { name, digest: manifest.digest }, BOM_PREDICATE, document);
  const { descriptor, all } = signatureReferrer(manifest, signed, BOM_PREDICATE, at);
  return { descriptors: [descriptor], all };
}

/** @throws bundle.bom-malformed (trust) */
export function parseBom(bytes: Buffer): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(bytes.toString('utf8'));
    if (isRecord(document)) return document;
  } catch {
    // Said below.
  }
  throw altered('bundle.bom-malformed', 'The bill of materials of a variant is not JSON.');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A bill with the figure of a trial in it, as the next revision of the document; undefined when it has that figure already.
 * @param slice name of the data it was measured on
 * @param at milliseconds since the epoch
 */
export function bomWithMetric(document: Record<string, unknown>, metric: BomMetric, slice: string | undefined, at: number): unknown {
  const inner = (outer: Record<string, unknown>, name: string) => (isRecord(outer[name]) ? outer[name] : {});
  const metadata = inner(document, 'metadata');
  const component = inner(metadata, 'component');
  const card = inner(component, 'modelCard');
  const analysis = inner(card, 'quantitativeAnalysis');
  const figure = measured(metric, slice);
  const before = Array.isArray(analysis.performanceMetrics) ? (analysis.performanceMetrics as unknown[]) : [];
  if (before.some((one) => isDeepStrictEqual(one, figure))) return undefined;
  const others = before.filter((one) => !isRecord(one) || one.type !== metric.name);
  return {
    ...document,
    version: typeof document.version === 'number' ? document.version + 1 : 2,
    metadata: {
      ...metadata,
      timestamp: new Date(at).toISOString(),
      component: { ...component, modelCard: { ...card, quantitativeAnalysis: { ...analysis, performanceMetrics: [...others, figure] } } },
    },
  };
}
