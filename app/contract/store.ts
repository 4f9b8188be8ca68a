/** Bundles as files, and the store's own care: verify, collect garbage, rebuild. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { BundleSummarySchema } from './bundles.ts';
import { RefSchema, WarningSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';

/** What to call the job of a call, so that whoever asks can watch it, and cancel it, while the call runs. */
const JobIdSchema = z.uuid().optional();
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

const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });

/** Stands among the procedures of bundles. */
export const bundleFiles = {
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
