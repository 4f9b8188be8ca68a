/** Every node in a list, found by name, operator or value; a node opens beside it. */
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { GraphNode } from '#contract';
import { byteUnit, count, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Button } from '../../parts/button.tsx';
import { SelectField, TextField } from '../../parts/field.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { modelRoute } from '../../routes.ts';
import styles from './model.module.css';
import { NodePanel } from './node-panel.tsx';
import { allNodes, useNodes, useSettled } from './use-pages.ts';

export function NodesView({ modelRef, ops }: { modelRef: string; ops: readonly string[] }) {
  const { node } = modelRoute.useSearch();
  const navigate = useNavigate();
  const [search, setSearch] = useState('');
  const [op, setOp] = useState('');
  const settled = useSettled(search);
  const query = useNodes({ ref: modelRef, search: settled, ops: op === '' ? [] : [op] });
  const nodes = useMemo(() => allNodes(query.data?.pages), [query.data]);
  const total = query.data?.pages[0]?.total ?? 0;
  const columns = useMemo(() => {
    const size = byteUnit(nodes.map((row) => row.weightBytes));
    const list: GridColumn<GraphNode>[] = [
      { id: 'name', header: 'Node', value: (row) => plainName(row.name), rowHeader: true, grow: true },
      { id: 'op', header: 'Operator', value: (row) => plainName(row.op) },
      { id: 'module', header: 'Module', value: (row) => (row.module === '' ? undefined : plainName(row.module)), grow: true },
      { id: 'weights', header: 'Weights', unit: size.unit, align: 'right', value: (row) => row.weightBytes / size.factor },
    ];
    return list;
  }, [nodes]);
  const open = (id: string) => void navigate({ to: '/bundles/model', search: { ref: modelRef, view: 'nodes', node: id } });
  return (
    <div className={styles.split}>
      <div className={styles.list}>
        <div className={styles.tools}>
          <TextField
            label="Find a node"
            hideLabel
            placeholder="Name, operator or value"
            type="search"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
          <SelectField
            label="Operator"
            hideLabel
            value={op}
            onChange={(event) => setOp(event.target.value)}
            options={[{ value: '', label: 'Every operator' }, ...[...ops].sort().map((each) => ({ value: each, label: plainName(each) }))]}
          />
          <span className="dim" role="status">
            {query.data && (nodes.length < total ? `${count(nodes.length)} of ${plural(total, 'node')}` : plural(total, 'node'))}
          </span>
        </div>
        <QueryView query={query} what="Reading the nodes">
          {() => (
            <DataGrid
              label="Nodes"
              noun="node"
              rows={nodes}
              columns={columns}
              rowId={(row) => row.id}
              onOpen={(row) => open(row.id)}
              selectedId={node}
              plain
              fill
              empty={
                <Empty title="No node matches">
                  <p>Change or clear the search.</p>
                </Empty>
              }
              more={
                query.hasNextPage && (
                  <Button onClick={() => void query.fetchNextPage()} busy={query.isFetchingNextPage && 'Reading more'}>
                    Show {count(Math.min(200, total - nodes.length))} more
                  </Button>
                )
              }
            />
          )}
        </QueryView>
      </div>
      {node !== undefined && (
        <NodePanel
          modelRef={modelRef}
          id={node}
          onOpen={open}
          onClose={() => void navigate({ to: '/bundles/model', search: { ref: modelRef, view: 'nodes' } })}
        />
      )}
    </div>
  );
}
