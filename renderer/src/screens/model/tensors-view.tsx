/** Every weight in a list, largest first; its numbers are read when asked for, and reading can be given up. */
import { useQuery } from '@tanstack/react-query';
import { IconX } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { ModelReport, TensorRow, TensorStats } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { bytes, columnNumber, count, percent, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { Facts } from '../../parts/facts.tsx';
import { SelectField, TextField } from '../../parts/field.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import styles from './model.module.css';
import { tensorColumns } from './tensor-columns.ts';
import { allTensors, useSettled, useTensors } from './use-pages.ts';

export function TensorsView({ modelRef, report }: { modelRef: string; report: ModelReport }) {
  const [search, setSearch] = useState('');
  const [type, setType] = useState('');
  const [opened, setOpened] = useState<TensorRow>();
  const settled = useSettled(search);
  const query = useTensors({ ref: modelRef, search: settled, sort: 'bytes', types: type === '' ? [] : [type] });
  const tensors = useMemo(() => allTensors(query.data?.pages), [query.data]);
  const total = query.data?.pages[0]?.total ?? 0;
  const columns = useMemo(() => {
    const list: GridColumn<TensorRow>[] = [
      ...tensorColumns(tensors),
      { id: 'elements', header: 'Elements', align: 'right', exact: true, value: (row) => row.elements },
      { id: 'where', header: 'Stored', value: (row) => where(row) },
    ];
    return list;
  }, [tensors]);
  return (
    <div className={styles.split}>
      <div className={styles.list}>
        <div className={styles.tools}>
          <TextField label="Find a tensor" hideLabel placeholder="Name" type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
          <SelectField
            label="Type"
            hideLabel
            value={type}
            onChange={(event) => setType(event.target.value)}
            options={[{ value: '', label: 'Every type' }, ...Object.keys(report.precision).map((each) => ({ value: each, label: each }))]}
          />
          <span className="dim" role="status">
            {query.data && `${plural(total, 'tensor')}, ${bytes(query.data.pages[0]?.totalBytes ?? 0)}`}
          </span>
        </div>
        <QueryView query={query} what="Reading the tensors">
          {() => (
            <DataGrid
              label="Tensors"
              noun="tensor"
              rows={tensors}
              columns={columns}
              rowId={(row) => row.id}
              initialSort={{ id: 'bytes', desc: true }}
              onOpen={setOpened}
              selectedId={opened?.id}
              plain
              fill
              empty={
                <Empty title={report.tensors.count === 0 ? 'The model has no weights' : 'No tensor matches'}>
                  <p>{report.tensors.count === 0 ? 'Its numbers stand in the attributes of its nodes.' : 'Change or clear the search.'}</p>
                </Empty>
              }
              more={
                query.hasNextPage && (
                  <Button onClick={() => void query.fetchNextPage()} busy={query.isFetchingNextPage && 'Reading more'}>
                    Show {count(Math.min(200, total - tensors.length))} more
                  </Button>
                )
              }
            />
          )}
        </QueryView>
      </div>
      {opened && <TensorPanel key={opened.id} modelRef={modelRef} tensor={opened} onClose={() => setOpened(undefined)} />}
    </div>
  );
}

function where({ stored }: TensorRow): string {
  return stored.kind === 'inside' ? 'in the model file' : plainName(stored.location);
}

function TensorPanel({ modelRef, tensor, onClose }: { modelRef: string; tensor: TensorRow; onClose: () => void }) {
  const query = useQuery(orpc.models.tensorStats.queryOptions({ input: { ref: modelRef, id: tensor.id } }));
  return (
    <aside className={styles.panel} aria-label="Tensor">
      <div className={styles.panelHead}>
        <div>
          <h2>{plainName(tensor.name)}</h2>
          <p className="mono dim">
            {tensor.type} [{tensor.dims.join(', ')}], {bytes(tensor.bytes)}
          </p>
        </div>
        <IconButton label="Close" icon={<IconX size={16} />} onClick={onClose} />
      </div>
      <QueryView query={query} what={`Reading ${bytes(tensor.bytes)}`}>
        {(stats) => <Stats stats={stats} />}
      </QueryView>
    </aside>
  );
}

function Stats({ stats: { numbers, tensor, text } }: { stats: TensorStats }) {
  if (text)
    return (
      <Facts
        items={[
          { name: 'Empty texts', value: count(text.empty) },
          { name: 'Longest', value: bytes(text.longestBytes) },
        ]}
      />
    );
  if (!numbers) return <p className="dim">No numbers to tell of.</p>;
  const value = (each: number | null) => (each === null ? 'none is finite' : columnNumber(each));
  const bad = numbers.notANumber + numbers.infinite;
  return (
    <>
      <Facts
        items={[
          { name: 'Smallest', value: value(numbers.min) },
          { name: 'Largest', value: value(numbers.max) },
          { name: 'Mean', value: value(numbers.mean) },
          { name: 'Deviation', value: value(numbers.std) },
          { name: 'Zeros', value: tensor.elements === 0 ? 'no elements' : `${count(numbers.zeros)} (${percent(numbers.zeros / tensor.elements)})` },
          { name: 'Not finite', value: bad === 0 ? 'none' : `${count(numbers.notANumber)} NaN, ${count(numbers.infinite)} infinite` },
        ]}
      />
      <Histogram bars={numbers.histogram} from={value(numbers.min)} to={value(numbers.max)} />
    </>
  );
}

/** Counts in equal steps; the tallest bar fills the height. */
function Histogram({ bars, from, to }: { bars: readonly number[]; from: string; to: string }) {
  const most = Math.max(1, ...bars);
  return (
    <figure className={styles.histogram}>
      <svg viewBox={`0 0 ${bars.length * 8} 80`} role="img" aria-label={`Distribution of the values from ${from} to ${to}`} preserveAspectRatio="none">
        {bars.map((bar, index) => (
          // The order of bars is their identity.
          <rect key={index} x={index * 8} width={7} y={80 - (bar / most) * 80} height={(bar / most) * 80} />
        ))}
      </svg>
      <figcaption className="dim">
        <span>{from}</span>
        <span>{to}</span>
      </figcaption>
    </figure>
  );
}
