/** Who may sign what is used here, and what a signature says. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { DigestSchema, FingerprintSchema, JobIdSchema, RefSchema, TimestampSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';

/** `self`: this workspace's own key. An administrator is a signer who runs a workspace of this site too. */
export const SignerKindSchema = z.enum(['self', 'signer', 'administrator']);
export type SignerKind = z.infer<typeof SignerKindSchema>;

export const TrustedSignerSchema = z.object({
  id: FingerprintSchema,
  name: z.string(),
  kind: SignerKindSchema,
  /** What is trusted: a key, the key in one certificate, or everyone whose certificate an authority issued for signing. */
  material: z.enum(['key', 'certificate', 'authority']),
  /** `P-256`, `RSA 3072` … */
  algorithm: z.string(),
  /** Whom the certificate names. */
  subject: z.string().optional(),
  /** End of the certificate. */
  validUntil: TimestampSchema.optional(),
  addedAt: TimestampSchema.optional(),
  addedBy: z.string().optional(),
  note: z.string().optional(),
});
export type TrustedSigner = z.infer<typeof TrustedSignerSchema>;

/** Longest text in which somebody gives us a key or certificates, in characters. */
export const MAX_SIGNER_TEXT = 128 * 1024;

const SOURCE = {
  /** The text itself … */
  pem: z.string().max(MAX_SIGNER_TEXT).optional(),
  /** … or a file of this computer that holds it. */
  path: z.string().min(1).max(4096).optional(),
};
const ONE_SOURCE = { message: 'give either the text or a file', path: ['pem'] };
const hasOneSource = (given: { pem?: string | undefined; path?: string | undefined }): boolean => (given.pem === undefined) !== (given.path === undefined);

export const AddSignerSchema = z
  .object({
    ...SOURCE,
    name: z.string().max(80).optional(),
    administrator: z.boolean().default(false),
    note: z.string().max(500).optional(),
  })
  .refine(hasOneSource, ONE_SOURCE);

export const ReadSignerSchema = z.object(SOURCE).refine(hasOneSource, ONE_SOURCE);

/** What a text or a file would make trusted, for a person to compare before deciding. */
export const OfferedSignerSchema = TrustedSignerSchema.pick({ id: true, name: true, material: true, algorithm: true, subject: true, validUntil: true }).extend({
  /** What it is trusted as already. */
  known: z.string().optional(),
});
export type OfferedSigner = z.infer<typeof OfferedSignerSchema>;

/** What would become unusable if a signer were trusted no longer. */
export const TrustOutlookSchema = z.object({
  signer: TrustedSignerSchema,
  /** `name@version` of bundles that nobody else trusted signed. */
  quarantines: z.array(z.string()),
  /** Devices that run one of these: they go on until something else is deployed. */
  devices: z.array(z.string()),
});
export type TrustOutlook = z.infer<typeof TrustOutlookSchema>;

/** What a change of the trust list did to the bundles that are here. */
export const TrustEffectSchema = z.object({
  signer: TrustedSignerSchema,
  /** `name@version` of bundles that can be used since. */
  released: z.array(z.string()),
  /** `name@version` of bundles that can no longer be used. */
  quarantined: z.array(z.string()),
  /** Devices that run one of these: they go on until something else is deployed. */
  devices: z.array(z.string()),
});
export type TrustEffect = z.infer<typeof TrustEffectSchema>;

/** One signature of a variant. */
export const SignatureSchema = z.object({
  /** Digest of the OCI manifest that holds it. */
  digest: DigestSchema,
  variant: z.string(),
  trusted: z.boolean(),
  /** Fingerprint of the key that made it; absent while nobody here knows that key. */
  signer: FingerprintSchema.optional(),
  name: z.string().optional(),
  kind: SignerKindSchema.optional(),
  /** Made here because these signers were trusted: it counts only while one of them is. */
  acceptedFrom: z.array(FingerprintSchema).optional(),
  /** Why it does not count. */
  problem: z.string().optional(),
});
export type Signature = z.infer<typeof SignatureSchema>;

export const SignBundleSchema = z.object({
  ref: RefSchema,
  reason: z.string().trim().min(3, 'say why, for the record').max(500),
  jobId: JobIdSchema,
});

/** Somebody's signature over a folder or a file, judged. */
export const JudgedSchema = z.object({
  method: z.enum(['key', 'certificate']),
  signer: z.object({ id: FingerprintSchema, name: z.string(), subject: z.string().optional() }),
  /** What the signature calls what it covers; information only. */
  subject: z.string(),
  serialization: z.object({ method: z.enum(['files', 'shards']), hash: z.string(), shardSize: z.number().int().optional() }),
  files: z.number().int(),
  bytes: z.number().int(),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
});
export type Judged = z.infer<typeof JudgedSchema>;

const Path = z.string().min(1).max(4096);
export const JudgeRequestSchema = z.object({
  /** The folder, or the one file, that was signed. */
  target: Path,
  signature: Path,
  /** A public key that must have signed … */
  key: Path.optional(),
  /** … or authorities, one of which must have issued the signer's certificate … */
  authorities: z.array(Path).max(16).default([]),
  /** … with certificates that may stand between. With neither, whoever is trusted here counts. */
  intermediates: z.array(Path).max(16).default([]),
  /** Paths inside the folder that need not be signed. */
  ignore: z.array(z.string().max(1024)).max(256).default([]),
  /** Other files may lie beside the signed ones. */
  ignoreUnsigned: z.boolean().default(false),
});
export type JudgeRequest = z.infer<typeof JudgeRequestSchema>;

const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });

export const trustProcedures = {
  list: procedure.output(z.array(TrustedSignerSchema)),
  /** What adding this would trust; changes nothing. */
  read: procedure.input(ReadSignerSchema).output(OfferedSignerSchema),
  add: procedure.input(AddSignerSchema).output(TrustEffectSchema),
  /** What removing a signer would do; changes nothing. */
  outlook: procedure.input(z.object({ who: z.string().min(1).max(200) })).output(TrustOutlookSchema),
  /** By name, fingerprint, or the beginning of one. */
  remove: procedure.input(z.object({ who: z.string().min(1).max(200) })).output(TrustEffectSchema),
  /** The public half of this workspace's signing key, for others to trust. */
  publicKey: procedure.output(z.object({ pem: z.string(), id: FingerprintSchema })),
  /** Whether somebody's signature over a folder holds. */
  judge: procedure.input(JudgeRequestSchema).output(JudgedSchema),
};
