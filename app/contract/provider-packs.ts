/** Execution providers that do not come with Edgewright: what can be had, what is installed, and how it comes here. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { JobIdSchema, PemSchema, ProxiesSchema, TimestampSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';

const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });

/** `cuda` */
const PackNameSchema = z.string().regex(/^[a-z0-9-]{1,32}$/, 'a pack is called by 1 to 32 of a-z 0-9 -');

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
  /** What the driver must be, and whether the one that was found is; `found` is absent where none was. Not said of an outdated pack, nor is its licence. */
  driver: z.object({ vendor: z.string(), atLeast: z.string(), note: z.string(), found: z.string().optional(), enough: z.boolean().optional() }).optional(),
  licence: z.object({ title: z.string(), url: z.string() }).optional(),
  installedAt: TimestampSchema.optional(),
  folder: z.string().optional(),
});
export type ProviderPack = z.infer<typeof ProviderPackSchema>;

/** Where the package index is and how it is reached. */
export const PackIndexSchema = z.object({
  /** A simple index (PEP 503); else the Python Package Index. */
  index: z.string().max(2048).optional(),
  /** Certificates to trust besides this computer's own, PEM. */
  ca: PemSchema.optional(),
  proxies: ProxiesSchema.optional(),
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

/** What a pack asks of this computer, as people read it; undefined for one that is outdated. */
export function packNeeds({ driver }: ProviderPack): string | undefined {
  if (!driver) return undefined;
  const found =
    driver.found === undefined ? 'none was found here' : driver.enough ? `${driver.found} is here` : `only ${driver.found} is here: update it first`;
  return `${driver.vendor} driver ${driver.atLeast} or newer (${found}), which serves ${driver.note}`;
}

export const providerPacks = {
  list: procedure.output(z.array(ProviderPackSchema)),
  install: procedure.input(InstallPackSchema).output(ProviderPackSchema),
  /** Fetches a pack into one file, for a computer without a network. */
  fetch: procedure.input(FetchPackSchema).output(z.object({ file: z.string(), bytes: z.number().int() })),
  verify: procedure.input(z.object({ name: PackNameSchema, jobId: JobIdSchema })).output(PackVerdictSchema),
  remove: procedure.input(z.object({ name: PackNameSchema })).output(z.object({ name: z.string(), freedBytes: z.number().int() })),
};
