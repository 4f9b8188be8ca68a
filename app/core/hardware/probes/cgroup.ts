/** Limits a container or service manager set on this process: control groups, version 2 and 1. */
import { type Machine, readLine } from '../machine.ts';

/** Above this a v1 limit means "none": the kernel reports the largest page-aligned number. */
const NO_LIMIT_BYTES = 2 ** 60;

/** Cores' worth of CPU time this process may use; undefined without a quota. */
export async function cgroupCpuQuota(machine: Machine): Promise<number | undefined> {
  const quotas: number[] = [];
  for (const dir of await groupDirs(machine, 'cpu')) {
    const [v2Quota, v2Period] = ((await readLine(machine, `${dir}/cpu.max`)) ?? '').split(' ').map(Number);
    if (v2Quota && v2Period && v2Quota > 0 && v2Period > 0) quotas.push(v2Quota / v2Period);
    const quota = Number((await readLine(machine, `${dir}/cpu.cfs_quota_us`)) ?? -1);
    const period = Number((await readLine(machine, `${dir}/cpu.cfs_period_us`)) ?? 0);
    if (quota > 0 && period > 0) quotas.push(quota / period);
  }
  return quotas.length > 0 ? Math.min(...quotas) : undefined;
}

/** The tightest memory limit over this process, and what its group uses already; undefined without a limit. */
export async function cgroupMemory(machine: Machine): Promise<{ limitBytes: number; usedBytes: number } | undefined> {
  let tightest: { limitBytes: number; usedBytes: number } | undefined;
  for (const dir of await groupDirs(machine, 'memory')) {
    for (const [limitFile, usedFile] of [
      ['memory.max', 'memory.current'],
      ['memory.limit_in_bytes', 'memory.usage_in_bytes'],
    ] as const) {
      const limitBytes = Number((await readLine(machine, `${dir}/${limitFile}`)) ?? Number.NaN);
      if (!(limitBytes > 0 && limitBytes < NO_LIMIT_BYTES) || (tightest && tightest.limitBytes <= limitBytes)) continue;
      tightest = { limitBytes, usedBytes: Number((await readLine(machine, `${dir}/${usedFile}`)) ?? 0) || 0 };
    }
  }
  return tightest;
}

/**
 * The folders whose limits hold for this process: its own group and every group above. Inside a container the path that
 * /proc/self/cgroup names may lie outside of what is mounted; then only the mount's root answers, and that is the right one.
 */
async function groupDirs(machine: Machine, controller: string): Promise<string[]> {
  const dirs: string[] = [];
  for (const line of ((await machine.readText('/proc/self/cgroup')) ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined || controllers === undefined) continue;
    const roots =
      controllers === ''
        ? ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']
        : controllers.split(',').includes(controller)
          ? [`/sys/fs/cgroup/${controller}`, `/sys/fs/cgroup/${controllers}`]
          : [];
    for (const root of new Set(roots)) {
      const parts = path.split('/').filter(Boolean);
      for (let n = parts.length; n >= 0; n--) dirs.push([root, ...parts.slice(0, n)].join('/'));
    }
  }
  return [...new Set(dirs)];
}
