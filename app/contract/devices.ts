/** Enrolled machines and what is sent to them. */
import { z } from 'zod';
import { DigestSchema, FingerprintSchema, NameSchema, RefSchema, TimestampSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';
import { HardwareReportSchema } from './hardware.ts';

/** Where a bundle stands on a device. */
export const SlotStateSchema = z.enum(['receiving', 'verifying', 'testing', 'activating', 'on trial', 'active', 'previous', 'refused', 'rolled back']);
export type SlotState = z.infer<typeof SlotStateSchema>;

export const DeviceBundleSchema = z.object({
  name: NameSchema,
  version: z.string(),
  variant: z.string(),
  digest: DigestSchema,
  state: SlotStateSchema,
  /** Since when it is in this state. */
  since: TimestampSchema,
  /** Why it was refused or rolled back. */
  reason: z.string().optional(),
  /** The administrator who had it deployed; absent: the workspace that the device belongs to. */
  deployedBy: z.string().max(200).optional(),
  /** His signing key: what he is called may change with a new grant. */
  deployedByKey: FingerprintSchema.optional(),
  /** While on trial: when and after how many requests it commits. */
  commitsAt: TimestampSchema.optional(),
  requestsLeft: z.number().int().optional(),
});
export type DeviceBundle = z.infer<typeof DeviceBundleSchema>;

/** One line of a device's own history, oldest first; `seq` never repeats. */
export const DeviceEventSchema = z.object({
  seq: z.number().int(),
  at: TimestampSchema,
  kind: z.string(),
  model: z.string().optional(),
  message: z.string(),
});
export type DeviceEvent = z.infer<typeof DeviceEventSchema>;

export const ServingSchema = z.object({
  model: z.string(),
  requests: z.number().int(),
  failures: z.number().int(),
  p50Ms: z.number().optional(),
  p95Ms: z.number().optional(),
  provider: z.string().optional(),
});

export const DeviceSchema = z.object({
  id: z.string(),
  name: NameSchema,
  /** https://host:port of the management door (mutual TLS). */
  management: z.string(),
  /** http://host:port where the device serves inference to its own applications. */
  inference: z.string(),
  state: z.enum(['reachable', 'not seen', 'does not trust us']),
  lastSeenAt: TimestampSchema.optional(),
  enrolledAt: TimestampSchema,
  /** The agent that `npm start` runs on this computer to practise with. */
  practice: z.boolean(),
  /** The workspace it belongs to, where that is not this one but one that made this one an administrator. */
  workspace: z.string().optional(),
  agentVersion: z.string().optional(),
  diskFreeBytes: z.number().int().optional(),
  bundles: z.array(DeviceBundleSchema),
  serving: z.array(ServingSchema),
  /** Why it is not reachable. */
  problem: z.string().optional(),
});
export type Device = z.infer<typeof DeviceSchema>;

export const DeviceDetailSchema = DeviceSchema.extend({
  hardware: HardwareReportSchema.optional(),
  events: z.array(DeviceEventSchema),
});
export type DeviceDetail = z.infer<typeof DeviceDetailSchema>;

export const AddDeviceSchema = z.object({
  /** host:port of the agent's pairing door. */
  address: z.string().max(300),
  name: NameSchema,
  /** The one-time code the agent shows: 16 Crockford base32 characters, dashes and case do not matter. */
  code: z.string().max(64),
});

export const WatchSchema = z.object({
  /** Commit not before this many seconds … */
  seconds: z
    .number()
    .min(0)
    .max(7 * 86_400)
    .default(600),
  /** … and this many requests. */
  requests: z.number().int().min(0).max(10_000_000).default(100),
  /** Roll back once at least `minFailures` requests failed and their share exceeds `maxFailureShare`. */
  maxFailureShare: z.number().min(0).max(1).default(0.05),
  minFailures: z.number().int().min(1).default(3),
});
export type Watch = z.infer<typeof WatchSchema>;

export const DeploySpecSchema = z.object({
  ref: RefSchema,
  variant: z.string().optional(),
  devices: z.array(z.string()).min(1).max(1000),
  watch: WatchSchema.prefault({}),
  /** An older version than the one that serves is a decision of its own, which no override stands for. */
  allowDowngrade: z.boolean().default(false),
  /** Deploy although a pre-flight check says no; the reason is kept on record. */
  override: z.string().max(500).optional(),
});
export type DeploySpec = z.infer<typeof DeploySpecSchema>;

export const PreflightSchema = z.object({
  device: z.string(),
  ok: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  /** What would be sent, and what the device has already, in bytes. */
  bytesToSend: z.number().int().optional(),
  bytesThere: z.number().int().optional(),
});
export type Preflight = z.infer<typeof PreflightSchema>;

export const DeploymentStateSchema = z.enum([
  'waiting',
  'sending',
  'verifying',
  'testing',
  'activating',
  'on trial',
  'active',
  'refused',
  'rolled back',
  'failed',
  'cancelled',
  'superseded',
]);

export const DeploymentSchema = z.object({
  id: z.string(),
  device: z.string(),
  ref: z.string(),
  variant: z.string(),
  digest: DigestSchema,
  state: DeploymentStateSchema,
  startedAt: TimestampSchema,
  endedAt: TimestampSchema.optional(),
  bytesTotal: z.number().int(),
  bytesSent: z.number().int(),
  seconds: z.number(),
  jobId: z.string().optional(),
  /** What the device serves after this deployment ended. */
  serving: z.string().optional(),
  error: ErrorBodySchema.optional(),
});
export type Deployment = z.infer<typeof DeploymentSchema>;

export const RollbackResultSchema = z.object({
  device: z.string(),
  model: z.string(),
  from: z.string(),
  to: z.string(),
  seconds: z.number(),
});
export type RollbackResult = z.infer<typeof RollbackResultSchema>;
