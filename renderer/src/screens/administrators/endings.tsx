/** How administration ends before its time: revoked here for good, or left. */
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { Administrator, Membership } from '#contract';
import { client } from '../../lib/engine.ts';
import { plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { TextField } from '../../parts/field.tsx';
import { Confirm } from '../../parts/sheet.tsx';

export function RevokeAdministrator({ one, onClose }: { one: Administrator | undefined; onClose: () => void }) {
  const name = plainName(one?.name ?? '');
  const [reason, setReason] = useState('');
  // Why one was revoked is not why the next one is.
  const close = (): void => {
    setReason('');
    onClose();
  };
  const revoke = useMutation({
    mutationFn: () => client.administrators.revoke({ who: one?.fingerprint ?? '', ...(reason.trim() !== '' && { reason: reason.trim() }) }),
    onSuccess: ({ devices }) => {
      const open = devices.filter((device) => !device.told).map((device) => device.name);
      close();
      notifications.show({
        title: `${name} is revoked`,
        message:
          open.length === 0 ? 'Every device knows.' : `${open.join(', ')} could not be reached: told as soon as possible, and until then they still obey.`,
      });
    },
  });
  return (
    <Confirm
      title={`Revoke ${name}`}
      opened={one !== undefined}
      onClose={() => {
        revoke.reset();
        close();
      }}
      action={`Revoke ${name} for good`}
      keep="Keep the grant"
      busy={revoke.isPending && 'Telling the devices'}
      error={revoke.error}
      onConfirm={() => revoke.mutate()}
    >
      <p>Every device of this workspace is told to obey these keys no longer. That cannot be taken back: the same laptop needs new keys to be granted again.</p>
      {one && one.devices.length > 0 && (
        <p className="dim">
          {plural(one.devices.length, 'device')}: those that can be reached are told at once, the others when they are next reached. What they deployed goes on
          running.
        </p>
      )}
      <TextField label="Why, for the record (optional)" maxLength={500} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
    </Confirm>
  );
}

export function LeaveWorkspace({ one, onClose }: { one: Membership | undefined; onClose: () => void }) {
  const name = plainName(one?.name ?? '');
  const leave = useMutation({ mutationFn: () => client.administrators.leave({ who: one?.workspaceId ?? '' }), onSuccess: onClose });
  return (
    <Confirm
      title={`Leave ${name}`}
      opened={one !== undefined}
      onClose={() => {
        leave.reset();
        onClose();
      }}
      action={`Leave ${name}`}
      keep="Stay"
      busy={leave.isPending && 'Leaving'}
      error={leave.error}
      onConfirm={() => leave.mutate()}
    >
      <p>{one && one.devices.length > 0 ? `Not listed here any more: ${one.devices.join(', ')}.` : 'It has no device here.'} The devices go on as they are.</p>
      <p className="dim">Join again with the same grant as long as it counts.</p>
    </Confirm>
  );
}
