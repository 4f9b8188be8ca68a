/**
 * The graph, folded up to what a person can look at: modules first, opened one after another, or the nodes around one. It is
 * never laid out as a whole. Search stands beside it, for whoever knows what they look for.
 */
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { orpc } from '../../../lib/engine.ts';
import { plural } from '../../../lib/format.ts';
import { plainName } from '../../../lib/plain-name.ts';
import { SelectField, TextField } from '../../../parts/field.tsx';
import { QueryView } from '../../../parts/query-view.tsx';
import { modelRoute } from '../../../routes.ts';
import styles from '../model.module.css';
import { NodePanel } from '../node-panel.tsx';
import { allNodes, useNodes, useSettled } from '../use-pages.ts';
import { GraphCanvas } from './graph-canvas.tsx';
import { neighbourhoodPicture, outlinePicture, type PictureBox } from './picture.ts';

/** How far around a node the picture reaches. */
const HOPS = ['1', '2', '3', '5'] as const;
const FOUND_SHOWN = 100;

export function GraphView({ modelRef }: { modelRef: string }) {
  const search = modelRoute.useSearch();
  const navigate = useNavigate();
  const graph = Number(search.graph ?? 0) || 0;
  const part = Number(search.part ?? 0) || 0;
  const hops = HOPS.find((each) => each === search.hops) ?? '2';
  const go = useCallback(
    (to: { graph?: number; part?: number; node?: string; hops?: string }) => {
      const { graph: g = graph, part: p, node, hops: h } = to;
      void navigate({
        to: '/bundles/model',
        search: {
          ref: modelRef,
          view: 'graph',
          ...(g !== 0 && { graph: String(g) }),
          ...(p !== undefined && p !== 0 && { part: String(p) }),
          ...(node !== undefined && { node }),
          ...(h !== undefined && { hops: h }),
        },
      });
    },
    [navigate, modelRef, graph],
  );
  const onOpen = useCallback((box: PictureBox) => (box.part === undefined ? go({ node: box.id }) : go({ part: box.part })), [go]);
  const outline = useQuery(orpc.models.outline.queryOptions({ input: { ref: modelRef, graph, part } }));
  return (
    <div className={styles.split}>
      <div className={styles.graphSide}>
        <Finder modelRef={modelRef} current={search.node} onOpen={(id) => go({ node: id })} />
      </div>
      <div className={styles.list}>
        <div className={styles.tools} hidden={(outline.data?.graphCount ?? 1) <= 1 && part === 0 && search.node === undefined}>
          {outline.data && outline.data.graphCount > 1 && (
            <SelectField
              label="Graph"
              hideLabel
              value={String(graph)}
              onChange={(event) => go({ graph: Number(event.target.value) })}
              options={outline.data.graphs.map((each) => ({ value: String(each.graph), label: `${plainName(each.title)} (${plural(each.nodes, 'node')})` }))}
            />
          )}
          <nav aria-label="Where in the graph" className={styles.path}>
            <button type="button" className={styles.link} onClick={() => go({ part: 0 })}>
              Whole graph
            </button>
            {outline.data?.path
              .filter((step) => step.part !== 0)
              .map((step) => (
                <button key={step.part} type="button" className={styles.link} onClick={() => go({ part: step.part })}>
                  {plainName(step.label)}
                </button>
              ))}
          </nav>
          {search.node !== undefined && (
            <SelectField
              label="Reach"
              hideLabel
              value={hops}
              onChange={(event) => search.node !== undefined && go({ node: search.node, hops: event.target.value })}
              options={HOPS.map((each) => ({ value: each, label: each === '1' ? '1 step around' : `${each} steps around` }))}
            />
          )}
        </div>
        {search.node === undefined ? (
          <QueryView query={outline} what="Reading the outline">
            {(data) => <Folded outline={data} onOpen={onOpen} />}
          </QueryView>
        ) : (
          <Around modelRef={modelRef} node={search.node} hops={Number(hops)} onOpen={onOpen} />
        )}
      </div>
      {search.node !== undefined && (
        <NodePanel modelRef={modelRef} id={search.node} onOpen={(id) => go({ node: id, hops })} onClose={() => go({ part })} inGraph />
      )}
    </div>
  );
}

function Folded({ outline, onOpen }: { outline: Parameters<typeof outlinePicture>[0]; onOpen: (box: PictureBox) => void }) {
  const picture = useMemo(() => outlinePicture(outline), [outline]);
  return <Drawn picture={picture} onOpen={onOpen} label="Outline of the graph" />;
}

function Around({ modelRef, node, hops, onOpen }: { modelRef: string; node: string; hops: number; onOpen: (box: PictureBox) => void }) {
  const query = useQuery(orpc.models.neighbourhood.queryOptions({ input: { ref: modelRef, of: { kind: 'node', id: node, hops } } }));
  const picture = useMemo(() => query.data && neighbourhoodPicture(query.data), [query.data]);
  return (
    <QueryView query={query} what="Reading what is around it">
      {() => picture && <Drawn picture={picture} currentId={node} onOpen={onOpen} label="Nodes around the chosen one" />}
    </QueryView>
  );
}

function Drawn(props: { picture: ReturnType<typeof outlinePicture>; currentId?: string; onOpen: (box: PictureBox) => void; label: string }) {
  return (
    <>
      {props.picture.cut && <p className={styles.cut}>There is more than can be shown at once; the farthest is left out. Open a part, or search.</p>}
      <GraphCanvas {...props} />
    </>
  );
}

/** Finds nodes by name, operator or value, and lists them. */
function Finder({ modelRef, current, onOpen }: { modelRef: string; current: string | undefined; onOpen: (id: string) => void }) {
  const [text, setText] = useState('');
  const settled = useSettled(text);
  const query = useNodes({ ref: modelRef, search: settled, ops: [] });
  const found = useMemo(() => allNodes(query.data?.pages).slice(0, FOUND_SHOWN), [query.data]);
  const total = query.data?.pages[0]?.total ?? 0;
  return (
    <>
      <TextField
        label="Find a node"
        hideLabel
        placeholder="Name, operator or value"
        type="search"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <p className="dim" role="status">
        {query.data && (total > found.length ? `First ${found.length} of ${plural(total, 'node')}` : plural(total, 'node'))}
      </p>
      <QueryView query={query} what="Reading the nodes">
        {() => (
          <ul className={styles.found}>
            {found.map((node) => (
              <li key={node.id}>
                <button type="button" aria-current={node.id === current || undefined} onClick={() => onOpen(node.id)}>
                  <span>{plainName(node.op)}</span>
                  <span className="dim">{plainName(node.name)}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </QueryView>
    </>
  );
}
