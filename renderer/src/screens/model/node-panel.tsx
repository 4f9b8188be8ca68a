/** One node beside the list or the picture: what it computes, from what, and who reads it. */
import { IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { NodeDetail } from '#contract';
import { orpc } from '../../lib/engine.ts';
import { bytes, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { IconButton } from '../../parts/button.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import styles from './model.module.css';

interface Props {
  modelRef: string;
  id: string;
  /** Another node was chosen, by its id. */
  onOpen: (id: string) => void;
  onClose: () => void;
  /** In the graph view itself there is no need for a link to it. */
  inGraph?: boolean;
}

export function NodePanel({ modelRef, id, onOpen, onClose, inGraph = false }: Props) {
  const query = useQuery(orpc.models.node.queryOptions({ input: { ref: modelRef, id } }));
  return (
    <aside className={styles.panel} aria-label="Node">
      <QueryView query={query} what="Reading the node">
        {(node) => (
          <>
            <div className={styles.panelHead}>
              <div>
                <h2>{plainName(node.op)}</h2>
                <p className="mono dim">{plainName(node.name)}</p>
              </div>
              <IconButton label="Close" icon={<IconX size={16} />} onClick={onClose} />
            </div>
            {!inGraph && (
              <p>
                <Link to="/bundles/model" search={{ ref: modelRef, view: 'graph', node: id }}>
                  Show it in the graph
                </Link>
              </p>
            )}
            {node.description !== '' && <p>{plainName(node.description)}</p>}
            <Inputs node={node} onOpen={onOpen} />
            <Outputs node={node} onOpen={onOpen} />
            <Attributes node={node} />
            {node.metadata.length > 0 && (
              <>
                <h3>Metadata</h3>
                <dl className={styles.pairs}>
                  {node.metadata.map(({ key, value }) => (
                    <div key={key}>
                      <dt>{plainName(key)}</dt>
                      <dd className="mono">{plainName(value)}</dd>
                    </div>
                  ))}
                </dl>
              </>
            )}
          </>
        )}
      </QueryView>
    </aside>
  );
}

function typed(value: { type?: string | undefined; dims?: readonly (string | number)[] | undefined }): string {
  if (value.type === undefined) return 'type not stated';
  return `${value.type} [${value.dims?.map((dim) => (typeof dim === 'string' ? plainName(dim) : dim)).join(', ') ?? '?'}]`;
}

function Inputs({ node, onOpen }: { node: NodeDetail; onOpen: (id: string) => void }) {
  return (
    <>
      <h3>{plural(node.counts.inputs, 'input')}</h3>
      <ol className={styles.values}>
        {node.inputs.map((input, index) => (
          <li key={`${index} ${input.name}`}>
            <code>{input.origin === 'left out' ? '(left out)' : plainName(input.name)}</code>
            <span className="dim">{input.tensor ? `${input.tensor.type} [${input.tensor.dims.join(', ')}], ${bytes(input.tensor.bytes)}` : typed(input)}</span>
            {input.from ? <NodeLink link={input.from} before="from " onOpen={onOpen} /> : <span className="dim">{input.origin}</span>}
          </li>
        ))}
      </ol>
    </>
  );
}

function Outputs({ node, onOpen }: { node: NodeDetail; onOpen: (id: string) => void }) {
  return (
    <>
      <h3>{plural(node.counts.outputs, 'output')}</h3>
      <ol className={styles.values}>
        {node.outputs.map((output, index) => (
          <li key={`${index} ${output.name}`}>
            <code>{plainName(output.name)}</code>
            <span className="dim">{typed(output)}</span>
            {output.graphOutput && <span className="dim">output of the graph</span>}
            {output.to.map((link) => (
              <NodeLink key={link.id} link={link} before="to " onOpen={onOpen} />
            ))}
            {output.readers > output.to.length && <span className="dim">and {plural(output.readers - output.to.length, 'more reader')}</span>}
          </li>
        ))}
      </ol>
    </>
  );
}

function NodeLink({ link, before, onOpen }: { link: { id: string; name: string; op: string }; before: string; onOpen: (id: string) => void }) {
  return (
    <button type="button" className={styles.link} onClick={() => onOpen(link.id)}>
      {before}
      {plainName(link.op)} {link.name !== '' && <span className="dim">{plainName(link.name)}</span>}
    </button>
  );
}

function Attributes({ node }: { node: NodeDetail }) {
  if (node.attributes.length === 0) return null;
  return (
    <>
      <h3>{plural(node.counts.attributes, 'attribute')}</h3>
      <dl className={styles.pairs}>
        {node.attributes.map((attribute) => (
          <div key={attribute.name}>
            <dt>
              {plainName(attribute.name)} <span className="dim">{attribute.type}</span>
            </dt>
            <dd className="mono">
              {plainName(attribute.value)}
              {attribute.cut && ' …'}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
