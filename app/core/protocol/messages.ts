/**
 * What a workspace and a device say to each other: pairing messages, and the bodies of the management door.
 * Both sides parse with these schemas, so a field that one side forgets is an error at the wire and nowhere else.
 */
import { z } from 'zod';
import {
  DeviceBundleSchema,
  DeviceEventSchema,
  DigestSchema,
  ErrorBodySchema,
  FingerprintSchema,
  HardwareReportSchema,
  NameSchema,
  ServingSchema,
  TimestampSchema,
  VersionSchema,
  WatchSchema,
} from '#contract';
import { MAX_BLOB_BYTES, MAX_MANIFEST_BYTES } from '#core/bundles';
import { NoteSchema, noteSchema, PAIRING_EXPORTER_BYTES } from '#core/trust';
import { MAX_DEPLOYMENT_BLOBS, MAX_EVENTS, MAX_SIGNED_ORDER_BYTES, MAX_TOLD_ADMINISTRATORS } from './limits.ts';

/** Version of the pairing and management protocol. A device refuses another one. */
export const PROTOCOL_VERSION = 1;

// --- Pairing: TLS 1.3, u32 BE length-prefixed JSON, one message each way in turn -----------------------------------

/** Label, context and length of the TLS exporter (RFC 5705 / RFC 8446 §7.5) that both sides MAC. */
export const PAIRING_EXPORTER = { label: 'EXPORTER-edgewright-pairing-v1', context: '', bytes: PAIRING_EXPORTER_BYTES } as const;

/** PEM and base64 fields: long enough for any chain of ours, short enough to be harmless. */
const PemSchema = z
  .string()
  .max(16 * 1024)
  .regex(/^-----BEGIN [A-Z ]+-----/, 'a PEM block begins with -----BEGIN');
const MacSchema = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'base64');

/** A device or workspace id: random, made once, never reused. */
export const IdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'an id is 1 to 64 of A-Z a-z 0-9 _ -');

/** 1. workspace -> device. Proves knowledge of the code first, so that a stranger learns nothing from a device. */
export const HelloSchema = z.object({
  type: z.literal('hello'),
  protocol: z.number().int(),
  workspaceId: IdSchema,
  /** What the workspace calls the device. */
  name: NameSchema,
  mac: MacSchema,
});
export type Hello = z.infer<typeof HelloSchema>;

/** 2. device -> workspace, when the code was right. `csr` is a PKCS#10 request in PEM for the device's own key. */
export const ProofSchema = z.object({
  type: z.literal('proof'),
  deviceId: IdSchema,
  mac: MacSchema,
  csr: PemSchema,
  agentVersion: z.string().max(64),
});
export type Proof = z.infer<typeof ProofSchema>;

/** device -> workspace at any point, when it says no. `triesLeft` 0: the door is closed for good. */
export const RefusedSchema = z.object({ type: z.literal('refused'), error: ErrorBodySchema, triesLeft: z.number().int().min(0) });
export type Refused = z.infer<typeof RefusedSchema>;

/** 3. workspace -> device. */
export const EnrolSchema = z.object({
  type: z.literal('enrol'),
  /** The device's certificate, signed by `ca`, PEM. */
  certificate: PemSchema,
  /** The workspace's own CA certificate, PEM. */
  ca: PemSchema,
  /** Public key that signs this workspace's bundles, SPKI PEM. */
  signer: PemSchema,
  workspaceId: IdSchema,
  /** Whom the workspace has revoked, so that a device never knows less than the one before it. Absent: nobody yet. */
  revocations: NoteSchema.optional(),
});
export type Enrol = z.infer<typeof EnrolSchema>;

/** 4. device -> workspace, only after all of it is stored durably. Addresses are `host:port`. */
export const EnrolledSchema = z.object({ type: z.literal('enrolled'), management: z.string().max(300), inference: z.string().max(300) });
export type Enrolled = z.infer<typeof EnrolledSchema>;

export type PairingMessage = Hello | Proof | Refused | Enrol | Enrolled;

// --- Management door: HTTPS, TLS 1.3, client certificate with the role `workspace` --------------------------------

/** A failure on the management door: HTTP status by owner, this body. The `/v2/` push paths use OCI's form instead. */
export const ErrorAnswerSchema = z.object({ error: ErrorBodySchema });

/** An error of the OCI distribution API; `detail` carries our ErrorBody. */
export const OciErrorsSchema = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().optional(), detail: z.unknown().optional() })),
});

export const DescriptorSchema = z.object({ digest: DigestSchema, size: z.number().int().min(0).max(MAX_BLOB_BYTES) });
export type Descriptor = z.infer<typeof DescriptorSchema>;

/** What a device holds a bundle to while it serves. Absent fields are not watched. */
export const DeviceLimitsSchema = z.object({
  /** 95th percentile of the latency of single runs, in ms. */
  p95Ms: z.number().positive().optional(),
  /** Highest resident memory of the runner, in bytes. */
  memoryBytes: z.number().int().positive().optional(),
});
export type DeviceLimits = z.infer<typeof DeviceLimitsSchema>;

/** POST /v1/deployments: the decision. Only what it lists by digest and size may be pushed afterwards. */
export const DeploymentOrderSchema = z.object({
  /** Chosen by the workspace. The same id again is the same deployment: it changes nothing and is answered alike. */
  id: IdSchema,
  name: NameSchema,
  version: VersionSchema,
  variant: z.string().min(1).max(64),
  /** The variant's OCI manifest. */
  manifest: DescriptorSchema.extend({ size: z.number().int().min(1).max(MAX_MANIFEST_BYTES) }),
  /** Every blob the device needs, each once: the manifest, its config and layers, and the signature's manifest and layer. */
  blobs: z.array(DescriptorSchema).min(1).max(MAX_DEPLOYMENT_BLOBS),
  watch: WatchSchema,
  limits: DeviceLimitsSchema.default({}),
  /** An older version than the one that is active is a decision of its own: true says that a person took it. */
  allowDowngrade: z.boolean().default(false),
});
export type DeploymentOrder = z.infer<typeof DeploymentOrderSchema>;

/**
 * POST /v1/deployments of an administrator, who was granted it by the workspace: the grant, and the order in a statement of
 * that administrator. See signed-order.ts.
 */
export const SignedOrderSchema = z.object({ grant: NoteSchema, order: noteSchema(MAX_SIGNED_ORDER_BYTES) });
export type SignedOrder = z.infer<typeof SignedOrderSchema>;

/** POST /v1/administrators: whom the workspace has revoked. Whoever comes in may bring it: its signature decides. */
export const RevocationsOrderSchema = z.object({ revocations: NoteSchema });
/** The statement the device holds after that, which is never an older one than before; absent: none. */
export const RevocationsAnswerSchema = z.object({ counter: z.number().int().min(0), revocations: NoteSchema.optional() });
export type RevocationsAnswer = z.infer<typeof RevocationsAnswerSchema>;

export const AgentDeploymentStateSchema = z.enum([
  'receiving',
  'verifying',
  'testing',
  'activating',
  'on trial',
  'active',
  'refused',
  'rolled back',
  'cancelled',
  'superseded',
]);
export type AgentDeploymentState = z.infer<typeof AgentDeploymentStateSchema>;

/** States that nothing leaves any more. `active` can still be followed by `rolled back` (by hand, bit rot). */
export const ENDED_STATES: readonly AgentDeploymentState[] = ['active', 'refused', 'rolled back', 'cancelled', 'superseded'];

/** Answer to POST /v1/deployments. */
export const DeploymentAcceptedSchema = z.object({ id: IdSchema, state: AgentDeploymentStateSchema, missing: z.array(DigestSchema) });
export type DeploymentAccepted = z.infer<typeof DeploymentAcceptedSchema>;

/** GET /v1/deployments/ID[?wait=MS&state=S]: with `wait`, answers as soon as the state differs from S. */
export const DeploymentStatusSchema = z.object({
  id: IdSchema,
  name: NameSchema,
  version: z.string(),
  variant: z.string(),
  digest: DigestSchema,
  state: AgentDeploymentStateSchema,
  /** What the device is doing right now, in words. */
  step: z.string().optional(),
  /** Why it was refused, rolled back or cancelled. */
  error: ErrorBodySchema.optional(),
  /** What the device serves for this model now, `name@version#variant`; absent: nothing. */
  serving: z.string().optional(),
  /** Digest of what it serves now. */
  servingDigest: DigestSchema.optional(),
  missing: z.array(DigestSchema),
  /** While on trial: when it may commit, and how many requests are still needed. */
  commitsAt: TimestampSchema.optional(),
  requestsLeft: z.number().int().optional(),
  updatedAt: TimestampSchema,
});
export type DeploymentStatus = z.infer<typeof DeploymentStatusSchema>;

/** GET /v1/status. */
export const AgentStatusSchema = z.object({
  id: IdSchema,
  name: NameSchema,
  agentVersion: z.string(),
  time: TimestampSchema,
  /** http://host:port of the inference door. */
  inference: z.string(),
  diskFreeBytes: z.number().int(),
  bundles: z.array(DeviceBundleSchema),
  serving: z.array(ServingSchema),
  /** Absent until the device has looked at itself. */
  hardware: HardwareReportSchema.optional(),
  lastEventSeq: z.number().int(),
  /** What the device knows of administrators. Absent: an agent that takes none. */
  administrators: z
    .object({
      /** Of the newest statement about revoked ones that it holds; 0: none. */
      counter: z.number().int().min(0),
      /** Names that very statement: a workspace restored from a backup may have made two with one counter. */
      statement: DigestSchema.optional(),
      /** Those who came, latest first. */
      seen: z.array(z.object({ key: FingerprintSchema, at: TimestampSchema })).max(MAX_TOLD_ADMINISTRATORS),
    })
    .optional(),
  /** Told to an administrator: the counter of the last order it took from him. */
  lastOrder: z.number().int().min(0).optional(),
});
export type AgentStatus = z.infer<typeof AgentStatusSchema>;

/** GET /v1/events?after=SEQ&wait=MS. */
export const EventsAnswerSchema = z.object({ events: z.array(DeviceEventSchema).max(MAX_EVENTS) });

/** POST /v1/rollback. Without `model` when the device serves only one. */
export const RollbackOrderSchema = z.object({ model: NameSchema.optional() });
/** `from` and `to` read `name@version#variant`; seconds from the order to the first readiness of the one before. */
export const RollbackAnswerSchema = z.object({ model: NameSchema, from: z.string(), to: z.string(), seconds: z.number() });
export type RollbackAnswer = z.infer<typeof RollbackAnswerSchema>;

/** POST /v1/forget. */
export const ForgetAnswerSchema = z.object({ forgotten: z.literal(true) });

// --- The agent's ready line ----------------------------------------------------------------------------------------

/** The one JSON line on the agent's stdout. Addresses are `host:port`. */
export const ReadyLineSchema = z.object({
  ready: z.literal(true),
  id: IdSchema,
  management: z.string(),
  inference: z.string(),
  /** Absent when the door is not open. `code` is absent when it went to a file. */
  pairing: z.object({ address: z.string(), code: z.string().optional(), expires: TimestampSchema }).optional(),
});
export type ReadyLine = z.infer<typeof ReadyLineSchema>;
