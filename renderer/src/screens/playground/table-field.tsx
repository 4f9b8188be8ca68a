import { useId } from 'react';
import type { TableColumn, TableInput } from '#contract';
import { plainName } from '../../lib/plain-name.ts';
import { SelectField, TextField } from '../../parts/field.tsx';
import { cellProblem } from './table-rows.ts';

interface Props {
  column: TableColumn;
  decimal: TableInput['decimal'];
  value: string;
  /** Says what is wrong, once a person tried to run the row. */
  strict: boolean;
  onChange: (value: string) => void;
}

const WORDS: Record<TableColumn['type'], string> = { number: '', integer: ', whole number', boolean: ', yes or no', category: '', text: ', text' };

/** One column of a row, as what it is: a number, a choice, yes or no, or text. */
export function TableField({ column, decimal, value, strict, onChange }: Props) {
  const list = useId();
  const label = `${plainName(column.name)}${WORDS[column.type]}`;
  const problem = strict || value !== '' ? cellProblem(column, value, decimal) : undefined;
  const empty = column.missing === undefined ? 'choose one' : `empty, stands for ${plainName(column.missing)}`;
  const known = column.type === 'boolean' ? ['true', 'false'] : column.type === 'category' ? column.categories : undefined;
  if (known && !column.open) {
    // What came with an example or was pasted stays in view, known or not: the engine judges it.
    const options = known.includes(value) || value === '' ? known : [value, ...known];
    return (
      <SelectField
        label={label}
        value={value}
        problem={problem}
        options={[{ value: '', label: empty }, ...options.map((each) => ({ value: each, label: plainName(each) }))]}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return (
    <>
      <TextField
        label={label}
        value={value}
        problem={problem}
        placeholder={column.missing === undefined ? '' : empty}
        inputMode={column.type === 'number' ? 'decimal' : column.type === 'integer' ? 'numeric' : 'text'}
        {...(known && { list })}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      {known && (
        <datalist id={list}>
          {known.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
    </>
  );
}
