import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { BundleDetail, PushResult } from '#contract';
import { client } from '../../lib/engine.ts';
import { bytes, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { refOf } from '../../lib/refs.ts';
import { useRememberedText } from '../../lib/remember.ts';
import { useJobCall } from '../../lib/use-job-call.ts';
import { Button } from '../../parts/button.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { TextField } from '../../parts/field.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { NO_ACCESS, RegistryAccessFields, toAccess } from './registry-access.tsx';
import styles from './registry.module.css';

/** A bundle with its signatures into a registry. */
export function PushSheet({ bundle, opened, onClose }: { bundle: BundleDetail; opened: boolean; onClose: () => void }) {
  const ref = refOf(bundle);
  const [place, setPlace] = useRememberedText('registry.place');
  const [typed, setTyped] = useState<string>();
  const [access, setAccess] = useState(NO_ACCESS);
  const target = (typed ?? (place === '' ? '' : `${place}${bundle.name}:${bundle.version}`)).trim();
  const push = useJobCall({
    call: (to: string, jobId, signal) => client.registries.push({ ref, target: to, access: toAccess(access), jobId }, { signal }),
    onSuccess: (done) => {
      // The part before the last name, to begin with the next time.
      setPlace(done.target.replace(/[^/]*$/, ''));
      notifications.show({ title: `${ref} is in the registry`, message: done.target });
    },
  });
  return (
    <Sheet
      title={`Push ${ref}`}
      opened={opened}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" disabled={!target.includes('/')} busy={push.running && 'Pushing'} onClick={() => push.begin(target)}>
            Push to the registry
          </Button>
        </>
      }
    >
      <p className="dim">To any OCI registry, such as Docker’s, with every variant and its signatures. Only what the registry lacks is sent.</p>
      <TextField
        label="Where to"
        mono
        placeholder={`registry.example.com/models/${bundle.name}:${bundle.version}`}
        hint="Host, repository and tag. Without a tag the version is it."
        value={typed ?? target}
        disabled={push.running}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          push.reset();
        }}
        data-autofocus
      />
      <RegistryAccessFields value={access} onChange={setAccess} disabled={push.running} />
      <JobLine label="Push" call={push} failed="It was not pushed." stopped="What was sent stays there: pushing again goes on with it." />
      {push.result && <Pushed result={push.result} />}
    </Sheet>
  );
}

function Pushed({ result }: { result: PushResult }) {
  const known = result.bytesTotal - result.bytesSent;
  return (
    <div role="status" className={styles.result}>
      <p>
        {plural(result.blobs, 'file')}, {bytes(result.bytesTotal)}: {bytes(result.bytesSent)} sent{known > 0 ? ', the rest was there already' : ''}.
      </p>
      <Copyable text={plainName(result.target)} label="Copy where it is" />
      {result.replaced !== undefined && <p className="dim">The tag pointed to {plainName(result.replaced)} before.</p>}
      {result.referrers === 'tag' && <p className="dim">This registry has no referrers API: signatures are listed under the tag that stands in for it.</p>}
    </div>
  );
}
