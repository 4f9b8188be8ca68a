import type { ReactNode } from 'react';
import { CopyButton } from '../../parts/copy.tsx';
import { grouped } from '../trust/signer-words.ts';
import trust from '../trust/trust.module.css';

/** Whose file it is, by the fingerprint that two people compare. */
export function Compared({ what, fingerprint, children }: { what: string; fingerprint: string; children?: ReactNode }) {
  return (
    <div>
      <p>{what}</p>
      <code className={trust.fingerprint}>{grouped(fingerprint)}</code>
      <p className="dim">
        Compare this with what Settings, private keys shows there, by phone or face to face. <CopyButton text={fingerprint} label="Copy the fingerprint" />
      </p>
      {children}
    </div>
  );
}
