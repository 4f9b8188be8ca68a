/**
 * What the store holds, as a database that answers at once. Everything in it follows from the blobs: it is brought in line
 * with `index.json` when the registry opens, and may be deleted without loss.
 */
import { rmSync } from 'node:fs';
import { type BundlePage, type BundleSearch, type BundleSummary, type InspectResult, InspectResultSchema, type Variant } from '#contract';
import { isDamaged, openSqlite, type Sqlite } from '#core/platform';
import { type BundleRow, type ListedBundle, type ListedVariant, summaryOf, variantOf, type VariantRow } from './catalogue-rows.ts';
import { MIGRATIONS } from './catalogue-schema.ts';
import { bundlePages, searchText } from './catalogue-search.ts';
import type { JudgedAttachment } from './attachments.ts';
import type { JudgedSignature } from './signatures.ts';

/** A blob, and what it is for in a variant. */
export interface ClosureEntry {
  digest: string;
  /** Bytes. */
  size: number;
  /** A file's role, or `manifest`, `config`, `signature` (its manifest, its config and the signature itself), `index`. */
  role: string;
  /** A file's path inside the bundle; empty for documents. */
  path: string;
  mediaType: string;
}

/** What a blob is needed for. */
export interface BlobUse extends Pick<ClosureEntry, 'size' | 'role' | 'path'> {
  name: string;
  version: string;
  variant: string;
}

export interface VariantRecord {
  variant: Variant;
  /** Fingerprint of the first trusted key that signed it. */
  signer?: string | undefined;
  /** Every signature, as it was judged last. */
  signatures: JudgedSignature[];
  /** Bills of materials and statements about it, as they were judged last. */
  attached: JudgedAttachment[];
  /** The documents a variant is resolved from, so that resolving needs no file. */
  manifest: Buffer;
  source: Buffer;
  self: Buffer;
  closure: ClosureEntry[];
}

/** A bundle with its content, which may change under its name. */
export interface BundleId {
  name: string;
  version: string;
  /** Of its OCI index. */
  digest: string;
}

export interface BundleRecord extends BundleId {
  createdAt: number;
  state: BundleSummary['state'];
  stateReason?: string | undefined;
  /** Code of what is wrong; absent where nothing is. */
  stateCode?: string | undefined;
  /** What is known of the first variant's model. */
  facts?: InspectResult | undefined;
  variants: VariantRecord[];
  /** The OCI index and whatever belongs to no single variant. */
  closure: ClosureEntry[];
}

export interface CatalogueChanges {
  put?: readonly BundleRecord[];
  drop?: readonly { name: string; version: string }[];
  /** Names the index.json that the rows then follow from. */
  indexDigest: string;
  /** Names the list of trusted signers by which they were judged; absent: the same as before. */
  trustDigest?: string;
}

export type Catalogue = ReturnType<typeof openCatalogue>;

/** A damaged file is replaced by an empty one, which the registry then fills again from the store. */
function openOrReplace(path: string): Sqlite {
  try {
    const db = openSqlite(path, MIGRATIONS);
    if (isSound(db)) return db;
    db.close();
  } catch (error) {
    if (!isDamaged(error)) throw error;
  }
  for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
  return openSqlite(path, MIGRATIONS);
}

/** Reads every page once; the catalogue is small. */
function isSound(db: Sqlite): boolean {
  try {
    return db.pragma('quick_check(1)', { simple: true }) === 'ok';
  } catch (error) {
    if (isDamaged(error)) return false;
    throw error;
  }
}

/** Opens (or makes) the catalogue at `path`. @throws machine.newer-database, and what SQLite says of the file */
export function openCatalogue(path: string) {
  const db = openOrReplace(path);
  const variantColumns = 'name, version, position, variant, digest, bytes, precision, quantization, signer, created_at';
  const insertBundle = db.prepare(
    'INSERT OR REPLACE INTO bundles (name, version, digest, created_at, state, state_reason, state_code, facts) VALUES (@name, @version, @digest, @createdAt, @state, @stateReason, @stateCode, @facts)',
  );
  const insertVariant = db.prepare(
    'INSERT INTO variants VALUES (@name, @version, @position, @variant, @digest, @bytes, @precision, @quantization, @signer, @createdAt, @manifest, @source, @self, @signatures, @attached)',
  );
  const insertText = db.prepare('INSERT INTO bundle_texts (name, created_at, version, text) VALUES (@name, @createdAt, @version, @text)');
  const pages = bundlePages(db);
  const insertBlob = db.prepare('INSERT INTO blobs VALUES (@name, @version, @variant, @digest, @size, @role, @path, @mediaType)');
  // Without the facts, which are many times the rest.
  const bundleColumns = 'name, version, digest, created_at, state, state_reason, state_code';
  const selectBundles = db.prepare<[], ListedBundle>(`SELECT ${bundleColumns} FROM bundles ORDER BY name, created_at DESC, version`);
  const selectBundle = db.prepare<[string, string], BundleRow>('SELECT * FROM bundles WHERE name = ? AND version = ?');
  const selectListed = db.prepare<[string, string], ListedBundle>(`SELECT ${bundleColumns} FROM bundles WHERE name = ? AND version = ?`);
  // Not sorted here: that costs SQLite three times the reading (`summaryOf` does it).
  const selectVariantsListed = db.prepare<[string, string], ListedVariant>(`SELECT ${variantColumns} FROM variants WHERE name = ? AND version = ?`);
  const selectByDigest = db.prepare<[string], BundleRow>('SELECT * FROM bundles WHERE digest = ?');
  const selectByVariant = db.prepare<[string], { name: string; version: string; variant: string }>(
    'SELECT name, version, variant FROM variants WHERE digest = ?',
  );
  const selectAllVariants = db.prepare<[], ListedVariant>(`SELECT ${variantColumns} FROM variants`);
  const selectReferrers = db.prepare<[], Pick<VariantRow, 'name' | 'version' | 'digest' | 'signatures' | 'attached'>>(
    'SELECT name, version, digest, signatures, attached FROM variants',
  );
  const selectVariants = db.prepare<[string, string], VariantRow>('SELECT * FROM variants WHERE name = ? AND version = ? ORDER BY position');
  const selectClosure = db.prepare<[string, string, string], ClosureEntry>(
    'SELECT digest, size, role, path, media_type AS mediaType FROM blobs WHERE name = ? AND version = ? AND variant = ?',
  );
  const selectAllBlobs = db.prepare<[], { digest: string; size: number }>('SELECT digest, max(size) AS size FROM blobs GROUP BY digest');
  const selectUses = db.prepare<[string], BlobUse>(
    'SELECT name, version, variant, size, role, path FROM blobs WHERE digest = ? ORDER BY name, version, variant, path',
  );
  const selectNeeded = db.prepare<[string], { n: number }>('SELECT COUNT(*) AS n FROM blobs WHERE digest = ?');
  const deleteBundle = db.prepare('DELETE FROM bundles WHERE name = ? AND version = ?');
  const updateState = db.prepare('UPDATE bundles SET state = ?, state_reason = ?, state_code = ? WHERE name = ? AND version = ? AND digest = ?');
  const release = db.prepare(
    `UPDATE bundles SET state = 'sound', state_reason = NULL, state_code = NULL
     WHERE name = ? AND version = ? AND digest = ? AND (SELECT value FROM facts_of_store WHERE key = 'trust') IS ?`,
  );
  const selectFact = db.prepare<[string], { value: string }>('SELECT value FROM facts_of_store WHERE key = ?');
  const upsertFact = db.prepare('INSERT OR REPLACE INTO facts_of_store VALUES (?, ?)');

  function record(bundle: BundleRecord): void {
    const { name, version } = bundle;
    deleteBundle.run(name, version);
    const { digest, createdAt, state, stateReason = null, stateCode = null, facts } = bundle;
    insertBundle.run({ name, version, digest, createdAt, state, stateReason, stateCode, facts: facts === undefined ? null : JSON.stringify(facts) });
    insertText.run({ name, version, createdAt, text: searchText(bundle) });
    const blob = (variant: string) => (entry: ClosureEntry) => insertBlob.run({ name, version, variant, ...entry });
    bundle.closure.forEach(blob(''));
    bundle.variants.forEach(({ variant, signer, signatures, attached, manifest, source, self, closure }, position) => {
      const { digest, bytes, precision, createdAt } = variant;
      insertVariant.run({
        name,
        version,
        position,
        variant: variant.name,
        digest,
        bytes,
        precision,
        quantization: variant.quantization ?? null,
        signer: signer ?? null,
        createdAt,
        manifest,
        source,
        self,
        signatures: JSON.stringify(signatures),
        attached: JSON.stringify(attached),
      });
      closure.forEach(blob(variant.name));
    });
  }

  const apply = db.transaction((changes: CatalogueChanges) => {
    for (const { name, version } of changes.drop ?? []) deleteBundle.run(name, version);
    for (const bundle of changes.put ?? []) record(bundle);
    upsertFact.run('index', changes.indexDigest);
    if (changes.trustDigest !== undefined) upsertFact.run('trust', changes.trustDigest);
  });

  return {
    /** Replaces and removes bundles and notes the index they follow from, all or nothing. */
    apply: (changes: CatalogueChanges): void => apply.immediate(changes),
    /** Digest of the index.json that the rows follow from. */
    indexDigest: (): string | undefined => selectFact.get('index')?.value,
    /** Names the list of trusted signers by which the rows were judged. */
    trustDigest: (): string | undefined => selectFact.get('trust')?.value,
    list(): BundleSummary[] {
      const variants = Map.groupBy(selectAllVariants.all(), (row) => `${row.name}@${row.version}`);
      return selectBundles.all().map((row) => summaryOf(row, variants.get(`${row.name}@${row.version}`) ?? []));
    },
    /** One page of what a search finds, and how much it finds in all. */
    search(query: BundleSearch): BundlePage {
      const { ids, total } = pages(query);
      const bundles = ids.flatMap(({ name, version }) => {
        const row = selectListed.get(name, version);
        return row ? [summaryOf(row, selectVariantsListed.all(name, version))] : [];
      });
      return { bundles, total };
    },
    find(name: string, version: string): BundleRecord | undefined {
      const row = selectBundle.get(name, version);
      if (!row) return undefined;
      return {
        name,
        version,
        digest: row.digest,
        createdAt: row.created_at,
        state: row.state,
        ...(row.state_reason !== null && { stateReason: row.state_reason }),
        ...(row.state_code !== null && { stateCode: row.state_code }),
        ...(row.facts !== null && { facts: InspectResultSchema.parse(JSON.parse(row.facts)) }),
        variants: selectVariants.all(name, version).map((v) => ({
          variant: variantOf(v),
          ...(v.signer !== null && { signer: v.signer }),
          signatures: JSON.parse(v.signatures) as JudgedSignature[],
          attached: JSON.parse(v.attached) as JudgedAttachment[],
          manifest: v.manifest,
          source: v.source,
          self: v.self,
          closure: selectClosure.all(name, version, v.variant),
        })),
        closure: selectClosure.all(name, version, ''),
      };
    },
    /** Digest of the bundle's index; undefined when there is no such bundle. */
    digestOf: (name: string, version: string): string | undefined => selectListed.get(name, version)?.digest,
    /** The bundle or variant with this digest. */
    byDigest(digest: string): { name: string; version: string; variant?: string } | undefined {
      return selectByVariant.get(digest) ?? selectByDigest.get(digest);
    },
    summary(name: string, version: string): BundleSummary | undefined {
      const row = selectListed.get(name, version);
      return row && summaryOf(row, selectVariantsListed.all(name, version));
    },
    /** Says what is wrong with a bundle, unless another has taken its name meanwhile. */
    blame({ name, version, digest }: BundleId, state: Exclude<BundleSummary['state'], 'sound'>, problem: { code: string; reason: string }): void {
      updateState.run(state, problem.reason, problem.code, name, version, digest);
    },
    /**
     * Makes a bundle sound, unless another has taken its name meanwhile, or others are trusted than those it was judged by.
     * @param trustDigest names the list of trusted signers that it was judged by
     */
    release({ name, version, digest }: BundleId, trustDigest: string): void {
      release.run(name, version, digest, trustDigest);
    },
    /** What was found to refer to each variant: manifests by digest. */
    referrers: (): { bundle: string; subject: string; digests: string[] }[] =>
      selectReferrers.all().map(({ name, version, digest, signatures, attached }) => ({
        bundle: `${name}@${version}`,
        subject: digest,
        digests: [...(JSON.parse(signatures) as JudgedSignature[]), ...(JSON.parse(attached) as JudgedAttachment[])].map((one) => one.digest),
      })),
    /** Every blob that some bundle needs, once. */
    allBlobs: (): { digest: string; size: number }[] => selectAllBlobs.all(),
    /** Which bundles need a blob, and for what; `variant` is empty for what belongs to a whole bundle. */
    usesOf: (digest: string): BlobUse[] => selectUses.all(digest),
    /** Whether any bundle needs this blob. */
    needs: (digest: string): boolean => (selectNeeded.get(digest)?.n ?? 0) > 0,
    close: (): void => void db.close(),
  };
}
