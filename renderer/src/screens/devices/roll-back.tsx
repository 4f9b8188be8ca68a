import { notifications } from '@mantine/notifications';
import { IconArrowBackUp } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { DeviceBundle, DeviceDetail } from '#contract';
import { client } from '../../lib/engine.ts';
import { number } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/sheet.tsx';
import { isServing } from './serving.ts';

interface Way {
  from: DeviceBundle;
  to: DeviceBundle;
}

/** For each model that serves: what it would go back to. */
function ways(device: DeviceDetail): Way[] {
  return device.bundles.filter(isServing).flatMap((from) => {
    const to = device.bundles.find((bundle) => bundle.name === from.name && bundle.state === 'previous');
    return to ? [{ from, to }] : [];
  });
}

/** Roll back, always in the same place; disabled with the reason when there is nothing to go back to. */
export function RollBack({ device }: { device: DeviceDetail }) {
  const [asked, setAsked] = useState<Way | undefined>();
  const roll = useMutation({
    mutationFn: (way: Way) => client.devices.rollback({ device: device.name, model: way.from.name }),
    onSuccess: (result) => {
      setAsked(undefined);
      notifications.show({ title: `${result.device} serves ${result.to} again`, message: `Back from ${result.from} in ${number(result.seconds)} s.` });
    },
  });
  const possible = ways(device);
  if (possible.length === 0) {
    return (
      <Button icon={<IconArrowBackUp size={14} aria-hidden />} disabled title="The device keeps no earlier bundle to go back to.">
        Roll back
      </Button>
    );
  }
  return (
    <>
      {possible.map((way) => (
        <Button
          key={way.from.name}
          icon={<IconArrowBackUp size={14} aria-hidden />}
          onClick={() => {
            roll.reset();
            setAsked(way);
          }}
        >
          Roll back to {way.to.version} {way.to.variant}
        </Button>
      ))}
      {asked && (
        <Confirm
          title={`Roll back ${device.name}`}
          opened
          keep={`Keep ${asked.from.version}`}
          onClose={() => setAsked(undefined)}
          action={`Roll back ${device.name} to ${asked.to.version}`}
          busy={roll.isPending && 'Rolling back'}
          error={roll.error}
          onConfirm={() => roll.mutate(asked)}
        >
          <p>
            {device.name} stops serving {refOf(asked.from)} {asked.from.variant} and serves {refOf(asked.to)} {asked.to.variant} again. Requests go on being
            answered while it switches.
          </p>
          <p className="dim">Nothing is lost: {refOf(asked.from)} can be deployed again.</p>
        </Confirm>
      )}
    </>
  );
}
