/** Shapes that several parts of the contract share. */
import { z } from 'zod';

/** `sha256:` and 64 lower-case hex digits, as OCI writes it. */
export const DigestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'a digest reads sha256: and 64 hex digits');
export type Digest = z.infer<typeof DigestSchema>;

/** Bundle and device names: lower case, so that they are the same on every file system and in OCI references. */
export const NameSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/, 'a name is 1 to 63 of a-z 0-9 . _ - and begins and ends with a letter or digit');

/** Semantic version 2.0 without build metadata (`+` is not allowed in an OCI tag). */
export const VersionSchema = z.string().regex(/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]{1,64})?$/, 'a version reads 1.2.3 or 1.2.3-rc.1');

/** Hex SHA-256 of a public key (SubjectPublicKeyInfo, DER): the same however its PEM is wrapped. */
export const FingerprintSchema = z.string().regex(/^[0-9a-f]{64}$/, 'a fingerprint is 64 hex digits');

/** `name@version[#variant]` or a digest. */
export const RefSchema = z.string().min(1).max(200);

const ProxySchema = z.string().max(2048).optional();
/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY of whoever asks: the engine may have been started with others. */
export const ProxiesSchema = z.object({ HTTP_PROXY: ProxySchema, HTTPS_PROXY: ProxySchema, NO_PROXY: ProxySchema });

/** Certificates and keys in PEM. */
export const PemSchema = z.string().max(256 * 1024);

/** What to call the job of a call, so that whoever asks can watch it, and cancel it, while the call runs. */
export const JobIdSchema = z.uuid().optional();

/** Milliseconds since the epoch. */
export const TimestampSchema = z.number().int();

/** A dimension: a number, or the symbolic name the exporter gave it. */
export const DimSchema = z.union([z.number().int(), z.string()]);

export const TensorInfoSchema = z.object({
  name: z.string(),
  /** ONNX element type in lower case: `float32`, `int8`, `string` … */
  type: z.string(),
  dims: z.array(DimSchema),
});
export type TensorInfo = z.infer<typeof TensorInfoSchema>;

/** A measured value with the bounds of its 95 % interval. */
export const IntervalSchema = z.object({ value: z.number(), low: z.number(), high: z.number() });
export type Interval = z.infer<typeof IntervalSchema>;

/** Latency of single runs, in milliseconds; percentiles linear as numpy's. */
export const LatencySchema = z.object({
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  mean: z.number(),
  min: z.number(),
  max: z.number(),
  samples: z.number().int(),
});
export type Latency = z.infer<typeof LatencySchema>;

export const BenchmarkSchema = z.object({
  latencyMs: LatencySchema,
  throughputPerSecond: z.number(),
  loadMs: z.object({ cold: z.number(), warm: z.number() }),
  /** The first run after the cold load. What is optional here is missing in results of earlier versions. */
  firstMs: z.number().optional(),
  /** Highest resident memory of the runner process, in bytes (VmHWM or its equal). */
  peakMemoryBytes: z.number().int(),
  threads: z.number().int(),
  batch: z.number().int(),
  /** Relative spread between rounds: (max round p50 - min round p50) / median round p50. Large = the machine was busy. */
  noise: z.number(),
  /** 95 % interval of the median, from the rounds. */
  p50Interval: z.object({ low: z.number(), high: z.number() }).optional(),
  /** Cores that were busy on average during the counted runs. */
  cpuCores: z.number().optional(),
  /** Runs so slow that something else must have been at work; they stay in the percentiles. */
  outliers: z.object({ count: z.number().int(), aboveMs: z.number(), worstMs: z.number().optional() }).optional(),
});
export type Benchmark = z.infer<typeof BenchmarkSchema>;

/** Which execution providers were asked for, and which node ran where. */
export const ProviderUseSchema = z.object({
  requested: z.array(z.string()),
  /** Provider name -> number of nodes it ran. Read from a profile of a real run; empty when none was taken. */
  actual: z.record(z.string(), z.number().int()),
  /** Nodes that did not run on the first provider asked for, with the likely reason. */
  fallbacks: z.array(z.object({ node: z.string(), op: z.string(), provider: z.string(), reason: z.string() })).default([]),
});
export type ProviderUse = z.infer<typeof ProviderUseSchema>;

/** A finding that does not stop the work. `where` names the node, tensor or input; `hint` says what to do about it. */
export const WarningSchema = z.object({ code: z.string(), message: z.string(), where: z.string().optional(), hint: z.string().optional() });
export type Warning = z.infer<typeof WarningSchema>;
