import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { DeviceDetail } from '#contract';
import { client } from '../../lib/engine.ts';
import { Confirm } from '../../parts/sheet.tsx';

export function RemoveDevice({ device, opened, onClose }: { device: DeviceDetail; opened: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => client.devices.remove({ name: device.name }),
    onSuccess: ({ name }) => {
      notifications.show({ title: `${name} was removed`, message: 'It can be enrolled again with a new pairing code.' });
      void navigate({ to: '/devices' });
    },
  });
  return (
    <Confirm
      title={`Remove ${device.name}`}
      opened={opened}
      onClose={onClose}
      action={`Remove ${device.name}`}
      busy={remove.isPending && 'Removing'}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      <p>
        Lost: the trust between this workspace and {device.name}. Nothing can be deployed to it or rolled back on it until it is paired again
        {device.state === 'reachable' ? ', and it stops serving what this workspace sent.' : '. It does not answer now, so it goes on serving what it has.'}
      </p>
      <p className="dim">Kept: its part in the audit log.</p>
    </Confirm>
  );
}
