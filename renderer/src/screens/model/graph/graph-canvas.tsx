/** A picture of part of a graph: laid out in a worker, moved and zoomed by hand, its boxes reached with Tab and opened with Enter. */
import '@xyflow/react/dist/base.css';
import { Background, Controls, Handle, MarkerType, type Node, type NodeProps, Position, ReactFlow, ReactFlowProvider } from '@xyflow/react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Button } from '../../../parts/button.tsx';
import { ErrorPanel } from '../../../parts/error-panel.tsx';
import { Loading } from '../../../parts/placeholder.tsx';
import styles from './graph.module.css';
import { layOut, type Placed } from './layout.ts';
import type { Picture, PictureBox } from './picture.ts';

type BoxNode = Node<{ box: PictureBox; current: boolean; onOpen: (box: PictureBox) => void }, 'box'>;

const KIND_WORDS: Record<PictureBox['kind'], string> = { node: 'node', part: 'part', input: 'graph input', output: 'graph output' };

function Box({ data: { box, current, onOpen } }: NodeProps<BoxNode>) {
  const opens = box.kind === 'node' || box.kind === 'part';
  const name = `${box.title}, ${KIND_WORDS[box.kind]}${box.detail === '' ? '' : `, ${box.detail}`}`;
  const inside = (
    <>
      <span className={styles.title}>{box.title}</span>
      {box.detail !== '' && <span className={styles.detail}>{box.detail}</span>}
      {box.hidden > 0 && (
        <span className={styles.hidden} aria-hidden>
          +{box.hidden}
        </span>
      )}
      <span className="visually-hidden">, {KIND_WORDS[box.kind]}</span>
    </>
  );
  const className = [styles.box, styles[box.kind], current && styles.current].filter(Boolean).join(' ');
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} className={styles.handle} />
      {opens ? (
        <button type="button" className={className} title={name} aria-current={current || undefined} onClick={() => onOpen(box)}>
          {inside}
        </button>
      ) : (
        <div className={className} title={name}>
          {inside}
        </div>
      )}
      <Handle type="source" position={Position.Bottom} isConnectable={false} className={styles.handle} />
    </>
  );
}

const NODE_TYPES = { box: Box };
const ARROW = { type: MarkerType.ArrowClosed, width: 14, height: 14, color: 'var(--line-strong)' };

interface Props {
  picture: Picture;
  /** The box in the middle of attention. */
  currentId?: string | undefined;
  label: string;
  onOpen: (box: PictureBox) => void;
}

export function GraphCanvas({ picture, currentId, label, onOpen }: Props) {
  const { placed, problem, stop, again } = useLayout(picture);
  const room = useRef<HTMLDivElement>(null);
  const current = picture.boxes.find((box) => box.id === currentId);
  const nodes = useMemo(
    () =>
      placed
        ? picture.boxes.map(
            (box): BoxNode => ({
              id: box.id,
              type: 'box',
              position: placed.at.get(box.id) ?? { x: 0, y: 0 },
              width: box.width,
              height: box.height,
              data: { box, current: box.id === currentId, onOpen },
            }),
          )
        : [],
    [placed, picture, currentId, onOpen],
  );
  const edges = useMemo(
    () => picture.links.map((link) => ({ id: link.id, source: link.from, target: link.to, label: link.label, focusable: false, markerEnd: ARROW })),
    [picture],
  );
  if (problem !== undefined) {
    return (
      <div className={styles.waiting}>
        <ErrorPanel error={problem} title="The picture was not laid out.">
          <Button onClick={again}>Lay it out again</Button>
        </ErrorPanel>
      </div>
    );
  }
  if (!placed) {
    return (
      <div className={styles.waiting}>
        <Loading what={`Laying out ${picture.boxes.length} boxes`} />
        <Button onClick={stop}>Stop</Button>
      </div>
    );
  }
  return (
    <ReactFlowProvider>
      <div ref={room} className={styles.canvas} role="group" aria-label={label}>
        <ReactFlow
          key={picture.boxes[0]?.id ?? 'none'}
          nodes={nodes}
          edges={edges}
          nodeTypes={NODE_TYPES}
          onInit={(flow) => void flow.setViewport(firstView(placed, room.current, current))}
          minZoom={0.05}
          maxZoom={2}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          elementsSelectable={false}
          onlyRenderVisibleElements
          proOptions={{ hideAttribution: true }}
        >
          <Background gap={24} />
          <Controls showInteractive={false} position="bottom-right" />
        </ReactFlow>
      </div>
    </ReactFlowProvider>
  );
}

/** Smallest scale at which a picture opens: below it the words cannot be read, so it opens at its top, or at the current box. */
const READABLE = 0.8;
const MARGIN_PX = 32;

function firstView(placed: Placed, room: HTMLElement | null, current: PictureBox | undefined): { x: number; y: number; zoom: number } {
  const [width, height] = [room?.clientWidth ?? 0, room?.clientHeight ?? 0];
  const fits = Math.min((width - 2 * MARGIN_PX) / placed.width, (height - 2 * MARGIN_PX) / placed.height);
  const zoom = Math.min(1, Math.max(READABLE, fits));
  const middle = (size: number, whole: number) => (size - whole * zoom) / 2;
  if (fits >= READABLE) return { x: middle(width, placed.width), y: middle(height, placed.height), zoom };
  const at = current && placed.at.get(current.id);
  if (at && current) return { x: width / 2 - (at.x + current.width / 2) * zoom, y: height / 2 - (at.y + current.height / 2) * zoom, zoom };
  return { x: middle(width, placed.width), y: MARGIN_PX, zoom };
}

/** Lays a picture out, and gives it up when another is to be shown. */
function useLayout(picture: Picture) {
  const [state, setState] = useState<{ picture: Picture; placed?: Placed; problem?: unknown }>();
  const [turn, setTurn] = useState(0);
  const [abort, setAbort] = useState<AbortController>();
  useEffect(() => {
    const controller = new AbortController();
    setAbort(controller);
    let gone = false;
    layOut(picture.boxes, picture.links, controller.signal).then(
      (placed) => !gone && setState({ picture, placed }),
      (problem: unknown) => !gone && setState({ picture, problem }),
    );
    return () => {
      gone = true;
      controller.abort();
    };
  }, [picture, turn]);
  const current = state?.picture === picture ? state : undefined;
  return {
    placed: current?.placed,
    problem: current?.problem,
    stop: () => abort?.abort(),
    again: () => {
      setState(undefined);
      setTurn((n) => n + 1);
    },
  };
}
