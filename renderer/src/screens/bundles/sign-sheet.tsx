import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { BundleDetail } from '#contract';
import { client } from '../../lib/engine.ts';
import { plural } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { useJobCall } from '../../lib/use-job-call.ts';
import { Button } from '../../parts/button.tsx';
import { TextArea } from '../../parts/field.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import styles from './standing.module.css';

/** Shortest reason that says something, in characters; the contract holds it too. */
const LEAST_REASON = 3;

/** A person stands for a bundle that nobody trusted signed: what that means, why, and how it goes. */
export function SignSheet({ bundle, opened, onClose }: { bundle: BundleDetail; opened: boolean; onClose: () => void }) {
  const ref = refOf(bundle);
  const [reason, setReason] = useState('');
  const sign = useJobCall({
    call: (why: string, jobId, signal) => client.bundles.sign({ ref, reason: why, jobId }, { signal }),
    onSuccess: () => {
      onClose();
      setReason('');
      notifications.show({ title: `${ref} is signed by this workspace`, message: 'It passed its checks and can be used. The reason is on record.' });
    },
  });
  const ready = reason.trim().length >= LEAST_REASON;
  return (
    <Sheet
      title={`Sign ${ref} here`}
      opened={opened}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{sign.running ? 'Close' : 'Leave it quarantined'}</Button>
          <Button kind="primary" disabled={!ready} busy={sign.running && 'Checking and signing'} onClick={() => sign.begin(reason.trim())}>
            Sign {ref}
          </Button>
        </>
      }
    >
      <p>You say, with this workspace’s key, that you stand for this bundle although nobody trusted here signed it.</p>
      <ul className={`${styles.steps} dim`}>
        <li>First it passes what a build passes: every file is read, the model is checked and loaded in a limited process, and its golden set is run.</li>
        <li>
          Then {plural(bundle.variants.length, 'variant')} {bundle.variants.length === 1 ? 'gets' : 'get'} a signature of this workspace. Its devices will take
          it from then on.
        </li>
        <li>Your reason stands in the audit log, with your name. Signatures that are there already are kept.</li>
      </ul>
      <TextArea
        label="Why it may be used"
        hint="For whoever reads the audit log: where it is from, and how you know."
        rows={3}
        maxLength={500}
        value={reason}
        disabled={sign.running}
        onChange={(event) => setReason(event.currentTarget.value)}
        data-autofocus
      />
      <JobLine label="Check and sign" call={sign} failed="Nothing was signed." stopped="Nothing was signed." />
    </Sheet>
  );
}
