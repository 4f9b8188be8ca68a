/**
 * Where foreign code runs: it sees the system's libraries, its Python and one source, all read-only; it may write to one
 * folder and to scratch memory; it has no network, no home, no workspace, no other processes, and our environment does not
 * reach it. Which kinds there are is data; each is tried out before it is trusted.
 */
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { runCommand } from '#core/platform';
import { EXPORT_FILE_BYTES, EXPORT_SCRATCH_BYTES, SANDBOX_TRIAL_MS } from './limits.ts';

export interface SandboxRequest {
  /** Folders and files that may be read, each where it also lies outside. */
  readable: readonly string[];
  /** What is to be read: shown at `/source/NAME`. */
  source: { path: string; name: string };
  /** The one folder that may be written: shown at `/out`. */
  out: string;
  /** A program and its arguments, by paths of the inside. */
  command: readonly string[];
}

export interface Invocation {
  command: string;
  args: string[];
}

interface SandboxKind {
  /** In words, for the result. */
  title: string;
  platform: NodeJS.Platform;
  program: string;
  wrap(request: SandboxRequest): string[];
}

/** The system's own folders. `/etc` is left out but for what the dynamic linker needs. */
const SYSTEM = ['/usr', '/etc/ld.so.cache', '/etc/alternatives'];
/** On merged systems links into /usr, elsewhere folders. */
const TOP = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** The whole environment inside. */
const INSIDE_ENV: Readonly<Record<string, string>> = { PATH: '/usr/bin:/bin', HOME: '/tmp', TMPDIR: '/tmp', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' };

/** No core dumps, no file larger than EXPORT_FILE_BYTES (512-byte blocks), then the command. */
const LIMITED = ['/bin/sh', '-c', `ulimit -c 0; ulimit -f ${EXPORT_FILE_BYTES / 512}; exec "$@"`, 'sh'];

export const SANDBOXES: readonly SandboxKind[] = [
  { title: 'bubblewrap: no network, no home, no workspace', platform: 'linux', program: 'bwrap', wrap: bubblewrap },
  { title: 'Linux namespaces: no network, no home, no workspace', platform: 'linux', program: 'unshare', wrap: namespaces },
  { title: 'macOS sandbox: no network, no home, no workspace', platform: 'darwin', program: 'sandbox-exec', wrap: seatbelt },
];

/**
 * The first kind that holds on this machine: its own words, and how to call it. Undefined where there is none: then foreign
 * code must not run here.
 */
export async function findSandbox(
  request: Omit<SandboxRequest, 'command'>,
  tryOut: readonly string[],
  signal?: AbortSignal,
): Promise<{ title: string; invoke: (command: readonly string[]) => Invocation } | undefined> {
  for (const kind of SANDBOXES.filter((one) => one.platform === process.platform)) {
    const invoke = (command: readonly string[]): Invocation => ({ command: kind.program, args: kind.wrap({ ...request, command }) });
    const end = await runCommand({ ...invoke(tryOut), env: outerEnv(), timeoutMs: SANDBOX_TRIAL_MS, signal });
    if (end.code === 0) return { title: kind.title, invoke };
  }
  return undefined;
}

/** What the sandbox's own program may know of us. */
export function outerEnv(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin' };
}

function bubblewrap({ readable, source, out, command }: SandboxRequest): string[] {
  const mounts = [...SYSTEM, ...readable].filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind', path, path]);
  const top = TOP.filter((path) => existsSync(path)).flatMap((path) =>
    lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path],
  );
  return [
    ...['--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL', '--clearenv'],
    ...Object.entries(INSIDE_ENV).flatMap(([name, value]) => ['--setenv', name, value]),
    ...top,
    ...['--proc', '/proc', '--dev', '/dev', '--size', String(EXPORT_SCRATCH_BYTES), '--tmpfs', '/tmp'],
    ...mounts,
    ...['--ro-bind', source.path, `/source/${source.name}`, '--bind', out, '/out', '--remount-ro', '/', '--chdir', '/tmp', '--'],
    ...LIMITED,
    ...command,
  ];
}

/**
 * The same by util-linux: a root of its own in memory, filled by read-only mounts; the old root is unmounted, and every
 * capability dropped, before the command starts.
 */
const MAKE_ROOT = `
root=$1; scratch=$2; out=$3; source=$4; name=$5; shift 5
mount -t tmpfs -o mode=755,size=16m tmpfs "$root"
cd "$root"
mkdir -p proc dev tmp out source old
mount -t tmpfs -o "size=$scratch,nosuid,nodev" tmpfs tmp
show() { if [ -d "$1" ]; then mkdir -p ".$2"; else mkdir -p ".\${2%/*}"; : > ".$2"; fi; mount --bind "$1" ".$2"; mount -o remount,bind,ro,nosuid,nodev ".$2"; }
while [ "$1" != -- ]; do
  if [ -L "$1" ]; then ln -s "$(readlink "$1")" ".$1"; elif [ -e "$1" ]; then show "$1" "$1"; fi
  shift
done
shift
show "$source" "/source/$name"
mount --bind "$out" out; mount -o remount,bind,nosuid,nodev out
mount -t proc -o nosuid,nodev,noexec proc proc
for d in null zero full random urandom; do : > dev/$d; mount --bind /dev/$d dev/$d; done
mkdir dev/shm; mount -t tmpfs -o "size=$scratch,nosuid,nodev" tmpfs dev/shm
pivot_root . old
umount -l old
mount -o remount,ro /
cd /tmp
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all -- env -i "$@"`;

function namespaces({ readable, source, out, command }: SandboxRequest): string[] {
  return [
    ...['--user', '--map-root-user', '--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--propagation', 'private'],
    ...['--', '/bin/sh', '-ec', `PATH=$PATH:/usr/sbin:/sbin; ${MAKE_ROOT}`, 'sh'],
    ...[`${out}.root`, String(EXPORT_SCRATCH_BYTES), out, source.path, source.name, ...SYSTEM, ...TOP, ...readable, '--'],
    ...Object.entries(INSIDE_ENV).map(([name, value]) => `${name}=${value}`),
    ...LIMITED,
    ...command,
  ];
}

/** Not run so far: written for macOS, where paths stay what they are and a profile says which of them may be touched. */
function seatbelt({ readable, source, out, command }: SandboxRequest): string[] {
  const quoted = (path: string) => `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  const read = ['/usr', '/System', '/Library', '/private/var/db/dyld', '/bin', '/dev', ...readable, source.path, out];
  const profile = [
    '(version 1)(deny default)(allow process-fork process-exec)(allow sysctl-read)(allow mach-lookup)',
    '(allow file-read-metadata)',
    `(allow file-read* ${read.map((path) => `(subpath ${quoted(path)})`).join(' ')})`,
    `(allow file-write* (subpath ${quoted(out)}) (literal "/dev/null"))`,
  ].join('');
  const outside = command.map((part) => (part === '/out' ? out : part === `/source/${source.name}` ? source.path : part));
  return [
    '-p',
    profile,
    '/usr/bin/env',
    '-i',
    ...Object.entries({ ...INSIDE_ENV, HOME: out, TMPDIR: out }).map(([n, v]) => `${n}=${v}`),
    ...LIMITED,
    ...outside,
  ];
}
