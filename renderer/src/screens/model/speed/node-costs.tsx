/** Where the time of a run goes, by operator and by node. */
import type { NodeCosts } from '#contract';
import { columnPercent, milliseconds, plural } from '../../../lib/format.ts';
import { plainName } from '../../../lib/plain-name.ts';
import { Section } from '../../../parts/facts.tsx';
import type { GridColumn } from '../../../parts/grid/columns.ts';
import { DataGrid } from '../../../parts/grid/data-grid.tsx';
import styles from './speed.module.css';

type Operator = NodeCosts['operators'][number];
type Node = NodeCosts['nodes'][number] & { order: number };

const OPERATORS: GridColumn<Operator>[] = [
  { id: 'op', header: 'Operator', value: (row) => plainName(row.op), rowHeader: true, grow: true },
  { id: 'provider', header: 'Provider', value: (row) => row.provider },
  { id: 'nodes', header: 'Nodes', align: 'right', exact: true, value: (row) => row.nodes },
  { id: 'ms', header: 'Time', unit: 'ms', align: 'right', value: (row) => row.ms },
  { id: 'share', header: 'Share', align: 'right', value: (row) => row.share, cell: (row) => columnPercent(row.share) },
];

const NODES: GridColumn<Node>[] = [
  { id: 'name', header: 'Node', value: (row) => plainName(row.name), rowHeader: true, grow: true },
  { id: 'op', header: 'Operator', value: (row) => plainName(row.op), facet: true },
  { id: 'provider', header: 'Provider', value: (row) => row.provider },
  { id: 'ms', header: 'Time', unit: 'ms', align: 'right', value: (row) => row.ms },
  { id: 'share', header: 'Share', align: 'right', value: (row) => row.share, cell: (row) => columnPercent(row.share) },
];

export function NodeCostsPart({ costs }: { costs: NodeCosts }) {
  const advised = costs.operators.filter((row) => row.advice !== undefined);
  const nodes = costs.nodes.map((node, order) => ({ ...node, order }));
  return (
    <Section title="Where the time goes">
      <p className={styles.about}>
        Mean of the middle half of {plural(costs.runs, 'run')}: {milliseconds(costs.nodesMs)} in nodes, of {milliseconds(costs.runMs)} with recording on. Names
        are those of the optimized graph, where nodes are fused.
      </p>
      <DataGrid
        label="Time by operator"
        noun="operator"
        rows={costs.operators}
        columns={OPERATORS}
        rowId={(row) => `${row.op} ${row.provider}`}
        empty={null}
        plain
      />
      {advised.length > 0 && (
        <ul className={styles.advice} aria-label="What to do">
          {advised.map((row) => (
            <li key={`${row.op} ${row.provider}`}>
              <strong>{plainName(row.op)}:</strong> {row.advice}
            </li>
          ))}
        </ul>
      )}
      <h3 className={styles.heading}>
        {costs.nodeCount > nodes.length ? `The ${nodes.length} heaviest of ${plural(costs.nodeCount, 'node')}` : plural(costs.nodeCount, 'node')}
      </h3>
      <DataGrid label="Time by node" noun="node" rows={nodes} columns={NODES} rowId={(row) => String(row.order)} empty={null} plain />
    </Section>
  );
}
