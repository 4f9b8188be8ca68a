/** Buttons are verbs with their object. One primary button a screen. */
import { IconLoader2 } from '@tabler/icons-react';
import type { ButtonHTMLAttributes, ReactNode } from 'react';
import styles from './button.module.css';

export type ButtonKind = 'primary' | 'plain' | 'danger' | 'quiet';

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: ButtonKind;
  icon?: ReactNode;
  /** Words for what it is doing; the button cannot be pressed meanwhile. */
  busy?: string | false | undefined;
}

export function Button({ kind = 'plain', icon, busy, children, className, disabled, type = 'button', ...rest }: Props) {
  const working = typeof busy === 'string';
  return (
    <button
      {...rest}
      type={type}
      className={[styles.button, styles[kind], className].filter(Boolean).join(' ')}
      disabled={disabled}
      aria-disabled={working || undefined}
      onClick={working ? undefined : rest.onClick}
    >
      {working ? <IconLoader2 size={14} aria-hidden className={styles.turning} /> : icon}
      <span>{working ? busy : children}</span>
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  label: string;
  icon: ReactNode;
}

export function IconButton({ label, icon, className, ...rest }: IconButtonProps) {
  return (
    <button {...rest} type="button" aria-label={label} title={label} className={[styles.icon, className].filter(Boolean).join(' ')}>
      {icon}
    </button>
  );
}
