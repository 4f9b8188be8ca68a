/** How the private keys are kept, and the one thing a person does here: unlock them for this engine. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Keys } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { Copyable } from '../../parts/copy.tsx';
import { Facts, Section } from '../../parts/facts.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { UnlockForm } from '../../parts/unlock-keys.tsx';

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
            {!keys.unlocked && <UnlockForm keys={keys} />}
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
