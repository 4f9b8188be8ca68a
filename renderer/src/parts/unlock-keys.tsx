/** Making the private keys usable until the engine ends: the form, and the button of the status bar that asks for it. */
import { Modal } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useRef, useState } from 'react';
import { asEdgewrightError, type Keys } from '#contract';
import { client, orpc, queryClient } from '../lib/engine.ts';
import { Button } from './button.tsx';
import { ErrorPanel } from './error-panel.tsx';
import { Check, TextField } from './field.tsx';
import sheet from './sheet.module.css';
import styles from './unlock-keys.module.css';

interface Props {
  keys: Keys;
  onDone?: () => void;
}

export function UnlockForm({ keys, onDone }: Props): ReactNode {
  const [passphrase, setPassphrase] = useState('');
  const [shown, setShown] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const typed = keys.protection === 'passphrase';
  const unlock = useMutation({
    mutationFn: () => client.workspace.unlock(typed ? { passphrase } : {}),
    onSuccess: (now) => {
      setPassphrase('');
      queryClient.setQueryData(orpc.workspace.keys.queryKey(), now);
      onDone?.();
    },
    // Ready to be typed again, whatever is there marked.
    onError: () => form.current?.querySelector('input')?.select(),
  });
  const wrong = unlock.isError && asEdgewrightError(unlock.error).code === 'trust.wrong-passphrase';
  return (
    <form
      ref={form}
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!unlock.isPending && (!typed || passphrase !== '')) unlock.mutate();
      }}
    >
      {typed ? (
        <>
          <TextField
            label="Passphrase"
            type={shown ? 'text' : 'password'}
            value={passphrase}
            problem={wrong ? 'This is not the passphrase of these keys' : undefined}
            onChange={(event) => {
              setPassphrase(event.currentTarget.value);
              if (unlock.isError) unlock.reset();
            }}
            data-autofocus
          />
          <Check label="Show it" checked={shown} onChange={(event) => setShown(event.currentTarget.checked)} />
        </>
      ) : (
        <p className="dim">They are kept in {keys.keychain ?? 'the keychain'}. The system may ask you to let Edgewright have them.</p>
      )}
      <Button kind="primary" type="submit" disabled={typed && passphrase === ''} busy={unlock.isPending && 'Unlocking'}>
        Unlock the keys
      </Button>
      {unlock.isError && !wrong && <ErrorPanel error={unlock.error} title="The keys were not unlocked." />}
    </form>
  );
}

/** Shown only while they are locked. */
export function UnlockButton(): ReactNode {
  const keys = useQuery(orpc.workspace.keys.queryOptions()).data;
  const [opened, setOpened] = useState(false);
  if (!keys || keys.unlocked) return null;
  const close = (): void => setOpened(false);
  return (
    <>
      <button type="button" onClick={() => setOpened(true)}>
        Unlock…
      </button>
      <Modal.Root opened={opened} onClose={close} size={420} yOffset="12vh" lockScroll={false} transitionProps={{ duration: 100, transition: 'fade' }}>
        <Modal.Overlay />
        <Modal.Content>
          <div className={sheet.header}>
            <Modal.Title className={sheet.title}>Unlock the private keys</Modal.Title>
            <Modal.CloseButton aria-label="Close" />
          </div>
          <div className={sheet.confirm}>
            <p className="dim">Until then devices are not followed, and nothing can be signed or deployed. They stay unlocked until the engine ends.</p>
            <UnlockForm keys={keys} onDone={close} />
          </div>
        </Modal.Content>
      </Modal.Root>
    </>
  );
}
