/**
 * The packs that can be installed, as data: which published files they are taken from, each by its SHA-256, and what of them
 * is kept. A pack belongs to one version of ONNX Runtime: its provider libraries speak to no other.
 */

export interface Wheel {
  /** Its project on the Python package index. */
  project: string;
  file: string;
  sha256: string;
  bytes: number;
  /** The folder inside it that holds the libraries. */
  folder: string;
  /** The libraries that are kept, each with its size in bytes. */
  libraries: Readonly<Record<string, number>>;
  /** Licences and notices inside it, kept beside the libraries. */
  licences: readonly string[];
}

export interface PackDefinition {
  name: string;
  title: string;
  /** Counts up when the wheels change while ONNX Runtime stays. */
  revision: number;
  onnxruntime: string;
  platform: string;
  arch: string;
  /** Short names of the execution providers that it brings. */
  providers: readonly string[];
  /** The least driver that serves what is in it. */
  driver: { vendor: string; atLeast: string; note: string };
  licence: { title: string; url: string };
  wheels: readonly Wheel[];
}

/**
 * CUDA for Linux on x64. The provider library is the one of the Python wheel `onnxruntime-gpu` 1.30.0, which is built for
 * CUDA 13. Needed by its ELF header: cublasLt, cublas, curand, cudart; opened when it runs: cuDNN with its parts, NVRTC, cuFFT
 * (which needs nvJitLink). The oldest libraries of CUDA 13 that fit are taken, since they ask least of the driver; of cuDNN the
 * newest, since cuDNN 9 serves all that was built for an earlier 9.
 * Driver: CUDA 13.0 release notes, table "CUDA Toolkit and Corresponding Driver Versions" (Linux).
 */
const CUDA: PackDefinition = {
  name: 'cuda',
  title: 'NVIDIA CUDA 13 with cuDNN 9',
  revision: 1,
  onnxruntime: '1.30.0',
  platform: 'linux',
  arch: 'x64',
  providers: ['cuda'],
  driver: { vendor: 'NVIDIA', atLeast: '580.65.06', note: 'CUDA 13 and a GPU of compute capability 7.5 (Turing) or newer' },
  licence: { title: 'NVIDIA CUDA Toolkit and cuDNN licences (proprietary); ONNX Runtime: MIT', url: 'https://docs.nvidia.com/cuda/eula/' },
  wheels: [
    {
      project: 'onnxruntime-gpu',
      file: 'onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl',
      sha256: '6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1',
      bytes: 246_685_715,
      folder: 'onnxruntime/capi',
      libraries: {
        'libonnxruntime_providers_cuda.so': 272_049_904,
        'libonnxruntime_providers_shared.so': 14_632,
        'libonnxruntime_providers_tensorrt.so': 990_656,
      },
      licences: ['onnxruntime/LICENSE', 'onnxruntime/ThirdPartyNotices.txt'],
    },
    {
      project: 'nvidia-cuda-runtime',
      file: 'nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
      bytes: 2_243_632,
      folder: 'nvidia/cu13/lib',
      libraries: {
        'libcudart.so.13': 704_288,
      },
      licences: ['nvidia_cuda_runtime-13.0.96.dist-info/licenses/License.txt'],
    },
    {
      project: 'nvidia-cublas',
      file: 'nvidia_cublas-13.1.0.3-py3-none-manylinux_2_27_x86_64.whl',
      sha256: 'ee8722c1f0145ab246bccb9e452153b5e0515fd094c3678df50b2a0888b8b171',
      bytes: 423_133_236,
      folder: 'nvidia/cu13/lib',
      libraries: {
        'libcublas.so.13': 54_177_976,
        'libcublasLt.so.13': 541_595_600,
      },
      licences: ['nvidia_cublas-13.1.0.3.dist-info/licenses/License.txt'],
    },
    {
      project: 'nvidia-cudnn-cu13',
      file: 'nvidia_cudnn_cu13-9.28.1.4-py3-none-manylinux_2_27_x86_64.whl',
      sha256: 'a54f205b1db1f2895d99f398754db1369816f0569dd459731f925635cf7b65ec',
      bytes: 516_817_937,
      folder: 'nvidia/cudnn/lib',
      libraries: {
        'libcudnn.so.9': 137_432,
        'libcudnn_adv.so.9': 92_392_360,
        'libcudnn_cnn.so.9': 4_204_144,
        'libcudnn_engines_precompiled.so.9': 260_072_128,
        'libcudnn_engines_runtime_compiled.so.9': 41_978_752,
        'libcudnn_engines_tensor_ir.so.9': 249_581_552,
        'libcudnn_ext.so.9': 10_492_592,
        'libcudnn_graph.so.9': 149_118_552,
        'libcudnn_heuristic.so.9': 96_473_968,
        'libcudnn_ops.so.9': 35_661_648,
      },
      licences: ['nvidia_cudnn_cu13-9.28.1.4.dist-info/licenses/License.txt'],
    },
    {
      project: 'nvidia-curand',
      file: 'nvidia_curand-10.4.0.35-py3-none-manylinux_2_27_x86_64.whl',
      sha256: '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc',
      bytes: 59_544_258,
      folder: 'nvidia/cu13/lib',
      libraries: {
        'libcurand.so.10': 132_698_328,
      },
      licences: ['nvidia_curand-10.4.0.35.dist-info/licenses/License.txt'],
    },
    {
      project: 'nvidia-cuda-nvrtc',
      file: 'nvidia_cuda_nvrtc-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      sha256: 'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575',
      bytes: 90_215_200,
      folder: 'nvidia/cu13/lib',
      libraries: {
        'libnvrtc-builtins.so.13.0': 4_380_616,
        'libnvrtc.so.13': 109_338_064,
      },
      licences: ['nvidia_cuda_nvrtc-13.0.88.dist-info/licenses/License.txt'],
    },
    {
      project: 'nvidia-cufft',
      file: 'nvidia_cufft-12.0.0.61-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl',
      sha256: '6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3',
      bytes: 214_085_489,
      folder: 'nvidia/cu13/lib',
      libraries: {
        'libcufft.so.12': 286_542_352,
      },
      licences: ['nvidia_cufft-12.0.0.61.dist-info/licenses/License.txt'],
    },
    {
      project: 'nvidia-nvjitlink',
      file: 'nvidia_nvjitlink-13.0.88-py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64.whl',
      sha256: '13a74f429e23b921c1109976abefacc69835f2f433ebd323d3946e11d804e47b',
      bytes: 40_713_933,
      folder: 'nvidia/cu13/lib',
      libraries: {
        'libnvJitLink.so.13': 98_806_736,
      },
      licences: ['nvidia_nvjitlink-13.0.88.dist-info/licenses/License.txt'],
    },
  ],
};

export const PACKS: readonly PackDefinition[] = [CUDA];

/** The pack of that name for a machine. */
export function findPack(
  packs: readonly PackDefinition[],
  name: string,
  machine: { onnxruntime: string; platform: string; arch: string },
): PackDefinition | undefined {
  return packs.find(
    (pack) => pack.name === name && pack.onnxruntime === machine.onnxruntime && pack.platform === machine.platform && pack.arch === machine.arch,
  );
}

/** `cuda-1.30.0-1`: the folder of an installed pack. */
export function packFolder(pack: Pick<PackDefinition, 'name' | 'onnxruntime' | 'revision'>): string {
  return `${pack.name}-${pack.onnxruntime}-${pack.revision}`;
}

/** What is fetched and what is kept, in bytes. */
export function packBytes(pack: PackDefinition): { download: number; installed: number } {
  let download = 0;
  let installed = 0;
  for (const wheel of pack.wheels) {
    download += wheel.bytes;
    for (const bytes of Object.values(wheel.libraries)) installed += bytes;
  }
  return { download, installed };
}

/**
 * Whether a driver is new enough. Its parts are compared as numbers: NVIDIA writes them with leading zeros (580.65.06), which
 * versions proper do not have.
 */
export function driverServes(pack: PackDefinition, found: string): boolean {
  const [have = [], wanted = []] = [found, pack.driver.atLeast].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(have.length, wanted.length); i++) {
    const difference = (have[i] ?? 0) - (wanted[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
