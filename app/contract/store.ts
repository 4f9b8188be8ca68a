/** Bundles as files, and the store's own care: verify, collect garbage, rebuild. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { BundleSummarySchema } from './bundles.ts';
import { DigestSchema, JobIdSchema, RefSchema, WarningSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';

const PathSchema = z.string().min(1).max(4096);

export const ExportResultSchema = z.object({
  /** name@version */
  ref: z.string(),
  file: z.string(),
  /** Size of the file, in bytes. */
  bytes: z.number().int(),
  /** How many bytes of it an export that was cut off had written already. */
  resumedBytes: z.number().int(),
});
export type ExportResult = z.infer<typeof ExportResultSchema>;

export const ImportedSchema = BundleSummarySchema.extend({ warnings: z.array(WarningSchema) });
export type Imported = z.infer<typeof ImportedSchema>;

export const StoreProblemSchema = z.object({
  /** The blob; for a file among the blobs that is none, its name. */
  digest: z.string(),
  problem: z.string(),
  /** All that cannot be used because of it: `name@version`, `name@version#variant`, `name@version#variant path`. */
  affects: z.array(z.string()),
});
export type StoreProblem = z.infer<typeof StoreProblemSchema>;

export const StoreVerificationSchema = z.object({
  ok: z.boolean(),
  /** How many blobs were read, and their bytes. */
  blobs: z.number().int(),
  bytes: z.number().int(),
  bad: z.array(StoreProblemSchema),
  /** Whole blobs that nothing needs: what collecting garbage would remove. */
  extra: z.array(z.object({ digest: DigestSchema, bytes: z.number().int() })),
});
export type StoreVerification = z.infer<typeof StoreVerificationSchema>;

export const StoreGarbageSchema = z.object({
  /** Nothing was removed, only counted. */
  dryRun: z.boolean(),
  /** Blobs that nothing needs, and their bytes. */
  blobs: z.number().int(),
  blobBytes: z.number().int(),
  /** Parts of blobs that nobody went on with. */
  partialBytes: z.number().int(),
  freedBytes: z.number().int(),
});
export type StoreGarbage = z.infer<typeof StoreGarbageSchema>;

export const StoreRebuiltSchema = z.object({
  bundles: z.number().int(),
  /** index.json was lost or damaged and was made again too. */
  listRestored: z.boolean(),
});
export type StoreRebuilt = z.infer<typeof StoreRebuiltSchema>;

const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });

/** Most bundles of one page. */
export const MAX_BUNDLE_PAGE = 500;

export const BundleSearchSchema = z.object({
  text: z.string().max(200).default(''),
  limit: z.number().int().min(1).max(MAX_BUNDLE_PAGE).default(100),
  offset: z.number().int().min(0).default(0),
  /** By name with the newest first, or by when they were built; with `-` the other way round. */
  sort: z.enum(['name', '-name', 'created', '-created']).default('name'),
  /** Only those that cannot be used. */
  unsound: z.boolean().default(false),
});
export type BundleSearch = z.infer<typeof BundleSearchSchema>;

export const BundlePageSchema = z.object({
  bundles: z.array(BundleSummarySchema),
  /** How many there are on all pages. */
  total: z.number().int(),
});
export type BundlePage = z.infer<typeof BundlePageSchema>;

/** Stands among the procedures of bundles. */
export const bundleProcedures = {
  /** Bundles that hold every word of `text` in their name, description, variants or framework; a page at a time. */
  search: procedure.input(BundleSearchSchema).output(BundlePageSchema),
  /** Writes a sound bundle to one file: an OCI image layout in a tar file. Cut off, the next call goes on with what is there. */
  exportFile: procedure.input(z.object({ ref: RefSchema, file: PathSchema, jobId: JobIdSchema })).output(ExportResultSchema),
  /**
   * Takes a bundle in from such a file, from one that another tool made, or from a folder: checked like a build. One that
   * nobody trusted here signed comes in quarantined.
   */
  importFile: procedure
    .input(
      z.object({
        file: PathSchema,
        /** Which bundle, where it holds several: name@version, reference name or digest. */
        ref: RefSchema.optional(),
        jobId: JobIdSchema,
      }),
    )
    .output(ImportedSchema),
};

/** The store's own care. */
export const storeCare = {
  /** Reads every blob. What is damaged, and what it affects, can no longer be used. */
  verify: procedure.input(z.object({ jobId: JobIdSchema })).output(StoreVerificationSchema),
  /** Removes what nothing needs any more: no bundle, device, deployment, repository or upload. */
  gc: procedure
    .input(
      z.object({
        dryRun: z.boolean().default(false),
        /** Keep parts of blobs that were touched within this many hours. */
        keepPartsHours: z.number().min(0).max(8760).default(168),
        jobId: JobIdSchema,
      }),
    )
    .output(StoreGarbageSchema),
  /** Makes the catalogue again from the blobs, and index.json where it is lost or damaged. */
  rebuild: procedure.input(z.object({ jobId: JobIdSchema })).output(StoreRebuiltSchema),
};
