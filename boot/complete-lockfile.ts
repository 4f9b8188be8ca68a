/**
 * Adds to package-lock.json what npm leaves out: optional packages for other platforms that the registry did not answer for
 * when the lockfile was written (a mirror that holds only some of them). Without them `npm ci` refuses the lockfile (npm 11)
 * or leaves a needed binary out on those platforms (npm 10). They are pinned by version; a hash comes with the next
 * `npm install` on a registry that has them. Run after `npm install`: node_modules/.bin/node boot/complete-lockfile.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LockEntry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}
export type LockPackages = Record<string, LockEntry>;

const SYSTEMS = new Set(['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']);
const PROCESSORS = new Set(['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32']);

/** The optional packages that some package of the lockfile asks for and the lockfile does not hold. */
export function missingOptional(packages: LockPackages): LockPackages {
  const missing: LockPackages = {};
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const place = placeFor({ ...packages, ...missing }, path, name, version);
      if (place) missing[place] = { version, ...platformOf(name, entry.dev === true) };
    }
  }
  return missing;
}

/**
 * Where `name` must be added for the package at `path`: nowhere if the one found from there, looking as Node does, is the
 * version asked for (platform packages are asked for exactly); at the top if the name is free there; else beneath `path`.
 */
function placeFor(packages: LockPackages, path: string, name: string, version: string): string | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const held = packages[`${at}${at ? '/' : ''}node_modules/${name}`];
    if (held) return held.version === version || !/^\d/.test(version) ? undefined : `${path}/node_modules/${name}`;
    if (at === '') return `node_modules/${name}`;
  }
}

/** These packages are named for the one platform they are for: binding-linux-arm64-musl. Fields in npm's order. */
function platformOf(name: string, dev: boolean): LockEntry {
  const words = name.split(/[/-]/);
  const os = words.filter((word) => SYSTEMS.has(word));
  const cpu = words.filter((word) => PROCESSORS.has(word));
  const libc = words.includes('musl') || words.includes('musleabihf') ? ['musl'] : words.includes('gnu') || words.includes('gnueabihf') ? ['glibc'] : [];
  return { ...(cpu.length > 0 && { cpu }), ...(dev && { dev }), ...(libc.length > 0 && { libc }), optional: true, ...(os.length > 0 && { os }) };
}

if (import.meta.main) {
  const path = join(import.meta.dirname, '..', 'package-lock.json');
  const lockfile = JSON.parse(readFileSync(path, 'utf8')) as { packages: LockPackages };
  const missing = missingOptional(lockfile.packages);
  for (const [name, entry] of Object.entries(missing)) console.log(`${name} ${entry.version}`);
  // npm keeps the paths in the order of its own locale comparison.
  lockfile.packages = Object.fromEntries(Object.entries({ ...lockfile.packages, ...missing }).sort(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(path, `${JSON.stringify(lockfile, undefined, 2)}\n`);
}
