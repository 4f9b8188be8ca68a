/**
 * What repositories hold besides bundles: tags, manifests, and which blobs each has. One database in the store's folder; the
 * bytes themselves are blobs of the store. Collecting garbage asks it (`needs`), so whatever it names stays.
 * Every change is made while the store's lock is held, so that no blob goes between its check and its row.
 */
import { join } from 'node:path';
import { type Migration, openSqlite } from '#core/platform';
import type { ManifestDocument } from './documents.ts';
import { MAX_PAGE, MAX_REFERRERS_BYTES } from './limits.ts';

const MIGRATIONS: readonly Migration[] = [
  {
    name: 'repositories: blobs, manifests and what they need, tags',
    sql: `
      CREATE TABLE blobs (
        repository TEXT NOT NULL,
        digest TEXT NOT NULL,
        stored TEXT NOT NULL,
        size INTEGER NOT NULL,
        linked_at INTEGER NOT NULL,
        PRIMARY KEY (repository, digest)
      ) STRICT;
      CREATE INDEX blobs_by_stored ON blobs (stored);
      CREATE TABLE manifests (
        repository TEXT NOT NULL,
        digest TEXT NOT NULL,
        stored TEXT NOT NULL,
        size INTEGER NOT NULL,
        media_type TEXT NOT NULL,
        artifact_type TEXT,
        subject TEXT,
        annotations TEXT NOT NULL,
        PRIMARY KEY (repository, digest)
      ) STRICT;
      CREATE INDEX manifests_by_stored ON manifests (stored);
      CREATE INDEX manifests_by_subject ON manifests (repository, subject);
      CREATE TABLE needs (
        repository TEXT NOT NULL,
        manifest TEXT NOT NULL,
        digest TEXT NOT NULL,
        stored TEXT NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (repository, manifest, digest),
        FOREIGN KEY (repository, manifest) REFERENCES manifests (repository, digest) ON DELETE CASCADE
      ) STRICT;
      CREATE INDEX needs_by_stored ON needs (stored);
      CREATE INDEX needs_by_digest ON needs (repository, digest);
      CREATE TABLE tags (
        repository TEXT NOT NULL,
        tag TEXT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (repository, tag)
      ) STRICT;
      CREATE INDEX tags_by_digest ON tags (repository, digest);
    `,
  },
];

/** Bytes in the store, under the digest the repository calls them by: `stored` is their SHA-256, the store's own name for them. */
export interface StoredBlob {
  digest: string;
  stored: string;
  /** Bytes. */
  size: number;
}

export interface StoredManifest extends StoredBlob {
  mediaType: string;
}

/** An entry of a list of referrers. */
export interface Referrer extends StoredManifest {
  artifactType?: string | undefined;
  annotations: Record<string, string>;
}

export interface ReferrerQuery {
  /** Only digests after this one; empty for all. */
  after: string;
  /** Only those of this artifact type. */
  type?: string | undefined;
}

/** Sorted by digest. */
export interface ReferrerPage {
  entries: Referrer[];
  /** There are others after them. */
  more: boolean;
}

interface ManifestRow {
  digest: string;
  stored: string;
  size: number;
  media_type: string;
  artifact_type: string | null;
  annotations: string;
}

/** @param storeDir the store's folder @throws machine.newer-database, and what SQLite says of the file */
export function openTable(storeDir: string) {
  const db = openSqlite(join(storeDir, 'repositories.db'), MIGRATIONS);
  const statement = {
    blob: db.prepare<{ repository: string; digest: string }, StoredBlob>(`
      SELECT digest, stored, size FROM blobs WHERE repository = @repository AND digest = @digest
      UNION SELECT digest, stored, size FROM needs WHERE repository = @repository AND digest = @digest LIMIT 1`),
    anyBlob: db.prepare<[string], StoredBlob>('SELECT digest, stored, size FROM blobs WHERE digest = ? LIMIT 1'),
    link: db.prepare('INSERT OR REPLACE INTO blobs VALUES (@repository, @digest, @stored, @size, @at)'),
    unlink: db.prepare('DELETE FROM blobs WHERE repository = ? AND digest = ?'),
    neededBy: db.prepare<[string, string], { manifest: string }>('SELECT manifest FROM needs WHERE repository = ? AND digest = ? LIMIT 1'),
    expire: db.prepare(`
      DELETE FROM blobs WHERE linked_at < ? AND NOT EXISTS
        (SELECT 1 FROM needs WHERE needs.repository = blobs.repository AND needs.digest = blobs.digest)`),
    manifest: db.prepare<[string, string], ManifestRow>('SELECT * FROM manifests WHERE repository = ? AND digest = ?'),
    addManifest: db.prepare(
      'INSERT OR REPLACE INTO manifests VALUES (@repository, @digest, @stored, @size, @mediaType, @artifactType, @subject, @annotations)',
    ),
    addNeed: db.prepare('INSERT OR REPLACE INTO needs VALUES (@repository, @manifest, @digest, @stored, @size)'),
    removeManifest: db.prepare('DELETE FROM manifests WHERE repository = ? AND digest = ?'),
    untagDigest: db.prepare('DELETE FROM tags WHERE repository = ? AND digest = ?'),
    countManifests: db.prepare<[], { n: number }>('SELECT count(*) AS n FROM manifests'),
    referrers: db.prepare<{ repository: string; subject: string; after: string; type: string | null }, ManifestRow>(`
      SELECT * FROM manifests WHERE repository = @repository AND subject = @subject AND digest > @after
      AND (@type IS NULL OR artifact_type = @type) ORDER BY digest`),
    tag: db.prepare<[string, string], { digest: string }>('SELECT digest FROM tags WHERE repository = ? AND tag = ?'),
    setTag: db.prepare('INSERT OR REPLACE INTO tags VALUES (?, ?, ?)'),
    untag: db.prepare('DELETE FROM tags WHERE repository = ? AND tag = ?'),
    tags: db.prepare<[string], { tag: string }>('SELECT tag FROM tags WHERE repository = ?'),
    repositories: db.prepare<{ after: string; limit: number }, { repository: string }>(`
      SELECT repository FROM blobs WHERE repository > @after UNION SELECT repository FROM manifests WHERE repository > @after
      UNION SELECT repository FROM tags WHERE repository > @after ORDER BY repository LIMIT @limit`),
    knows: db.prepare<{ repository: string }, unknown>(`
      SELECT 1 FROM blobs WHERE repository = @repository UNION SELECT 1 FROM manifests WHERE repository = @repository
      UNION SELECT 1 FROM tags WHERE repository = @repository LIMIT 1`),
    needs: db.prepare<{ stored: string }, unknown>(`
      SELECT 1 FROM blobs WHERE stored = @stored UNION SELECT 1 FROM manifests WHERE stored = @stored
      UNION SELECT 1 FROM needs WHERE stored = @stored LIMIT 1`),
    holders: db.prepare<{ stored: string }, { repository: string }>(`
      SELECT repository FROM blobs WHERE stored = @stored UNION SELECT repository FROM manifests WHERE stored = @stored
      UNION SELECT repository FROM needs WHERE stored = @stored`),
  };

  const putManifest = db.transaction(
    (repository: string, manifest: StoredManifest, document: ManifestDocument, needs: readonly StoredBlob[], tags: readonly string[]) => {
      const { digest, stored, size, mediaType } = manifest;
      const artifactType = document.artifactType ?? null;
      const subject = document.subject?.digest ?? null;
      statement.addManifest.run({ repository, digest, stored, size, mediaType, artifactType, subject, annotations: JSON.stringify(document.annotations) });
      for (const need of needs) statement.addNeed.run({ repository, manifest: digest, ...need });
      for (const tag of tags) statement.setTag.run(repository, tag, digest);
    },
  );

  const removeManifest = db.transaction((repository: string, digest: string): boolean => {
    statement.untagDigest.run(repository, digest);
    return statement.removeManifest.run(repository, digest).changes > 0;
  });

  const forget = db.transaction((repository: string, digests: readonly string[], tags: readonly string[]) => {
    for (const tag of tags) statement.untag.run(repository, tag);
    for (const digest of digests) {
      statement.removeManifest.run(repository, digest);
      statement.unlink.run(repository, digest);
    }
  });

  /** What refers to a manifest, by digest, until a page is full: what strangers wrote into it may be large. */
  function referrers(repository: string, subject: string, { after, type }: ReferrerQuery): ReferrerPage {
    const entries: Referrer[] = [];
    let chars = 0;
    for (const row of statement.referrers.iterate({ repository, subject, after, type: type ?? null })) {
      chars += row.annotations.length;
      if (entries.length >= MAX_PAGE || (chars > MAX_REFERRERS_BYTES && entries.length > 0)) return { entries, more: true };
      entries.push({
        digest: row.digest,
        stored: row.stored,
        size: row.size,
        mediaType: row.media_type,
        ...(row.artifact_type !== null && { artifactType: row.artifact_type }),
        annotations: JSON.parse(row.annotations) as Record<string, string>,
      });
    }
    return { entries, more: false };
  }

  return {
    blob: (repository: string, digest: string): StoredBlob | undefined => statement.blob.get({ repository, digest }),
    /** A blob of this digest in whatever repository, for mounting. */
    anyBlob: (digest: string): StoredBlob | undefined => statement.anyBlob.get(digest),
    /** Notes that the repository has a blob. @param at wall clock ms */
    link: (repository: string, blob: StoredBlob, at: number): void => void statement.link.run({ repository, ...blob, at }),
    /** @returns whether it was there */
    unlink: (repository: string, digest: string): boolean => statement.unlink.run(repository, digest).changes > 0,
    /** A manifest of the repository that needs the blob. */
    neededBy: (repository: string, digest: string): string | undefined => statement.neededBy.get(repository, digest)?.manifest,
    /** Lets go of blobs that were linked before `before` (wall clock ms) and that no manifest took up. */
    expire: (before: number): number => statement.expire.run(before).changes,
    manifest(repository: string, digest: string): StoredManifest | undefined {
      const row = statement.manifest.get(repository, digest);
      return row && { digest: row.digest, stored: row.stored, size: row.size, mediaType: row.media_type };
    },
    putManifest,
    /** Takes a manifest out, and the tags on it. @returns whether it was there */
    removeManifest,
    manifestCount: (): number => statement.countManifests.get()?.n ?? 0,
    referrers,
    tag: (repository: string, tag: string): string | undefined => statement.tag.get(repository, tag)?.digest,
    setTag: (repository: string, tag: string, digest: string): void => void statement.setTag.run(repository, tag, digest),
    untag: (repository: string, tag: string): boolean => statement.untag.run(repository, tag).changes > 0,
    tags: (repository: string): string[] => statement.tags.all(repository).map((row) => row.tag),
    /** The first `limit` names after `after`, sorted. */
    repositories: (after: string, limit: number): string[] => statement.repositories.all({ after, limit }).map((row) => row.repository),
    knows: (repository: string): boolean => statement.knows.get({ repository }) !== undefined,
    /** Takes out what has become part of a bundle: manifests and blobs by digest, and tags. */
    forget,
    /** Whether any repository needs this blob of the store. */
    needs: (stored: string): boolean => statement.needs.get({ stored }) !== undefined,
    /** The repositories that need it. */
    holders: (stored: string): string[] => statement.holders.all({ stored }).map((row) => row.repository),
    close: (): void => void db.close(),
  };
}
