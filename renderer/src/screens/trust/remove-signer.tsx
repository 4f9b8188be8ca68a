import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { TrustedSigner } from '#contract';
import { client, orpc } from '../../lib/engine.ts';
import { plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Confirm } from '../../parts/sheet.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { BundleLinks } from './trust-effect.tsx';

/** Trusting somebody no longer, asked once, with what that quarantines. */
export function RemoveSigner({ signer, onClose }: { signer: TrustedSigner | undefined; onClose: () => void }) {
  const name = signer === undefined ? '' : plainName(signer.name);
  const who = signer?.id ?? '';
  const outlook = useQuery({ ...orpc.trust.outlook.queryOptions({ input: { who } }), enabled: signer !== undefined });
  const remove = useMutation({
    mutationFn: () => client.trust.remove({ who }),
    onSuccess: ({ quarantined }) => {
      onClose();
      notifications.show({
        title: `${name} is no longer trusted`,
        message: quarantined.length === 0 ? 'No bundle rested on them.' : `${plural(quarantined.length, 'bundle')} quarantined: ${quarantined.join(', ')}`,
      });
    },
  });
  return (
    <Confirm
      title={`Trust ${name} no longer`}
      opened={signer !== undefined}
      onClose={() => {
        remove.reset();
        onClose();
      }}
      action={`Trust ${name} no longer`}
      keep="Go on trusting"
      busy={remove.isPending && 'Quarantining'}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      <QueryView query={outlook} what="Looking at what they signed">
        {({ quarantines, devices }) =>
          quarantines.length === 0 ? (
            <p>No bundle here rests on them alone, so every one stays as it is.</p>
          ) : (
            <>
              <p>Quarantined at once, since nobody else trusted signed {quarantines.length === 1 ? 'it' : 'them'}:</p>
              <BundleLinks refs={quarantines} />
              {devices.length > 0 && (
                <p>
                  {devices.map(plainName).join(', ')} {devices.length === 1 ? 'runs' : 'run'} {quarantines.length === 1 ? 'it' : 'one of these'} and{' '}
                  {devices.length === 1 ? 'goes' : 'go'} on until something else is deployed.
                </p>
              )}
            </>
          )
        }
      </QueryView>
      <p className="dim">Nothing is deleted. Trust them again, and what they signed is released once it was read.</p>
    </Confirm>
  );
}
