import type { VerifyResult } from '#contract';
import { bytes, plural } from '../../lib/format.ts';
import { Digest } from '../../parts/copy.tsx';
import { ToneIcon } from '../../parts/meaning.tsx';
import styles from './bundles.module.css';

/** What a verification found: every file read again and its signature checked. */
export function Verified({ result }: { result: VerifyResult }) {
  const tone = !result.ok ? 'bad' : result.signed ? 'good' : 'notice';
  return (
    <div className={`${styles.banner} ${styles.verified}`} role="status">
      <p>
        <ToneIcon tone={tone} />{' '}
        {result.ok
          ? `${plural(result.blobs, 'file')} (${bytes(result.bytes)}) read again: every digest is right${result.signed ? ' and the signature holds.' : ', but nothing is signed.'}`
          : `${plural(result.bad.length, 'file')} of ${result.blobs} ${result.bad.length === 1 ? 'is' : 'are'} bad. Build the bundle again from its folder.`}
      </p>
      {result.signer !== undefined && (
        <p className="dim">
          Signed by the key <Digest digest={result.signer} of="the signer's key" />
        </p>
      )}
      {result.bad.length > 0 && (
        <ul>
          {result.bad.map((bad) => (
            <li key={`${bad.digest} ${bad.affects}`}>
              <Digest digest={bad.digest} of={bad.affects} /> {bad.problem}; affects {bad.affects}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
