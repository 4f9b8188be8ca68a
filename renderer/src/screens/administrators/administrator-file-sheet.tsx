/** A file that another laptop handed over: an identity is granted, a grant is joined with. What it is, the file says. */
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { MAX_ADMINISTRATOR_TEXT } from '#contract';
import { client } from '../../lib/engine.ts';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Sheet } from '../../parts/sheet.tsx';
import { TextSource } from '../../parts/text-source.tsx';
import { GrantForm } from './grant-form.tsx';
import { JoinForm } from './join-form.tsx';

export function AdministratorFileSheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [text, setText] = useState('');
  const read = useMutation({ mutationFn: (given: string) => client.administrators.read({ text: given }) });
  const give = (given: string): void => {
    setText(given);
    if (given.trim() === '') read.reset();
    else read.mutate(given);
  };
  const close = (): void => {
    give('');
    onClose();
  };
  return (
    <Sheet title="Grant or join" opened={opened} onClose={close} size={560}>
      <TextSource label="Identity or grant" placeholder="{ … }" accept=".json" most={MAX_ADMINISTRATOR_TEXT} value={text} onGive={give}>
        The identity of another laptop, to let it manage the devices here. Or the grant that another workspace gave for the identity of this one, to manage its
        devices.
      </TextSource>
      {read.isError && <ErrorPanel error={read.error} />}
      {read.data?.kind === 'identity' && <GrantForm key={read.data.fingerprint} text={text} file={read.data} onDone={close} />}
      {read.data?.kind === 'grant' && <JoinForm key={read.data.fingerprint} text={text} file={read.data} onDone={close} />}
    </Sheet>
  );
}
