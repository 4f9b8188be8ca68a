import type { OfferedSigner } from '#contract';
import { plainName } from '../../lib/plain-name.ts';
import { CopyButton } from '../../parts/copy.tsx';
import { TextField } from '../../parts/field.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { grouped, materialWords } from './signer-words.ts';
import styles from './trust.module.css';

export interface OfferFormValue {
  name: string;
  note: string;
}

interface Props {
  offer: OfferedSigner;
  value: OfferFormValue;
  onChange: (value: OfferFormValue) => void;
}

/** Longest name and note; the contract holds them too. */
const MAX_NAME = 80;
const MAX_NOTE = 500;

/** What would be trusted, its fingerprint to compare, and what to call it. */
export function OfferForm({ offer, value, onChange }: Props) {
  return (
    <section className={styles.offer} aria-label="What would be trusted">
      <div>
        <p>{materialWords(offer)}</p>
        <code className={styles.fingerprint}>{grouped(offer.id)}</code>
        <p className="dim">
          Compare this fingerprint with its owner, by phone or face to face: whoever could change the file on its way could put a key of their own in it.{' '}
          <CopyButton text={offer.id} label="Copy the fingerprint" />
        </p>
      </div>
      {offer.known !== undefined ? (
        <Meaning tone="notice" word="Trusted already" reason={`as ${plainName(offer.known)}`} inline />
      ) : (
        <>
          <TextField
            label="Name"
            maxLength={MAX_NAME}
            hint="What tables and the audit log call this signer."
            value={value.name}
            onChange={(event) => onChange({ ...value, name: event.currentTarget.value })}
          />
          <TextField
            label="Note (optional)"
            maxLength={MAX_NOTE}
            placeholder="Fingerprint compared by phone on 25 November"
            value={value.note}
            onChange={(event) => onChange({ ...value, note: event.currentTarget.value })}
          />
        </>
      )}
    </section>
  );
}
