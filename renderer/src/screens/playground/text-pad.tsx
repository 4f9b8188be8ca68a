import { IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react';
import { useState } from 'react';
import { Button } from '../../parts/button.tsx';
import { TextArea } from '../../parts/field.tsx';
import styles from './playground.module.css';

interface Props {
  /** How the bundle reads the text, in words. */
  hint: string;
  running: boolean;
  onText: (text: string) => void;
  onStop: () => void;
}

/** Text for the model, run by the button or with Ctrl+Enter. */
export function TextPad({ hint, running, onText, onStop }: Props) {
  const [text, setText] = useState('');
  const run = (): void => {
    if (text !== '') onText(text);
  };
  return (
    <div className={styles.words}>
      <TextArea
        label="Text"
        hint={`The bundle reads ${hint}. Ctrl+Enter runs it.`}
        rows={6}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          run();
        }}
      />
      <div className={styles.file}>
        <Button kind="primary" icon={<IconPlayerPlay size={14} aria-hidden />} disabled={text === ''} onClick={run}>
          Run the text
        </Button>
        {running && (
          <Button kind="quiet" icon={<IconPlayerStop size={14} aria-hidden />} onClick={onStop}>
            Stop
          </Button>
        )}
      </div>
    </div>
  );
}
