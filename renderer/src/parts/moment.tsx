/** A time as people say it, the exact one on hover. */
import { exact, relative } from '../lib/format.ts';
import { useNow } from '../lib/use-now.ts';

export function Moment({ at }: { at: number }) {
  const now = useNow();
  return (
    <time dateTime={new Date(at).toISOString()} title={exact(at)}>
      {relative(at, now)}
    </time>
  );
}
