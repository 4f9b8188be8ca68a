/** How the private keys are kept, and the one thing a person does here: unlock them for this engine. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Keys } from '#contract';
import { client, orpc, queryClient } from '../../lib/engine.ts';
import { Button } from '../../parts/button.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Facts, Section } from '../../parts/facts.tsx';
import { TextField } from '../../parts/field.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import styles from './settings.module.css';

export function KeysSection(): ReactNode {
  const query = useQuery(orpc.workspace.keys.queryOptions());
  return (
    <Section title="Private keys">
      <QueryView query={query} what="Asking the engine">
        {(keys) => (
          <>
            <Facts
              items={[
                { name: 'Kept in', value: `${keys.store}${keys.protection === 'plain' ? ', without a passphrase' : ''}` },
                {
                  name: 'State',
                  value: keys.unlocked ? (
                    <Meaning tone="good" word="Unlocked" inline />
                  ) : (
                    <Meaning tone="notice" word="Locked" reason="Devices are not followed, and nothing can be signed or deployed." inline />
                  ),
                },
                { name: 'Signing key', value: <Copyable text={keys.fingerprint} label="Copy the fingerprint of the signing key" /> },
                { name: 'Keep them elsewhere', value: <Copyable text={elsewhere(keys)} label="Copy the command" /> },
              ]}
            />
            {!keys.unlocked && <Unlock keys={keys} />}
          </>
        )}
      </QueryView>
    </Section>
  );
}

function elsewhere({ protection, keychain }: Keys): string {
  if (protection === 'passphrase') return 'edgewright workspace keys --remove-passphrase';
  if (protection === 'plain' && keychain !== undefined) return 'edgewright workspace keys --move-to keychain';
  return 'edgewright workspace keys --set-passphrase';
}

function Unlock({ keys }: { keys: Keys }): ReactNode {
  const [passphrase, setPassphrase] = useState('');
  const typed = keys.protection === 'passphrase';
  const unlock = useMutation({
    mutationFn: () => client.workspace.unlock(typed ? { passphrase } : {}),
    onSuccess: (now) => {
      setPassphrase('');
      queryClient.setQueryData(orpc.workspace.keys.queryKey(), now);
    },
  });
  return (
    <form
      className={styles.unlock}
      onSubmit={(event) => {
        event.preventDefault();
        unlock.mutate();
      }}
    >
      {typed && <TextField label="Passphrase" type="password" value={passphrase} onChange={(event) => setPassphrase(event.currentTarget.value)} />}
      <Button kind="primary" type="submit" disabled={typed && passphrase === ''} busy={unlock.isPending && 'Unlocking'}>
        Unlock the keys
      </Button>
      {unlock.isError && <ErrorPanel error={unlock.error} title="The keys were not unlocked." />}
    </form>
  );
}
