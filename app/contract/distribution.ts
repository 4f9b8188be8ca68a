/** Bundles over the OCI distribution API: into and out of registries. */
import { z } from 'zod';
import { BundleSummarySchema } from './bundles.ts';
import { NameSchema, VersionSchema, WarningSchema } from './common.ts';

/** A bundle that lies in the workspace's own registry, as it was pushed: repository and tag. */
export const PushedBundleSchema = z.object({ name: NameSchema, version: VersionSchema });

/** What came of it, and what a person should know about it although it was taken in. */
export const ReceivedSchema = BundleSummarySchema.extend({ warnings: z.array(WarningSchema) });
