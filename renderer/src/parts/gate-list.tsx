/** Gates as a list of expressions: edit, remove, add one from the usual ones. */
import { IconTrash } from '@tabler/icons-react';
import { Button, IconButton } from './button.tsx';
import { TextField } from './field.tsx';
import styles from './gate-list.module.css';

const USUAL = ['metric >= 99% of fp32', 'size <= 40% of fp32', 'p95 < 50 ms', 'p50 <= 80% of fp32'];

export function GateList({ gates, onChange }: { gates: readonly string[]; onChange: (gates: string[]) => void }) {
  const offers = USUAL.filter((gate) => !gates.includes(gate));
  return (
    <div className={styles.list}>
      {gates.map((gate, index) => (
        // A gate has no identity but its place while it is being typed.
        <div key={`gate ${index + 1}`} className={styles.row}>
          <TextField
            label={`Gate ${index + 1}`}
            hideLabel
            mono
            value={gate}
            placeholder="metric >= 99% of fp32"
            onChange={(event) => onChange(gates.with(index, event.currentTarget.value))}
          />
          <IconButton label={`Remove gate ${index + 1}`} icon={<IconTrash size={14} />} onClick={() => onChange(gates.toSpliced(index, 1))} />
        </div>
      ))}
      {gates.length === 0 && <p className={styles.none}>No gate: every variant that passes its golden set passes.</p>}
      <div className={styles.offers}>
        {offers.map((gate) => (
          <Button key={gate} kind="quiet" className={styles.offer} onClick={() => onChange([...gates, gate])}>
            Add <code>{gate}</code>
          </Button>
        ))}
        <Button kind="quiet" onClick={() => onChange([...gates, ''])}>
          Add another gate
        </Button>
      </div>
    </div>
  );
}
