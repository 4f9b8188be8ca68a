/** A failure: what happened, what was expected and found, what to do. */
import { IconCircleXFilled } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { asEdgewrightError, type ErrorBody } from '#contract';
import { plainText } from '../lib/plain-name.ts';
import { CopyButton } from './copy.tsx';
import styles from './error-panel.module.css';

const OWNER_WORDS: Record<ErrorBody['owner'], string> = {
  input: 'The input',
  gate: 'A gate',
  device: 'The device',
  network: 'The connection',
  trust: 'Trust',
  machine: 'This computer',
  usage: 'The request',
  bug: 'A fault in Edgewright',
  cancelled: 'Cancelled',
};

interface Props {
  /** Anything thrown, or the body of an error as the engine reports it. */
  error: unknown;
  /** What failed, when the message alone does not say. */
  title?: string;
  /** What can be done here, such as a button that tries again. */
  children?: ReactNode;
}

function isBody(error: unknown): error is ErrorBody {
  return typeof error === 'object' && error !== null && !(error instanceof Error) && 'code' in error && 'message' in error && 'owner' in error;
}

export function ErrorPanel({ error, title, children }: Props) {
  const body = isBody(error) ? error : asEdgewrightError(error).toBody();
  return (
    <div role="alert" className={styles.panel}>
      <IconCircleXFilled size={16} aria-hidden className={styles.icon} />
      <div className={styles.body}>
        {title !== undefined && <p className={styles.title}>{title}</p>}
        <p className={title === undefined ? styles.title : undefined}>{plainText(body.message)}</p>
        {(body.expected !== undefined || body.found !== undefined) && (
          <dl className={styles.facts}>
            {body.expected !== undefined && (
              <>
                <dt>Expected</dt>
                <dd>{plainText(body.expected)}</dd>
              </>
            )}
            {body.found !== undefined && (
              <>
                <dt>Found</dt>
                <dd>{plainText(body.found)}</dd>
              </>
            )}
          </dl>
        )}
        {body.hint !== undefined && <Hint text={plainText(body.hint)} />}
        <p className={styles.code}>
          {OWNER_WORDS[body.owner]} · <code>{body.code}</code>
        </p>
        {children !== undefined && <div className={styles.actions}>{children}</div>}
      </div>
    </div>
  );
}

/** What to do; several lines are commands to copy. */
function Hint({ text }: { text: string }) {
  if (!text.includes('\n')) return <p>{text}</p>;
  return (
    <div className={styles.commands}>
      <pre>{text}</pre>
      <CopyButton text={text} label="Copy what to do" />
    </div>
  );
}
