/** What keeps an NVIDIA driver from being usable, most certain and most basic cause first. */
import type { Place } from '../place.ts';
import type { NvidiaFacts } from '../probes/nvidia.ts';
import type { NvidiaGpu } from '../probes/nvidia-gpu.ts';
import type { PciDevice } from '../probes/pci.ts';
import type { FoundFacts } from '../probes/table.ts';
import { deniedNode, install, type Stop } from './words.ts';

export interface NvidiaCase {
  nvidia: NvidiaFacts;
  facts: FoundFacts;
  place: Place;
  pci: PciDevice | undefined;
  gpu: NvidiaGpu | undefined;
}

/** @returns undefined when nothing stops it */
export function nvidiaDriverStop(of: NvidiaCase): Stop | undefined {
  if (of.pci?.lost || /\blost\b|fallen off the bus/i.test(of.gpu?.problem ?? '')) return FELL_OFF;
  if (of.place.platform !== 'linux') return windowsStop(of);
  return boundElsewhere(of) ?? notLoaded(of) ?? mismatch(of) ?? libraryMissing(of) ?? notAnswering(of) ?? switchedOff(of);
}

const FELL_OFF: Stop = {
  stoppedBy: 'it fell off the bus: the card does not answer any more',
  remedy: {
    text: 'Switch the computer off and on again. If it happens again, look after its power supply, its seat and its temperature.',
    command: "sudo dmesg | grep -iE 'nvrm|xid'",
  },
};

function windowsStop({ nvidia }: NvidiaCase): Stop | undefined {
  if (nvidia.gpus.length > 0 || nvidia.smiError === undefined) return undefined;
  return { stoppedBy: `the driver does not answer: ${nvidia.smiError}`, remedy: { text: "Install NVIDIA's driver again." } };
}

function boundElsewhere({ pci, facts }: NvidiaCase): Stop | undefined {
  if (pci?.driver === 'nouveau' || pci?.driver === 'nova' || pci?.driver === 'nova_core') {
    return {
      stoppedBy: `the open ${pci.driver} driver is loaded, which has no CUDA`,
      remedy: installDriver("Install NVIDIA's own driver and start the computer anew.", facts),
    };
  }
  if (pci?.driver === 'vfio-pci' || pci?.driver === 'pci-stub')
    return {
      stoppedBy: `it is reserved for a virtual machine (${pci.driver})`,
      remedy: { text: 'Give it back to this system in the settings of the virtual machine.' },
    };
  return undefined;
}

/** NVIDIA's driver as this distribution packs it. */
export function installDriver(text: string, { system }: FoundFacts): NonNullable<Stop['remedy']> {
  const distro = system?.distro;
  // The driver belongs to what is outside: to Windows, to the machine that runs the container.
  if (system?.wsl || system?.container) return { text };
  if (distro === undefined || distro === 'ubuntu') return { text, command: 'sudo ubuntu-drivers install' };
  return install(text, distro, { debian: 'nvidia-driver', fedora: 'akmod-nvidia', arch: 'nvidia-open' });
}

function notLoaded({ nvidia, facts }: NvidiaCase): Stop | undefined {
  if (facts.system?.wsl || nvidia.kernelDriver !== undefined || nvidia.gpus.length > 0) return undefined;
  if (facts.system?.container) {
    return { stoppedBy: 'the NVIDIA driver is not loaded', remedy: installDriver("Install NVIDIA's driver on the machine that runs this container.", facts) };
  }
  if (nvidia.moduleOnDisk) {
    return {
      stoppedBy: "NVIDIA's kernel module is installed but not loaded",
      remedy: {
        text: 'Load it. If that is refused with "Key was rejected", Secure Boot does not trust the module: enrol its key or switch Secure Boot off.',
        command: 'sudo modprobe nvidia',
      },
    };
  }
  if (nvidia.libcuda !== undefined) {
    return {
      stoppedBy: "NVIDIA's libraries are installed, but its kernel module is not built for the kernel that runs",
      remedy: {
        text: 'Usual after an update of the kernel: build it for this one, or start the kernel it was built for.',
        command: 'sudo apt-get install linux-headers-$(uname -r) && sudo dkms autoinstall',
      },
    };
  }
  return { stoppedBy: 'the NVIDIA driver is not loaded', remedy: installDriver("Install NVIDIA's driver (or load it), then detect again.", facts) };
}

/** After an update the old kernel module stays loaded beside the new libraries until the next start. */
function mismatch({ nvidia, facts }: NvidiaCase): Stop | undefined {
  const said = /version mismatch|SYSTEM_DRIVER_MISMATCH/i.test(`${nvidia.smiError ?? ''} ${nvidia.cudaError?.name ?? ''}`) || nvidia.cudaError?.code === 803;
  const differ = nvidia.kernelDriver !== undefined && nvidia.libraryVersion !== undefined && nvidia.kernelDriver !== nvidia.libraryVersion;
  // CUDA's compatibility libraries are newer than the driver on purpose, and then CUDA answers.
  const works = nvidia.gpus.some((gpu) => gpu.cudaIndex !== undefined);
  if (!said && (!differ || works || facts.system?.wsl)) return undefined;
  const versions = `kernel module ${nvidia.kernelDriver} and libraries ${nvidia.libraryVersion} differ in version`;
  return {
    // Its own words when it has no numbers for it.
    stoppedBy: `the driver does not answer: ${differ ? versions : (nvidia.smiError ?? 'its parts differ in version')}`,
    remedy: facts.system?.container
      ? { text: "Driver and libraries differ in version: start the container anew, so that it gets the machine's present libraries." }
      : { text: 'Driver and its libraries differ in version after an update: start the computer anew.', command: 'sudo reboot' },
  };
}

const WITH_GPUS: NonNullable<Stop['remedy']> = {
  text: 'The container was started without its GPU. On the machine that runs it: install the NVIDIA Container Toolkit, have it set up Docker as below, and start the container with --gpus all.',
  command: 'sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker',
};

function libraryMissing({ nvidia, facts }: NvidiaCase): Stop | undefined {
  if (nvidia.libcuda !== undefined || nvidia.cudaAsked) return undefined;
  if (facts.system?.wsl) {
    return {
      stoppedBy: 'libcuda.so.1 is missing in WSL',
      remedy: { text: 'Install or update the NVIDIA driver on Windows (it brings the WSL part), then restart WSL.', command: 'wsl.exe --shutdown' },
    };
  }
  if (facts.system?.container) return { stoppedBy: 'libcuda.so.1 is missing in this container', remedy: WITH_GPUS };
  const major = /^\d+/.exec(nvidia.kernelDriver ?? '')?.[0];
  const packages = { debian: 'libcuda1', ...(major && { ubuntu: `libnvidia-compute-${major}` }), fedora: 'xorg-x11-drv-nvidia-cuda', arch: 'nvidia-utils' };
  return {
    stoppedBy: 'libcuda.so.1 is missing',
    remedy: install("Install the driver's CUDA library (in a container: start it with the NVIDIA runtime).", facts.system?.distro, packages),
  };
}

/** The driver's own words for the commonest failures (CUresult in cuda.h). */
const CUDA_FAILURES: Record<number, Stop> = {
  34: {
    stoppedBy: 'the libcuda.so.1 that is found is only a stub for building',
    remedy: { text: "Take the toolkit's folder `stubs` out of LD_LIBRARY_PATH.", command: 'echo "$LD_LIBRARY_PATH"' },
  },
  802: {
    stoppedBy: 'the NVLink switches of this machine are not set up (CUDA error 802)',
    remedy: { text: 'Start the fabric manager, in the version of the driver.', command: 'sudo systemctl enable --now nvidia-fabricmanager' },
  },
  804: {
    stoppedBy: "CUDA's compatibility libraries do not support this card (CUDA error 804)",
    remedy: { text: "Take the toolkit's folder `compat` out of LD_LIBRARY_PATH, or update the driver instead.", command: 'echo "$LD_LIBRARY_PATH"' },
  },
  999: {
    stoppedBy: 'CUDA does not start (error 999)',
    remedy: {
      text: 'Usual after standby: load the module for its memory anew, else start the computer anew.',
      command: 'sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm',
    },
  },
};

function notAnswering({ nvidia, facts, gpu }: NvidiaCase): Stop | undefined {
  if (gpu?.problem)
    return {
      stoppedBy: `the driver says of it: ${gpu.problem}`,
      remedy: { text: 'Start the computer anew; see what the kernel says of it.', command: "sudo dmesg | grep -iE 'nvrm|xid'" },
    };
  const heard = nvidia.gpus.some((one) => one.cudaIndex !== undefined || (!nvidia.cudaAsked && one.memoryBytes !== undefined));
  if (heard) return undefined;
  const hidden = hiddenBy(nvidia);
  if (hidden && nvidia.cudaError?.code === 100) return hidden;
  const { control, device, memory } = nvidia.nodes;
  const silent = nvidia.cudaError !== undefined || nvidia.smiError !== undefined || nvidia.gpus.length === 0;
  if (!silent) return undefined;
  if (!facts.system?.wsl) {
    for (const [name, access] of [
      ['/dev/nvidiactl', control],
      ['/dev/nvidia0', device],
      ['/dev/nvidia-uvm', memory],
    ] as const)
      if (access === 'denied') return deniedNode(name, undefined, 'video');
    if (nvidia.kernelDriver !== undefined && (control === 'absent' || device === 'absent')) {
      return facts.system?.container
        ? { stoppedBy: 'the device nodes /dev/nvidia* are not in this container', remedy: WITH_GPUS }
        : {
            stoppedBy: 'the device nodes /dev/nvidia* are missing',
            remedy: { text: 'Make them; the driver does so at its first use as root.', command: 'sudo nvidia-modprobe -c 0 -u' },
          };
    }
    if (nvidia.cudaError !== undefined && memory === 'absent')
      return { stoppedBy: 'the module nvidia_uvm is not loaded, which CUDA needs', remedy: { text: 'Load it.', command: 'sudo modprobe nvidia_uvm' } };
  }
  const { cudaError } = nvidia;
  if (cudaError) {
    const known = CUDA_FAILURES[cudaError.code];
    if (known) return known;
    if (nvidia.gpus.some((one) => one.mig && one.mig.instances?.length === 0)) return MIG_EMPTY;
    return {
      stoppedBy: `CUDA does not start: ${cudaError.name || cudaError.step} (error ${cudaError.code})`,
      remedy: { text: 'Start the computer anew; see what the driver says.', command: 'nvidia-smi' },
    };
  }
  if (nvidia.smiError)
    return {
      stoppedBy: `the driver does not answer: ${nvidia.smiError}`,
      remedy: { text: 'See whether it answers now; else start the computer anew.', command: 'nvidia-smi' },
    };
  return undefined;
}

const MIG_EMPTY: Stop = {
  stoppedBy: 'it is cut into instances (MIG), but none was made',
  remedy: { text: 'Make one for computing, or switch MIG off.', command: 'sudo nvidia-smi -mig 0' },
};

function switchedOff({ nvidia, gpu }: NvidiaCase): Stop | undefined {
  if (gpu?.mig?.instances?.length === 0) return MIG_EMPTY;
  if (gpu?.prohibited)
    return { stoppedBy: 'its compute mode forbids computing', remedy: { text: 'Allow it.', command: `sudo nvidia-smi -i ${gpu.address} -c 0` } };
  const others = nvidia.gpus.some((one) => one.cudaIndex !== undefined);
  if (gpu && nvidia.cudaAsked && gpu.cudaIndex === undefined && others)
    return hiddenBy(nvidia) ?? { stoppedBy: 'CUDA does not list it', remedy: { text: 'See what the driver says of it.', command: 'nvidia-smi' } };
  if (nvidia.visible !== undefined && /^(?:|-1|none|void)$/i.test(nvidia.visible.trim())) return hiddenBy(nvidia);
  return undefined;
}

function hiddenBy({ visible }: NvidiaFacts): Stop | undefined {
  if (visible === undefined) return undefined;
  return {
    stoppedBy: `CUDA_VISIBLE_DEVICES="${visible.slice(0, 80)}" hides it`,
    remedy: { text: 'Take the variable away and start Edgewright anew.', command: 'unset CUDA_VISIBLE_DEVICES' },
  };
}
