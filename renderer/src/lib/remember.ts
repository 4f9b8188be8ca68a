/** Choices of this window that outlive it: shown columns, a collapsed rail. Not settings of the workspace. */
import { useState } from 'react';

function read<Value>(key: string, fallback: Value, accept: (value: unknown) => value is Value): Value {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(`edgewright.${key}`) ?? 'null');
    return accept(stored) ? stored : fallback;
  } catch {
    return fallback;
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** A text, empty at first. */
export function useRememberedText(key: string): [string, (value: string) => void] {
  return useRemembered(key, '', isText);
}

export function useRemembered<Value>(key: string, fallback: Value, accept: (value: unknown) => value is Value): [Value, (value: Value) => void] {
  const [value, setValue] = useState(() => read(key, fallback, accept));
  return [
    value,
    (next) => {
      setValue(next);
      localStorage.setItem(`edgewright.${key}`, JSON.stringify(next));
    },
  ];
}
