/**
 * Arm processors have no name of their own: Linux gives maker and part number (MIDR_EL1) per core. Numbers: the kernel's
 * arch/arm64/include/asm/cputype.h and util-linux's table for lscpu.
 */

/** Maker -> part -> name. */
const PARTS: Record<string, { maker: string; parts: Record<string, string> }> = {
  '0x41': {
    maker: 'Arm',
    parts: {
      '0xc07': 'Cortex-A7',
      '0xc09': 'Cortex-A9',
      '0xc0f': 'Cortex-A15',
      '0xd01': 'Cortex-A32',
      '0xd02': 'Cortex-A34',
      '0xd03': 'Cortex-A53',
      '0xd04': 'Cortex-A35',
      '0xd05': 'Cortex-A55',
      '0xd06': 'Cortex-A65',
      '0xd07': 'Cortex-A57',
      '0xd08': 'Cortex-A72',
      '0xd09': 'Cortex-A73',
      '0xd0a': 'Cortex-A75',
      '0xd0b': 'Cortex-A76',
      '0xd0c': 'Neoverse N1',
      '0xd0d': 'Cortex-A77',
      '0xd0e': 'Cortex-A76AE',
      '0xd40': 'Neoverse V1',
      '0xd41': 'Cortex-A78',
      '0xd42': 'Cortex-A78AE',
      '0xd43': 'Cortex-A65AE',
      '0xd44': 'Cortex-X1',
      '0xd46': 'Cortex-A510',
      '0xd47': 'Cortex-A710',
      '0xd48': 'Cortex-X2',
      '0xd49': 'Neoverse N2',
      '0xd4a': 'Neoverse E1',
      '0xd4b': 'Cortex-A78C',
      '0xd4c': 'Cortex-X1C',
      '0xd4d': 'Cortex-A715',
      '0xd4e': 'Cortex-X3',
      '0xd4f': 'Neoverse V2',
      '0xd80': 'Cortex-A520',
      '0xd81': 'Cortex-A720',
      '0xd82': 'Cortex-X4',
      '0xd83': 'Neoverse V3AE',
      '0xd84': 'Neoverse V3',
      '0xd85': 'Cortex-X925',
      '0xd87': 'Cortex-A725',
      '0xd8e': 'Neoverse N3',
    },
  },
  '0x42': { maker: 'Broadcom', parts: { '0x516': 'ThunderX2' } },
  '0x43': { maker: 'Cavium', parts: { '0x0a1': 'ThunderX', '0x0af': 'ThunderX2', '0x0b8': 'ThunderX3' } },
  '0x46': { maker: 'Fujitsu', parts: { '0x001': 'A64FX' } },
  '0x48': { maker: 'HiSilicon', parts: { '0xd01': 'Kunpeng 920 (TSV110)', '0xd02': 'Kunpeng 930 (TSV120)' } },
  '0x4e': { maker: 'NVIDIA', parts: { '0x003': 'Denver 2', '0x004': 'Carmel', '0x010': 'Olympus' } },
  '0x50': { maker: 'APM', parts: { '0x000': 'X-Gene' } },
  '0x51': {
    maker: 'Qualcomm',
    parts: {
      '0x001': 'Oryon',
      '0x002': 'Oryon (third generation)',
      '0x800': 'Kryo 2xx Gold',
      '0x801': 'Kryo 2xx Silver',
      '0x802': 'Kryo 3xx Gold',
      '0x803': 'Kryo 3xx Silver',
      '0x804': 'Kryo 4xx Gold',
      '0x805': 'Kryo 4xx Silver',
      '0xc00': 'Falkor',
    },
  },
  '0x61': {
    maker: 'Apple',
    parts: {
      '0x022': 'M1 Icestorm',
      '0x023': 'M1 Firestorm',
      '0x024': 'M1 Pro Icestorm',
      '0x025': 'M1 Pro Firestorm',
      '0x028': 'M1 Max Icestorm',
      '0x029': 'M1 Max Firestorm',
      '0x032': 'M2 Blizzard',
      '0x033': 'M2 Avalanche',
      '0x034': 'M2 Pro Blizzard',
      '0x035': 'M2 Pro Avalanche',
      '0x038': 'M2 Max Blizzard',
      '0x039': 'M2 Max Avalanche',
      '0x052': 'M4 efficiency',
      '0x053': 'M4 performance',
    },
  },
  '0x6d': { maker: 'Microsoft', parts: { '0xd49': 'Azure Cobalt 100' } },
  '0x70': { maker: 'Phytium', parts: { '0x662': 'FTC662', '0x663': 'FTC663', '0x862': 'FTC862' } },
  '0xc0': { maker: 'Ampere', parts: { '0xac3': 'Ampere-1', '0xac4': 'Ampere-1a' } },
};

export interface CoreKind {
  name: string;
  count: number;
}

/** The kinds of cores that /proc/cpuinfo lists on Arm, in order of appearance; empty where it names none. */
export function armCores(cpuinfo: string): CoreKind[] {
  const counts = new Map<string, number>();
  for (const block of cpuinfo.split(/\n\s*\n/)) {
    const maker = /^CPU implementer[ \t]*:[ \t]*(0x[0-9a-f]{2})[ \t]*$/im.exec(block)?.[1]?.toLowerCase();
    const part = /^CPU part[ \t]*:[ \t]*(0x[0-9a-f]{1,4})[ \t]*$/im.exec(block)?.[1]?.toLowerCase();
    if (maker === undefined || part === undefined) continue;
    const known = PARTS[maker];
    const name = known?.parts[part] ?? `${known?.maker ?? `maker ${maker}`} core ${part}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => ({ name, count }));
}
