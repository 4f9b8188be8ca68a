/** How to come to a registry, as far as a person has to say it. */
import { type ReactNode, useState } from 'react';
import type { z } from 'zod';
import type { RegistryAccessSchema } from '#contract';
import { plainName } from '../../lib/plain-name.ts';
import { Check, TextField } from '../../parts/field.tsx';
import { FileButton } from '../../parts/file-button.tsx';
import styles from './registry.module.css';

export type RegistryAccess = z.input<typeof RegistryAccessSchema>;

/** Most of a certificate file that is read, in bytes; the contract takes no more. */
const MAX_PEM_BYTES = 256 * 1024;

export interface AccessForm {
  user: string;
  password: string;
  plainHttp: boolean;
  ca?: { name: string; pem: string };
}
export const NO_ACCESS: AccessForm = { user: '', password: '', plainHttp: false };

/** What the engine is told; without a name Docker's own sign-in is looked for. */
export function toAccess({ user, password, plainHttp, ca }: AccessForm): RegistryAccess {
  return { plainHttp, ...(user !== '' && { login: { user, password } }), ...(ca && { ca: ca.pem }) };
}

interface Props {
  value: AccessForm;
  onChange: (value: AccessForm) => void;
  disabled: boolean;
}

export function RegistryAccessFields({ value, onChange, disabled }: Props): ReactNode {
  const [problem, setProblem] = useState<string>();
  const readCa = async (file: File): Promise<void> => {
    if (file.size > MAX_PEM_BYTES) return setProblem(`${plainName(file.name)} is too large to hold certificates.`);
    const pem = await file.text();
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) return setProblem(`${plainName(file.name)} holds no certificate in PEM.`);
    setProblem(undefined);
    onChange({ ...value, ca: { name: file.name, pem } });
  };
  return (
    <>
      <div className={styles.login}>
        <TextField label="User" value={value.user} disabled={disabled} onChange={(event) => onChange({ ...value, user: event.currentTarget.value })} />
        <TextField
          label="Password or token"
          type="password"
          value={value.password}
          disabled={disabled || value.user === ''}
          onChange={(event) => onChange({ ...value, password: event.currentTarget.value })}
        />
        <p className="dim small">Left empty, what docker login keeps for this registry is used. What is typed here is kept nowhere.</p>
      </div>
      <details className={styles.more}>
        <summary>A private authority, or no TLS</summary>
        <div className={styles.inner}>
          <div className={styles.file}>
            <FileButton accept=".pem,.crt,.cer" disabled={disabled} onFiles={([file]) => void readCa(file)}>
              Choose its certificate
            </FileButton>
            <span className="dim small">
              {value.ca
                ? `${plainName(value.ca.name)} is trusted for this registry, beside the usual authorities.`
                : 'For a registry with a certificate of your own authority.'}
            </span>
          </div>
          {problem !== undefined && (
            <p role="alert" className={styles.problem}>
              {problem}
            </p>
          )}
          <Check
            label="Speak HTTP without TLS"
            note="Everyone on the way can read and change what is sent; signatures still show a change. On this computer it is found out by itself."
            checked={value.plainHttp}
            disabled={disabled}
            onChange={(event) => onChange({ ...value, plainHttp: event.currentTarget.checked })}
          />
        </div>
      </details>
    </>
  );
}
