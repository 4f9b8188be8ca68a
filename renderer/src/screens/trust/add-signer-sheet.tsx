/** Trusting somebody: what they handed over, whose key that is by its fingerprint, and what changes. */
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { EdgewrightError, MAX_SIGNER_TEXT, type OfferedSigner } from '#contract';
import { client } from '../../lib/engine.ts';
import { Button } from '../../parts/button.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { TextSource } from '../../parts/text-source.tsx';
import { OfferForm, type OfferFormValue } from './offer-form.tsx';
import { TrustEffectView } from './trust-effect.tsx';

const NOTHING: OfferFormValue = { name: '', note: '' };

/** @throws what a private key must not do: it is not sent anywhere, not even to the engine */
function refusePrivateKey(text: string): void {
  if (!/PRIVATE KEY-----|^PuTTY-User-Key-File/m.test(text)) return;
  throw new EdgewrightError({
    code: 'trust.private-key',
    message: 'This is a private key. It was not read, sent or kept.',
    expected: 'a public key or a certificate',
    hint: 'Ask for the public half. If others could see this file, its owner should make a new key.',
    owner: 'input',
  });
}

export function AddSignerSheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [text, setText] = useState('');
  const [form, setForm] = useState(NOTHING);
  const read = useMutation({
    mutationFn: (pem: string): Promise<OfferedSigner> => {
      refusePrivateKey(pem);
      return client.trust.read({ pem });
    },
    onError: () => {
      // Whatever it was, a private key stays in no field.
      if (/PRIVATE KEY|PuTTY/.test(text)) setText('');
    },
    onSuccess: (offer) => setForm({ ...NOTHING, name: offer.subject ?? '' }),
  });
  const add = useMutation({
    mutationFn: ({ name, note }: OfferFormValue) => client.trust.add({ pem: text, name: name.trim(), ...(note.trim() !== '' && { note: note.trim() }) }),
  });
  const give = (given: string): void => {
    setText(given);
    add.reset();
    if (given.trim() === '') read.reset();
    else read.mutate(given);
  };
  const close = (): void => {
    setText('');
    setForm(NOTHING);
    read.reset();
    add.reset();
    onClose();
  };
  const offer = read.data;
  const ready = offer !== undefined && offer.known === undefined && form.name.trim() !== '';
  return (
    <Sheet
      title="Trust a signer"
      opened={opened}
      onClose={close}
      size={560}
      footer={
        add.data ? (
          <Button kind="primary" onClick={close}>
            Done
          </Button>
        ) : (
          <>
            <Button onClick={close}>Trust nobody new</Button>
            <Button kind="primary" disabled={!ready} busy={add.isPending && 'Reading what they signed'} onClick={() => add.mutate(form)}>
              {offer && form.name.trim() !== '' ? `Trust ${form.name.trim()}` : 'Trust this signer'}
            </Button>
          </>
        )
      }
    >
      {add.data ? (
        <TrustEffectView effect={add.data} />
      ) : (
        <>
          <TextSource
            label="Key or certificate"
            placeholder="-----BEGIN PUBLIC KEY-----"
            accept=".pem,.pub,.crt,.cer,.key"
            most={MAX_SIGNER_TEXT}
            value={text}
            onGive={give}
          >
            A public key or a certificate in PEM. From another Edgewright: Settings, trusted signers, <em>Save our public key</em>.
          </TextSource>
          {read.isError && <ErrorPanel error={read.error} {...(text.trim() === '' && { title: 'Nothing was taken.' })} />}
          {offer && <OfferForm offer={offer} value={form} onChange={setForm} />}
          {add.isError && <ErrorPanel error={add.error} title="Nobody new is trusted." />}
        </>
      )}
    </Sheet>
  );
}
