/** What NVIDIA's libraries are called by people, and how to get one that is missing. */
import type { HardwareDevice } from '#contract';
import type { ProviderLibrary } from './probes/provider-libraries.ts';
import { joined } from './words.ts';

type Stop = { reason: string; remedy: NonNullable<HardwareDevice['remedy']> };

const TITLES: Record<string, string> = {
  libcudnn: 'cuDNN',
  libcudart: 'the CUDA runtime',
  libcublas: 'cuBLAS',
  libcublasLt: 'cuBLASLt',
  libcurand: 'cuRAND',
  libcufft: 'cuFFT',
  libnvrtc: 'NVRTC',
  libnvinfer: 'TensorRT',
  libnvinfer_plugin: 'the TensorRT plugins',
  libnvonnxparser: "TensorRT's ONNX parser",
  libcuda: "the driver's CUDA library",
};

/** `libcudnn.so.9` -> `cuDNN 9`; other names stay. */
export function libraryTitle(file: string): string {
  const [, base, major] = /^(lib[A-Za-z_]+)\.so(?:\.(\d+))?/.exec(file) ?? [];
  const title = base && TITLES[base];
  return title ? `${title}${major && base !== 'libcuda' ? ` ${major}` : ''}` : file;
}

/** Why a provider library that is there can't be loaded; undefined when all it needs is found. */
export function libraryStop(library: ProviderLibrary): Stop | undefined {
  if (library.missing.length > 0) {
    const names = library.missing.map((file) => (libraryTitle(file) === file ? file : `${libraryTitle(file)} (${file})`));
    return { reason: `${joined(names)} ${names.length === 1 ? 'is' : 'are'} missing`, remedy: remedyFor(library) };
  }
  const out = library.unreachable[0];
  if (out === undefined) return undefined;
  const dirs = [...new Set(library.unreachable.map((entry) => entry.dir))];
  return {
    reason: `${library.unreachable.map((entry) => libraryTitle(entry.name)).join(', ')} ${library.unreachable.length === 1 ? 'lies' : 'lie'} in ${dirs.join(' and ')}, where the loader does not look`,
    remedy: {
      text: 'Name the folder to the loader, then start Edgewright anew.',
      command: `export LD_LIBRARY_PATH=${dirs.join(':')}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}`,
    },
  };
}

/** Parts of the CUDA toolkit whose file names carry its major version. */
const CUDA = /^lib(?:cudart|cublas|cublasLt)\.so\.(\d+)/;

/** The CUDA version a provider library was built for, as its needs tell. */
export function cudaMajor(library: ProviderLibrary): number | undefined {
  const found = library.needs.map((file) => CUDA.exec(file)?.[1]).find((major) => major !== undefined);
  return found === undefined ? undefined : Number(found);
}

/** Package names are those of NVIDIA's own repository for Debian and Ubuntu. */
function remedyFor(library: ProviderLibrary): Stop['remedy'] {
  const { missing } = library;
  const major = cudaMajor(library);
  const cudaMissing = missing.some((file) => CUDA.test(file));
  const cudnnMajor = missing.map((file) => /^libcudnn\.so\.(\d+)/.exec(file)?.[1]).find((found) => found !== undefined);
  const tensorrtMajor = missing.map((file) => /^libnvinfer\.so\.(\d+)/.exec(file)?.[1]).find((found) => found !== undefined);
  const packages = [
    ...(cudaMissing && major ? [`cuda-toolkit-${major}`] : []),
    ...(cudnnMajor ? [`cudnn${cudnnMajor}${major ? `-cuda-${major}` : ''}`] : []),
    ...(tensorrtMajor ? [`libnvinfer${tensorrtMajor}`, `libnvinfer-plugin${tensorrtMajor}`, `libnvonnxparsers${tensorrtMajor}`] : []),
  ];
  if (packages.length === 0) return { text: `Install the packages that bring ${missing.join(', ')}.` };
  return {
    text: "Install it from NVIDIA's package repository (on Debian and Ubuntu as below), then detect again.",
    command: `sudo apt-get install ${packages.join(' ')}`,
  };
}
