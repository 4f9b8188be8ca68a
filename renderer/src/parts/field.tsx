/** Form fields: a label, the control, what it means, and what is wrong with it. */
import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from 'react';
import styles from './field.module.css';

interface FieldProps {
  label: string;
  hint?: ReactNode;
  problem?: string | undefined;
  /** Unit written behind the control. */
  unit?: string;
  /** Keeps the label for screen readers only, where the place says what it is. */
  hideLabel?: boolean;
}

function Frame({ id, label, hint, problem, unit, hideLabel, children }: FieldProps & { id: string; children: ReactNode }) {
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : styles.label}>
        {label}
      </label>
      <div className={styles.control}>
        {children}
        {unit !== undefined && <span className={styles.unit}>{unit}</span>}
      </div>
      {hint !== undefined && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      {problem !== undefined && (
        <p id={`${id}-problem`} className={styles.problem} role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

function described(id: string, { hint, problem }: FieldProps): { 'aria-describedby'?: string; 'aria-invalid'?: true } {
  const ids = [hint !== undefined && `${id}-hint`, problem !== undefined && `${id}-problem`].filter((each) => typeof each === 'string');
  return { ...(ids.length > 0 && { 'aria-describedby': ids.join(' ') }), ...(problem !== undefined && { 'aria-invalid': true as const }) };
}

export function TextField(props: FieldProps & InputHTMLAttributes<HTMLInputElement> & { mono?: boolean }) {
  const { label, hint, problem, unit, hideLabel, mono, className, ...rest } = props;
  const id = useId();
  return (
    <Frame {...props} id={id}>
      <input
        {...rest}
        {...described(id, props)}
        id={id}
        className={[styles.input, mono && styles.mono, className].filter(Boolean).join(' ')}
        spellCheck={false}
        autoComplete="off"
      />
    </Frame>
  );
}

/** Several lines of text. */
export function TextArea(props: FieldProps & TextareaHTMLAttributes<HTMLTextAreaElement> & { mono?: boolean }) {
  const { label, hint, problem, unit, hideLabel, mono, className, ...rest } = props;
  const id = useId();
  return (
    <Frame {...props} id={id}>
      <textarea
        {...rest}
        {...described(id, props)}
        id={id}
        className={[styles.input, styles.area, mono && styles.mono, className].filter(Boolean).join(' ')}
        dir="auto"
      />
    </Frame>
  );
}

export function SelectField(props: FieldProps & SelectHTMLAttributes<HTMLSelectElement> & { options: readonly { value: string; label: string }[] }) {
  const { label, hint, problem, unit, hideLabel, options, className, ...rest } = props;
  const id = useId();
  return (
    <Frame {...props} id={id}>
      <select {...rest} {...described(id, props)} id={id} className={[styles.input, styles.select, className].filter(Boolean).join(' ')}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </Frame>
  );
}

interface CheckProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'type'> {
  label: ReactNode;
  note?: ReactNode;
}

export function Check({ label, note, ...rest }: CheckProps) {
  const id = useId();
  return (
    <div className={styles.check}>
      <input {...rest} type="checkbox" id={id} {...(note !== undefined && { 'aria-describedby': `${id}-note` })} />
      <label htmlFor={id}>{label}</label>
      {note !== undefined && (
        <span id={`${id}-note`} className={styles.hint}>
          {note}
        </span>
      )}
    </div>
  );
}

/** A choice of a few, all in view. */
export function Choice<Value extends string>(props: {
  label: string;
  value: Value;
  options: readonly { value: Value; label: string }[];
  onChange: (value: Value) => void;
  hideLabel?: boolean;
}) {
  const name = useId();
  return (
    <fieldset className={styles.choice}>
      <legend className={props.hideLabel ? 'visually-hidden' : styles.label}>{props.label}</legend>
      <div className={styles.segments}>
        {props.options.map((option) => (
          <label key={option.value} className={styles.segment}>
            <input type="radio" name={name} value={option.value} checked={option.value === props.value} onChange={() => props.onChange(option.value)} />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
