/** Bundles over the OCI distribution API: into registries, out of them, and into the workspace's own. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { DigestSchema, JobIdSchema, NameSchema, PemSchema, ProxiesSchema, RefSchema, VersionSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';
import { ImportedSchema } from './store.ts';

const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });

const SecretSchema = z.string().max(16 * 1024);

/** `HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]` */
export const RegistryRefSchema = z.string().min(1).max(1024);

/** How to come to a registry, as far as a person says it; the rest is found where Docker keeps it. */
export const RegistryAccessSchema = z.object({
  /** Speak HTTP without TLS. On this computer that is found out. */
  plainHttp: z.boolean().default(false),
  /** A private certificate authority, trusted beside the usual ones. */
  ca: PemSchema.optional(),
  client: z.object({ cert: PemSchema, key: PemSchema }).optional(),
  login: z.object({ user: z.string().min(1).max(1024), password: SecretSchema }).optional(),
  /** Another host that may be given the password for tokens. */
  authHost: z.string().max(253).optional(),
  proxies: ProxiesSchema.optional(),
  /** DOCKER_CONFIG of whoever asks. */
  dockerConfig: z.string().max(4096).optional(),
});

export const PushResultSchema = z.object({
  /** name@version */
  ref: z.string(),
  /** Where it is now, with its tag. */
  target: z.string(),
  /** Digest of the bundle's index. */
  digest: DigestSchema,
  /** What the tag pointed to before, where that was something else. */
  replaced: z.string().optional(),
  blobs: z.number().int(),
  bytesTotal: z.number().int(),
  bytesSent: z.number().int(),
  /** Blobs that another repository of that registry had. */
  mounted: z.number().int(),
  /** How signatures are found there: by the referrers API, or by the tag that stands in for it. */
  referrers: z.enum(['api', 'tag', 'none']),
});
export type PushResult = z.infer<typeof PushResultSchema>;

/** Stands among the procedures as `registries`. */
export const registries = {
  /** Sends a bundle: the blobs the registry lacks, its variants, what refers to them, then its index under the tag (the version, unless one is named). */
  push: procedure.input(z.object({ ref: RefSchema, target: RegistryRefSchema, access: RegistryAccessSchema, jobId: JobIdSchema })).output(PushResultSchema),
  /** Takes a bundle in from a registry: checked like a build. One that nobody trusted here signed comes in quarantined. */
  pull: procedure.input(z.object({ target: RegistryRefSchema, access: RegistryAccessSchema, jobId: JobIdSchema })).output(ImportedSchema),
  /** Judges a bundle that was pushed into this workspace's own registry, and takes it in. */
  admit: procedure.input(z.object({ name: NameSchema, version: VersionSchema })).output(ImportedSchema),
};
