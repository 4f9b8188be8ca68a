/** A few views of one thing, of which one is shown. Arrow keys move between them, as in any group of radio buttons. */
import styles from './tabs.module.css';

interface Props<Value extends string> {
  label: string;
  options: readonly { value: Value; label: string }[];
  value: Value;
  onChange: (value: Value) => void;
  /** Has the focus when the panel around it opens. */
  autoFocus?: boolean;
}

export function Tabs<Value extends string>({ label, options, value, onChange, autoFocus = false }: Props<Value>) {
  return (
    <div role="radiogroup" aria-label={label} className={styles.tabs}>
      {options.map((option) => (
        <label key={option.value} className={styles.tab}>
          <input
            type="radio"
            className="visually-hidden"
            name={label}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
            data-autofocus={(autoFocus && option.value === value) || undefined}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}
