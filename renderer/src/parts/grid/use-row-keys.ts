/**
 * Rows as one stop of the Tab key: arrows, Home, End and the page keys move between them, Enter opens. The controls
 * inside the rows are reached with Tab from the row that has the focus, and are no stops elsewhere.
 */
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';

const PAGE_ROWS = 10;
const CONTROLS = 'a, button, input, select, [data-cut]';

interface Options {
  count: number;
  /** Brings a row into being and into view when only those in view are drawn. */
  reveal: (index: number) => unknown;
  open: (index: number) => void;
}

export function useRowKeys({ count, reveal, open }: Options) {
  const [wanted, setActive] = useState(0);
  const active = Math.min(wanted, Math.max(0, count - 1));
  const body = useRef<HTMLTableSectionElement>(null);
  const focusNext = useRef<number | undefined>(undefined);

  useLayoutEffect(() => {
    for (const row of body.current?.rows ?? []) {
      const reachable = row.dataset['index'] === String(active);
      for (const control of row.querySelectorAll<HTMLElement>(CONTROLS)) control.tabIndex = reachable ? 0 : -1;
    }
  });

  useEffect(() => {
    if (focusNext.current === undefined) return;
    const row = body.current?.querySelector<HTMLElement>(`tr[data-index="${focusNext.current}"]`);
    if (!row) return;
    focusNext.current = undefined;
    row.focus();
    row.scrollIntoView({ block: 'nearest' });
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.target;
    if (!(target instanceof HTMLElement) || event.altKey || event.ctrlKey || event.metaKey) return;
    const onRow = target.tagName === 'TR';
    if (event.key === 'Enter' && onRow) {
      event.preventDefault();
      open(active);
      return;
    }
    const next = destination(event.key, active, count);
    if (next === undefined || target.tagName === 'INPUT' || target.tagName === 'SELECT') return;
    event.preventDefault();
    focusNext.current = next;
    reveal(next);
    setActive(next);
    if (next === active) body.current?.querySelector<HTMLElement>(`tr[data-index="${next}"]`)?.focus();
  };

  return { active, setActive, body, onKeyDown };
}

function destination(key: string, from: number, count: number): number | undefined {
  const last = count - 1;
  switch (key) {
    case 'ArrowDown':
      return Math.min(from + 1, last);
    case 'ArrowUp':
      return Math.max(from - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return last;
    case 'PageDown':
      return Math.min(from + PAGE_ROWS, last);
    case 'PageUp':
      return Math.max(from - PAGE_ROWS, 0);
    default:
      return undefined;
  }
}
