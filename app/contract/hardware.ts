/** What this machine (or a device) can run, and why not when it can't. */
import { z } from 'zod';
import { TimestampSchema } from './common.ts';

/** The chain an accelerator or provider climbs; it stops where something is missing. */
export const ReachSchema = z.enum(['absent', 'present', 'driver ok', 'runtime ok', 'verified']);
export type Reach = z.infer<typeof ReachSchema>;

/** What is missing and how to mend it. `command` can be copied and run. */
export const RemedySchema = z.object({ text: z.string(), command: z.string().optional() });

export const HardwareDeviceSchema = z.object({
  kind: z.enum(['cpu', 'gpu', 'npu']),
  name: z.string(),
  vendor: z.string().optional(),
  /** PCI address, device-tree path or other stable id, where there is one. */
  id: z.string().optional(),
  state: ReachSchema,
  /** What is missing for the next state. Absent when verified. */
  stoppedBy: z.string().optional(),
  remedy: RemedySchema.optional(),
  /** True: no provider of this program's ONNX Runtime reaches it, whatever is mended. It is told so that nobody waits for it. */
  noPath: z.boolean().optional(),
  /** True: nothing is known to stop it, no model was run on it yet; `stoppedBy` says so too. */
  notTried: z.boolean().optional(),
  memoryBytes: z.number().int().optional(),
  /** Of it, free when looked at. */
  memoryFreeBytes: z.number().int().optional(),
  driver: z.string().optional(),
  /** Execution providers that could use this device. */
  providers: z.array(z.string()),
  /** Plain facts, each with where it came from. */
  facts: z.array(z.object({ name: z.string(), value: z.string(), source: z.string() })),
});
export type HardwareDevice = z.infer<typeof HardwareDeviceSchema>;

export const ProviderStateSchema = z.object({
  /** ONNX Runtime's short name as onnxruntime-node takes it: cpu, cuda, tensorrt, dml, coreml, webgpu, … */
  name: z.string(),
  title: z.string(),
  state: ReachSchema,
  reason: z.string().optional(),
  remedy: RemedySchema.optional(),
  /** Present when a tiny model really ran: nodes per provider, and its time. */
  proof: z.object({ nodes: z.record(z.string(), z.number().int()), latencyMs: z.number() }).optional(),
});
export type ProviderState = z.infer<typeof ProviderStateSchema>;

export const HardwareReportSchema = z.object({
  detectedAt: TimestampSchema,
  /** How long looking took, and after it trying models on what was found. */
  took: z.object({ probesMs: z.number(), proofsMs: z.number() }).optional(),
  /** One sentence that answers "what runs here?". */
  summary: z.string(),
  machine: z.object({
    hostname: z.string(),
    os: z.string(),
    arch: z.string(),
    kernel: z.string(),
    virtualization: z.string().optional(),
    onnxruntime: z.string(),
    node: z.string(),
  }),
  cpu: z.object({
    model: z.string(),
    cores: z.number().int(),
    /** Cores this process may use (affinity and cgroup quota). */
    usableCores: z.number(),
    /** What narrows them, in words with the number. */
    limits: z.array(z.string()).optional(),
    sockets: z.number().int().optional(),
    /** Cores as built; `cores` counts their threads. */
    physicalCores: z.number().int().optional(),
    /** Where not all cores are alike. */
    kinds: z.array(z.object({ name: z.string(), count: z.number().int() })).optional(),
    caches: z.array(z.object({ name: z.string(), bytes: z.number().int(), sharedBy: z.number().int().optional() })).optional(),
    /** Vector extensions that matter for inference, each present or not. */
    features: z.record(z.string(), z.boolean()),
    /** Which int8 kernels ONNX Runtime will choose, in words, and what follows for quantization. */
    int8: z.object({ path: z.string(), advice: z.string() }),
  }),
  memory: z.object({ totalBytes: z.number().int(), availableBytes: z.number().int(), limitBytes: z.number().int().optional() }),
  devices: z.array(HardwareDeviceSchema),
  providers: z.array(ProviderStateSchema),
  /** Probes that failed or ran out of time: never hides the others. */
  probes: z.array(z.object({ name: z.string(), ok: z.boolean(), ms: z.number(), error: z.string().optional() })),
});
export type HardwareReport = z.infer<typeof HardwareReportSchema>;
