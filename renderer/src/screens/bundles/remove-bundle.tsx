import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { BundleDetail } from '#contract';
import { client } from '../../lib/engine.ts';
import { bytes, plural } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { Confirm } from '../../parts/sheet.tsx';

export function RemoveBundle({ bundle, opened, onClose }: { bundle: BundleDetail; opened: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const ref = refOf(bundle);
  const remove = useMutation({
    mutationFn: () => client.bundles.remove({ ref }),
    onSuccess: (result) => {
      notifications.show({ title: `${result.ref} was removed`, message: `${bytes(result.freedBytes)} freed on this computer.` });
      void navigate({ to: '/bundles' });
    },
  });
  return (
    <Confirm
      title={`Remove ${ref}`}
      opened={opened}
      onClose={onClose}
      action={`Remove ${ref}`}
      busy={remove.isPending && 'Removing'}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      <p>
        Lost: the model and {plural(bundle.variants.length, 'variant')} ({bundle.variants.map((variant) => variant.name).join(', ')}) with their signatures,{' '}
        {plural(bundle.files.length, 'file')} in all. It cannot be undone; the bundle can be built again from its folder.
      </p>
      <p className="dim">Kept: the results of its trials, and whatever devices already have: they go on serving.</p>
    </Confirm>
  );
}
