import { Link } from '@tanstack/react-router';
import type { TrustEffect } from '#contract';
import { plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { ToneIcon } from '../../parts/meaning.tsx';
import styles from './trust.module.css';

/** What a change of who is trusted did to the bundles that are here. */
export function TrustEffectView({ effect }: { effect: TrustEffect }) {
  return (
    <div className={styles.effect} role="status">
      <p>
        <ToneIcon tone="good" /> {plainName(effect.signer.name)} is trusted: what they sign counts here from now on.
      </p>
      {effect.released.length === 0 ? (
        <p className="dim">No bundle waited for them.</p>
      ) : (
        <>
          <p>
            {plural(effect.released.length, 'bundle')} waited for them, {effect.released.length === 1 ? 'was' : 'were'} read whole, and can be used now:
          </p>
          <BundleLinks refs={effect.released} />
        </>
      )}
    </div>
  );
}

export function BundleLinks({ refs }: { refs: readonly string[] }) {
  return (
    <ul className={styles.list}>
      {refs.map((ref) => (
        <li key={ref}>
          <Link to="/bundles/$ref" params={{ ref }}>
            {ref}
          </Link>
        </li>
      ))}
    </ul>
  );
}
