/** The shapes of what driver libraries say through the native addon (native/src/driver_probes.h). A driver wrote half of it, and in a recording anybody: all is checked. */
import { z } from 'zod';
import { MAX_DEVICES, MAX_SHORT_CHARS } from './limits.ts';

const text = z.string().max(MAX_SHORT_CHARS);
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const number = z.number().int();
const said = z.string().max(4 * MAX_SHORT_CHARS);
const listOf = <S extends z.ZodRawShape>(entry: S) => z.array(z.object(entry)).max(MAX_DEVICES);
const failure = z.object({ step: text, code: number, name: text.optional() });
export type DriverFailure = z.infer<typeof failure>;

const base = {
  library: text.optional(),
  loadError: said.optional(),
  error: failure.optional(),
};

const CudaSchema = z.object({
  ...base,
  /** 1000 × major + 10 × minor. */
  driverVersion: number.optional(),
  devices: listOf({
    index: number,
    error: failure.optional(),
    name: text.optional(),
    busId: text.optional(),
    memoryBytes: bytes.optional(),
    computeCapability: text.optional(),
    integrated: z.boolean().optional(),
    multiprocessors: number.optional(),
    computeMode: number.optional(),
  }).optional(),
});
export type CudaAnswer = z.infer<typeof CudaSchema>;

const NvmlSchema = z.object({
  ...base,
  driverVersion: text.optional(),
  cudaVersion: number.optional(),
  devices: listOf({
    index: number,
    error: failure.optional(),
    name: text.optional(),
    busId: text.optional(),
    pciDeviceId: number.optional(),
    memoryBytes: bytes.optional(),
    freeBytes: bytes.optional(),
    computeCapability: text.optional(),
    computeMode: number.optional(),
    mig: z.boolean().optional(),
    migInstances: listOf({ name: text.optional(), memoryBytes: bytes.optional() }).optional(),
  }).optional(),
});
export type NvmlAnswer = z.infer<typeof NvmlSchema>;

const VulkanSchema = z.object({
  ...base,
  devices: listOf({
    name: text,
    vendorId: number,
    deviceId: number,
    /** VkPhysicalDeviceType: 1 integrated, 2 discrete, 3 virtual, 4 CPU. */
    type: number,
    apiVersion: text,
    driver: text.optional(),
    driverInfo: text.optional(),
    busId: text.optional(),
    memoryBytes: bytes.optional(),
  }).optional(),
});

const adapter = {
  name: text.default(''),
  vendorId: number.optional(),
  deviceId: number.optional(),
  luid: text.optional(),
  driver: text.optional(),
  dedicatedBytes: bytes.optional(),
  sharedBytes: bytes.optional(),
};
const DxgiSchema = z.object({
  ...base,
  adapters: listOf({ ...adapter, index: number.optional(), software: z.boolean().optional(), remote: z.boolean().optional() }).optional(),
});
export type DxgiAnswer = z.infer<typeof DxgiSchema>;

const DxcoreSchema = z.object({
  ...base,
  adapters: listOf({
    ...adapter,
    hardware: z.boolean().optional(),
    integrated: z.boolean().optional(),
    npu: z.boolean().optional(),
    graphics: z.boolean().optional(),
    compute: z.boolean().optional(),
    genericMl: z.boolean().optional(),
  }).optional(),
});
export type DxcoreAnswer = z.infer<typeof DxcoreSchema>;

const LibrariesSchema = z.object({
  libraries: listOf({
    name: text,
    loads: z.boolean(),
    version: text.optional(),
    error: said.optional(),
  }),
});

/** Undefined where there was no addon to ask. @throws Error saying which field is wrong: the probe fails with that, and no other. */
function check<T>(schema: z.ZodType<T>, who: string, answer: unknown): T | undefined {
  if (answer === undefined) return undefined;
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`${who} answered nonsense: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}`);
}

export const cudaAnswer = (answer: unknown) => check(CudaSchema, 'the CUDA driver', answer);
export const nvmlAnswer = (answer: unknown) => check(NvmlSchema, 'NVML', answer);
export const vulkanAnswer = (answer: unknown) => check(VulkanSchema, 'Vulkan', answer);
export const dxgiAnswer = (answer: unknown) => check(DxgiSchema, 'DXGI', answer);
export const dxcoreAnswer = (answer: unknown) => check(DxcoreSchema, 'DXCore', answer);
export const loadedLibraries = (answer: unknown) => check(LibrariesSchema, 'the loader', answer)?.libraries;

/** `13020` -> `13.2` */
export function cudaVersionText(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}
