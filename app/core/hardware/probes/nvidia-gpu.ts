/** One NVIDIA GPU, whoever told of it. */

/** Said where the driver gives no name. */
export const UNNAMED = 'NVIDIA GPU';

export interface NvidiaGpu {
  /** PCI address in sysfs form. */
  address: string;
  name: string;
  memoryBytes?: number;
  freeBytes?: number;
  computeCapability?: string;
  driverVersion?: string;
  /** Its number for CUDA; absent where CUDA does not list it. */
  cudaIndex?: number;
  integrated?: boolean;
  /** There where it is cut into instances (MIG): which there are, where that was told. */
  mig?: { instances?: string[] };
  /** No process may compute on it (compute mode `prohibited`). */
  prohibited?: boolean;
  /** What the driver says instead of answering for it. */
  problem?: string;
  source: string;
}

/** NVIDIA's tools write the domain with eight digits, sysfs with four. */
export function busAddress(bus: string): string {
  return bus.toLowerCase().replace(/^0000([0-9a-f]{4}:)/, '$1');
}
