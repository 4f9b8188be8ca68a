/** The first thing on the page of a bundle that cannot be used: why not, what that means, and the ways out. */
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { BundleDetail } from '#contract';
import { plainName } from '../../lib/plain-name.ts';
import { Button } from '../../parts/button.tsx';
import { ToneIcon } from '../../parts/meaning.tsx';
import { AddSignerSheet } from '../trust/add-signer-sheet.tsx';
import { SignSheet } from './sign-sheet.tsx';
import { standingOf, type WayOut } from './standing.ts';
import styles from './standing.module.css';

interface Props {
  bundle: BundleDetail;
  verifying: boolean;
  onVerify: () => void;
}

export function StandingPanel({ bundle, verifying, onVerify }: Props): ReactNode {
  const [opened, setOpened] = useState<'sign' | 'trust'>();
  const standing = standingOf(bundle);
  const close = (): void => setOpened(undefined);
  const buttons: Record<WayOut, (first: boolean) => ReactNode> = {
    sign: (first) => (
      <Button key="sign" kind={first ? 'primary' : 'plain'} onClick={() => setOpened('sign')}>
        Sign here…
      </Button>
    ),
    trust: (first) => (
      <Button key="trust" kind={first ? 'primary' : 'plain'} onClick={() => setOpened('trust')}>
        Trust its signer…
      </Button>
    ),
    verify: (first) => (
      <Button key="verify" kind={first ? 'primary' : 'plain'} busy={verifying && 'Verifying'} onClick={onVerify}>
        Verify it
      </Button>
    ),
    again: () => (
      <Link key="again" to="/bundles" search={{ add: 'file' }}>
        Import it again
      </Link>
    ),
  };
  return (
    <>
      {standing && (
        <section className={bundle.state === 'incomplete' ? `${styles.panel} ${styles.notice}` : styles.panel} aria-label="Why it cannot be used">
          <ToneIcon tone={bundle.state === 'incomplete' ? 'notice' : 'bad'} size={16} />
          <div className={styles.body}>
            <h2>{standing.title}</h2>
            {bundle.stateReason !== undefined && <p>{plainName(bundle.stateReason)}</p>}
            <p className="dim">{standing.meaning}</p>
            <div className={styles.ways}>{standing.ways.map((way, index) => buttons[way](index === 0))}</div>
          </div>
        </section>
      )}
      <SignSheet bundle={bundle} opened={opened === 'sign'} onClose={close} />
      <AddSignerSheet opened={opened === 'trust'} onClose={close} />
    </>
  );
}
