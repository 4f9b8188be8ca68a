import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { NameSchema } from '#contract';
import { client } from '../../lib/engine.ts';
import { Button } from '../../parts/button.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { TextField } from '../../parts/field.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import styles from './devices.module.css';

const STEPS = ['Find', 'Pair', 'Name'] as const;

/** 16 Crockford base32 characters, however they are grouped. */
function plainCode(text: string): string {
  return text.replaceAll(/[\s-]/g, '').toUpperCase();
}
const CODE_LENGTH = 16;

function addressProblem(text: string): string | undefined {
  return /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/.test(text.trim()) ? undefined : 'Host and port, as in 192.168.1.20:7443';
}

function codeProblem(text: string): string | undefined {
  const plain = plainCode(text);
  if (/[^0-9A-Z]|U/.test(plain)) return 'A code has letters and digits only, and no U';
  return plain.length === CODE_LENGTH ? undefined : `A code has ${CODE_LENGTH} characters; these are ${plain.length}`;
}

function nameProblem(text: string): string | undefined {
  const result = NameSchema.safeParse(text.trim());
  return result.success ? undefined : (result.error.issues[0]?.message ?? 'Not a name');
}

export function AddDeviceSheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return opened ? <Steps onClose={onClose} /> : null;
}

function Steps({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [step, setStep] = useState(0);
  const [tried, setTried] = useState(false);
  const [values, setValues] = useState({ address: '', code: '', name: '' });
  const field = useRef<HTMLDivElement>(null);
  const problem = [addressProblem(values.address), codeProblem(values.code), nameProblem(values.name)][step];
  const add = useMutation({
    mutationFn: () => client.devices.add({ address: values.address.trim(), code: plainCode(values.code), name: values.name.trim() }),
    onSuccess: (device) => {
      notifications.show({ title: `${device.name} is enrolled`, message: 'From now on both sides prove themselves with certificates.' });
      onClose();
      void navigate({ to: '/devices/$name', params: { name: device.name } });
    },
  });
  useEffect(() => {
    if (step > 0) field.current?.querySelector('input')?.focus();
  }, [step]);
  const go = (): void => {
    setTried(true);
    if (problem !== undefined) return;
    if (step < STEPS.length - 1) {
      setTried(false);
      setStep(step + 1);
    } else if (!add.isPending) add.mutate();
  };
  const set = (key: keyof typeof values) => (event: { currentTarget: { value: string } }) => setValues({ ...values, [key]: event.currentTarget.value });
  const shown = tried ? problem : undefined;
  return (
    <Sheet
      title="Add a device"
      opened
      onClose={onClose}
      footer={
        <>
          {step > 0 && (
            <Button disabled={add.isPending} onClick={() => setStep(step - 1)}>
              Back
            </Button>
          )}
          <Button kind="primary" busy={add.isPending && 'Pairing'} onClick={go}>
            {step === 0 ? 'Next: pair' : step === 1 ? 'Next: name' : `Enrol ${values.name.trim() === '' ? 'the device' : values.name.trim()}`}
          </Button>
        </>
      }
    >
      <ol className={styles.steps}>
        {STEPS.map((name, index) => (
          <li key={name} aria-current={index === step ? 'step' : undefined} className={index <= step ? styles.reached : undefined}>
            <span>{index + 1}</span>
            {name}
          </li>
        ))}
      </ol>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        <div ref={field} className={styles.step}>
          {step === 0 && (
            <>
              <p>On the machine to be enrolled, start the agent so that it waits for pairing:</p>
              <Copyable text="edgewright-agent --dir /var/lib/edgewright --listen 0.0.0.0:7443 --pair" label="Copy the agent's command" />
              <TextField
                label="Address the agent printed"
                mono
                placeholder="192.168.1.20:7443"
                value={values.address}
                onChange={set('address')}
                problem={shown}
                data-autofocus
              />
            </>
          )}
          {step === 1 && (
            <>
              <p>
                The agent shows a one-time code, valid for 10 minutes and 5 tries. It proves to both sides that they talk to each other and to nobody between
                them.
              </p>
              <TextField
                label="Pairing code"
                mono
                placeholder="XXXX-XXXX-XXXX-XXXX"
                hint="Dashes, spaces and case do not matter."
                value={values.code}
                onChange={set('code')}
                problem={shown}
              />
            </>
          )}
          {step === 2 && (
            <>
              <p>A name for people and scripts. It can be used instead of the device's id everywhere.</p>
              <TextField label="Name" placeholder="press-line-3" value={values.name} onChange={set('name')} problem={shown} />
            </>
          )}
        </div>
        <button type="submit" hidden />
      </form>
      {add.isError && <ErrorPanel error={add.error} title="The device was not enrolled; nothing was kept." />}
    </Sheet>
  );
}
