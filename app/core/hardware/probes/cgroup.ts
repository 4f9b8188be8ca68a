/** Limits a container or service manager set on this process: control groups, version 2 and 1. */
import { countCpus } from '../cpu-list.ts';
import { type Machine, readCount, readLine } from '../machine.ts';

/** Above this a v1 limit means "none": the kernel reports the largest page-aligned number. */
const NO_LIMIT_BYTES = 2 ** 60;

/** Cores' worth of CPU time this process may use; undefined without a quota. */
export async function cgroupCpuQuota(machine: Machine): Promise<number | undefined> {
  const quotas: number[] = [];
  for (const dir of await groupDirs(machine, 'cpu')) {
    // `max 100000` where there is no quota; version 1 says -1.
    const [, v2Quota, v2Period] = /^(\d{1,15}) (\d{1,15})$/.exec((await readLine(machine, `${dir}/cpu.max`)) ?? '') ?? [];
    const quota = v2Quota === undefined ? await readCount(machine, `${dir}/cpu.cfs_quota_us`) : Number(v2Quota);
    const period = v2Period === undefined ? await readCount(machine, `${dir}/cpu.cfs_period_us`) : Number(v2Period);
    if (quota && period) quotas.push(quota / period);
  }
  return quotas.length > 0 ? Math.min(...quotas) : undefined;
}

/** Processors the control group may use (its cpuset); undefined where none is set. */
export async function cgroupCpuset(machine: Machine): Promise<number | undefined> {
  for (const dir of await groupDirs(machine, 'cpuset')) {
    // The effective list of the innermost group that has one counts what the groups above allow already.
    for (const file of ['cpuset.cpus.effective', 'cpuset.effective_cpus', 'cpuset.cpus']) {
      const count = countCpus(await machine.readText(`${dir}/${file}`));
      if (count !== undefined) return count;
    }
  }
  return undefined;
}

/** The tightest memory limit over this process, and what its group uses already; undefined without a limit. */
export async function cgroupMemory(machine: Machine): Promise<{ limitBytes: number; usedBytes: number } | undefined> {
  let tightest: { limitBytes: number; usedBytes: number } | undefined;
  for (const dir of await groupDirs(machine, 'memory')) {
    for (const [limitFile, usedFile] of [
      ['memory.max', 'memory.current'],
      ['memory.limit_in_bytes', 'memory.usage_in_bytes'],
    ] as const) {
      // `max` where there is none.
      const limitBytes = await readCount(machine, `${dir}/${limitFile}`);
      if (limitBytes === undefined || limitBytes === 0 || limitBytes >= NO_LIMIT_BYTES || (tightest && tightest.limitBytes <= limitBytes)) continue;
      tightest = { limitBytes, usedBytes: (await readCount(machine, `${dir}/${usedFile}`)) ?? 0 };
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
