/** Execution providers that do not come with Edgewright: what can be had, what is installed, and how it comes here. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { JobIdSchema, TimestampSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';

const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });

const PackNameSchema = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/)
  .describe('cuda');
const ProxySchema = z.string().max(2048).optional();

export const ProviderPackSchema = z.object({
  name: z.string(),
  title: z.string(),
  /** Short names of the execution providers it brings. */
  providers: z.array(z.string()),
  /** `outdated`: installed for another version of ONNX Runtime than runs here, so nothing loads it. */
  state: z.enum(['installed', 'outdated', 'available']),
  /** The ONNX Runtime it belongs to, exactly. */
  onnxruntime: z.string(),
  platform: z.string(),
  /** What must be fetched, and what it takes on the disk once installed. */
  downloadBytes: z.number().int(),
  installedBytes: z.number().int(),
  /** What the driver must be, and whether the one that was found is; `found` is absent where none was. */
  driver: z.object({ vendor: z.string(), atLeast: z.string(), note: z.string(), found: z.string().optional(), enough: z.boolean().optional() }),
  licence: z.object({ title: z.string(), url: z.string() }),
  installedAt: TimestampSchema.optional(),
  folder: z.string().optional(),
});
export type ProviderPack = z.infer<typeof ProviderPackSchema>;

/** Where the package index is and how it is reached. */
export const PackIndexSchema = z.object({
  /** A simple index (PEP 503); else the Python Package Index. */
  index: z.string().max(2048).optional(),
  /** Certificates to trust besides this computer's own, PEM. */
  ca: z
    .string()
    .max(256 * 1024)
    .optional(),
  /** HTTP_PROXY, HTTPS_PROXY and NO_PROXY of whoever asks. */
  proxies: z.object({ HTTP_PROXY: ProxySchema, HTTPS_PROXY: ProxySchema, NO_PROXY: ProxySchema }).optional(),
});
export type PackIndex = z.infer<typeof PackIndexSchema>;

export const InstallPackSchema = PackIndexSchema.extend({
  name: PackNameSchema,
  /** A file made by `fetch`, or a folder with the wheels: nothing is asked of a network. */
  from: z.string().max(4096).optional(),
  jobId: JobIdSchema,
});
export type InstallPack = z.infer<typeof InstallPackSchema>;

export const FetchPackSchema = PackIndexSchema.extend({ name: PackNameSchema, file: z.string().min(1).max(4096), jobId: JobIdSchema });
export type FetchPack = z.infer<typeof FetchPackSchema>;

export const PackVerdictSchema = z.object({
  name: z.string(),
  ok: z.boolean(),
  files: z.number().int(),
  bytes: z.number().int(),
  damage: z.array(z.object({ file: z.string(), problem: z.string() })),
});
export type PackVerdict = z.infer<typeof PackVerdictSchema>;

export const providerPacks = {
  list: procedure.output(z.array(ProviderPackSchema)),
  install: procedure.input(InstallPackSchema).output(ProviderPackSchema),
  /** Fetches a pack into one file, for a computer without a network. */
  fetch: procedure.input(FetchPackSchema).output(z.object({ file: z.string(), bytes: z.number().int() })),
  verify: procedure.input(z.object({ name: PackNameSchema })).output(PackVerdictSchema),
  remove: procedure.input(z.object({ name: PackNameSchema })).output(z.object({ name: z.string(), freedBytes: z.number().int() })),
};
