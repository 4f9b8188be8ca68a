/** Linux's lists of processors: `0-3,8,10-11`. */
import { MAX_RECORDED_COUNT } from './limits.ts';

/** Ranges in order, both ends included; undefined for what is no such list. An empty list is one. */
export function parseCpuList(text: string): { first: number; last: number }[] | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  const ranges: { first: number; last: number }[] = [];
  for (const part of trimmed.split(',')) {
    const [, from, to] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim()) ?? [];
    if (from === undefined) return undefined;
    const first = Number(from);
    const last = Number(to ?? from);
    if (last < first || last >= MAX_RECORDED_COUNT) return undefined;
    ranges.push({ first, last });
  }
  return ranges;
}

/** How many different processors a list names; undefined for what is no list or an empty one. */
export function countCpus(text: string | undefined): number | undefined {
  const ranges = text === undefined ? undefined : parseCpuList(text);
  if (ranges === undefined) return undefined;
  let count = 0;
  let next = 0;
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    if (last < next) continue;
    count += last - Math.max(first, next) + 1;
    next = last + 1;
  }
  return count > 0 ? count : undefined;
}
