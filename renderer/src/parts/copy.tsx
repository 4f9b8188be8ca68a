/** Copying, with an answer that it was done. */
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { shortDigest } from '../lib/format.ts';
import { IconButton } from './button.tsx';
import styles from './copy.module.css';

/** How long the tick stays, in milliseconds. */
const SHOWN_MS = 1_500;

/** Returns whether something was copied just now, and the function that copies. */
export function useCopy(): [boolean, (text: string) => void] {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = window.setTimeout(() => setCopied(false), SHOWN_MS);
    return () => window.clearTimeout(timer);
  }, [copied]);
  const copy = (text: string): void => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return [copied, copy];
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, copy] = useCopy();
  return (
    <>
      <IconButton
        label={copied ? 'Copied' : label}
        icon={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
        onClick={(event) => {
          event.stopPropagation();
          copy(text);
        }}
      />
      <span role="status" className="visually-hidden">
        {copied ? 'Copied' : ''}
      </span>
    </>
  );
}

/** A digest as 12 characters; the whole of it on hover and in the clipboard. */
export function Digest({ digest, of }: { digest: string; of: string }) {
  return (
    <span className={styles.digest}>
      <code title={digest}>{shortDigest(digest)}</code>
      <CopyButton text={digest} label={`Copy the digest of ${of}`} />
    </span>
  );
}

/** A command or path to copy. */
export function Copyable({ text, label, bare = false }: { text: string; label: string /** Without a frame, for tables. */; bare?: boolean }) {
  return (
    <span className={bare ? `${styles.copyable} ${styles.bare}` : styles.copyable}>
      <code>{text}</code>
      <CopyButton text={text} label={label} />
    </span>
  );
}
