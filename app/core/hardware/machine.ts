/**
 * All that detection asks of a machine, behind one small interface, so that machines nobody here has can be recorded where
 * they are and replayed in a test. Nothing here throws for what is merely absent: undefined and empty are answers.
 */
import type { DriverProbe } from '#native';

export type AccessTo = 'absent' | 'denied' | 'ok';

export interface CommandResult {
  /** Exit code; null when it was killed or ran out of time. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Facts the running program knows of its machine without asking a file. */
export interface MachineFacts {
  platform: string;
  arch: string;
  hostname: string;
  /** Kernel release, and the operating system's name for itself. */
  release: string;
  osName: string;
  totalMemoryBytes: number;
  freeMemoryBytes: number;
  cpuModel: string;
  /** Logical processors online, and how many of them this process may use. */
  cores: number;
  usableCores: number;
  /** Flags read with the CPU's own instructions by the addon; absent without it. */
  cpuFlags?: string[];
  /** What the hypervisor calls itself by the CPU's own instruction; '' on plain metal, absent without the addon. */
  hypervisor?: string;
  node: string;
  onnxruntime: string;
  /** The folder that holds ONNX Runtime's library and its provider libraries. */
  ortDir: string;
}

/** The questions that are put to the systeminformation package (Windows and macOS). */
export type SystemQuestion = 'graphics' | 'system' | 'cpuFlags' | 'osInfo' | 'cpu';

/** Who else may open a device node: what to be told where this user may not. */
export interface NodeOwner {
  /** The owning group's name, or its number where it has none. */
  group: string;
  /** Whether that group may read and write it. */
  groupMay: boolean;
  /** Whether the user is listed in that group already (and only has to log in again). */
  listed: boolean;
}

export interface Machine {
  facts(): Promise<MachineFacts>;
  /** An environment variable; only those in ENV_ASKED are recorded. */
  env(name: EnvName): string | undefined;
  /** A text file's content; undefined when it is absent, unreadable or larger than MAX_TEXT_BYTES. */
  readText(path: string): Promise<string | undefined>;
  /** The first `count` bytes of a file as hex digits; undefined when it is absent, unreadable or shorter. */
  readHex(path: string, count: number): Promise<string | undefined>;
  /** Names in a folder, sorted; empty when it is absent or unreadable. */
  list(dir: string): Promise<string[]>;
  /** Where a symbolic link points, as written; undefined when there is none. */
  link(path: string): Promise<string | undefined>;
  /** Whether this user may read and write the file or device node. */
  access(path: string): Promise<AccessTo>;
  /** Who owns a device node; undefined when it is absent or the platform has no groups. */
  owner(path: string): Promise<NodeOwner | undefined>;
  /** Runs a program with a time limit; undefined when there is no such program. */
  run(command: string, args: readonly string[]): Promise<CommandResult | undefined>;
  /** What else is known of a program's output: in a recording people wrote down what they ran. A live machine has nothing. */
  said(program: string): Promise<readonly { args: readonly string[]; result: CommandResult }[]>;
  /** The libraries an ELF file needs (its DT_NEEDED entries); undefined when it is absent or no ELF file. */
  needed(path: string): Promise<string[] | undefined>;
  /** What systeminformation says; undefined when it fails. */
  ask(question: SystemQuestion): Promise<unknown>;
  /** What a driver's library says to the native addon; undefined without the addon. It may hang or crash the process. */
  driver(probe: DriverProbe): Promise<unknown>;
  /** Whether each library loads, and its version; undefined without the addon. It may hang or crash the process. */
  load(names: readonly string[]): Promise<unknown>;
  /** The name in the system's own list of PCI ids (pci.ids); four hex digits each. Undefined when it knows none. */
  pciName(vendorId: string, deviceId: string): Promise<string | undefined>;
}

/** The variables detection looks at. None holds a secret: recordings are passed on. */
export const ENV_ASKED = [
  'LD_LIBRARY_PATH',
  'VK_ICD_FILENAMES',
  'VK_DRIVER_FILES',
  'XDG_DATA_DIRS',
  'CUDA_VISIBLE_DEVICES',
  'NVIDIA_VISIBLE_DEVICES',
  'WSL_DISTRO_NAME',
  'container',
  'KUBERNETES_SERVICE_HOST',
] as const;
export type EnvName = (typeof ENV_ASKED)[number];

/** A text file's content without the white space and NULs around it (device-tree strings end in NUL). */
export async function readLine(machine: Machine, path: string): Promise<string | undefined> {
  const text = await machine.readText(path);
  return text === undefined ? undefined : text.replaceAll('\0', ' ').trim();
}

/** A whole number of 0 or more in a file that holds nothing else; undefined for anything else. */
export async function readCount(machine: Machine, path: string): Promise<number | undefined> {
  const text = await readLine(machine, path);
  return text === undefined ? undefined : wholeNumber(text);
}

/** `12` -> 12; undefined for what is no whole number of 0 or more, or too large to be exact. */
export function wholeNumber(text: string): number | undefined {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : undefined;
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}
