import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { ModelReport, TensorInfo, TensorRow } from '#contract';
import { bytes, byteUnit, columnPercent, count, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { Facts, Section } from '../../parts/facts.tsx';
import type { GridColumn } from '../../parts/grid/columns.ts';
import { DataGrid } from '../../parts/grid/data-grid.tsx';
import { Warnings } from '../../parts/warnings.tsx';
import styles from './model.module.css';
import { tensorColumns } from './tensor-columns.ts';

export function ModelOverview({ report, modelRef }: { report: ModelReport; modelRef: string }) {
  return (
    <>
      <Warnings warnings={report.warnings} />
      <div className={styles.columns}>
        <Section title="What it is">
          <Facts items={about(report)} />
        </Section>
        <Section title="In and out">
          <Facts
            items={[
              ...report.inputs.map((tensor, index) => ({ name: `Input ${index + 1}`, value: <Port tensor={tensor} /> })),
              ...report.outputs.map((tensor, index) => ({ name: `Output ${index + 1}`, value: <Port tensor={tensor} /> })),
            ]}
          />
        </Section>
      </div>
      <Section title="Operators">
        <Operators report={report} />
      </Section>
      <Section
        title="Largest tensors"
        aside={
          <Link to="/bundles/model" search={{ ref: modelRef, view: 'tensors' }}>
            All {plural(report.tensors.count, 'tensor')}
          </Link>
        }
      >
        <Largest tensors={report.tensors.largest} total={report.tensors.bytes} />
      </Section>
      {Object.keys(report.metadata).length > 0 && (
        <Section title="Metadata">
          <Facts items={Object.entries(report.metadata).map(([name, value]) => ({ name: plainName(name), value: plainName(value) }))} />
        </Section>
      )}
    </>
  );
}

function Port({ tensor }: { tensor: TensorInfo }) {
  return (
    <code>
      <strong>{plainName(tensor.name)}</strong> {tensor.type} [{tensor.dims.map((dim) => (typeof dim === 'string' ? plainName(dim) : dim)).join(', ')}]
    </code>
  );
}

function about(report: ModelReport) {
  const { origin, external } = report;
  const version = (name: string, of: string | undefined) => plainName(of === undefined ? name : `${name} ${of}`);
  const precision = Object.entries(report.precision).sort((a, b) => b[1] - a[1]);
  const all = precision.reduce((sum, [, size]) => sum + size, 0);
  return [
    { name: 'Framework', value: version(origin.framework, origin.frameworkVersion) },
    { name: 'Exported by', value: version(origin.exporter, origin.exporterVersion) },
    { name: 'Known from', value: origin.evidence.length === 0 ? 'nothing in the file' : origin.evidence.map(plainName).join('; ') },
    {
      name: 'Operator sets',
      value: Object.entries(report.opsets)
        .map(([domain, number]) => `${domain === '' ? 'ai.onnx' : plainName(domain)} ${number}`)
        .join(', '),
    },
    { name: 'ONNX IR', value: String(report.irVersion) },
    { name: 'Graph', value: graphWords(report) },
    { name: 'Parameters', value: count(report.parameters) },
    { name: 'Precision', value: precision.length === 0 ? 'no weights' : precision.map(([type, size]) => `${type} ${columnPercent(size / all)}`).join(', ') },
    {
      name: 'Size',
      value: `${bytes(report.bytes)}${external.files.length > 0 ? `, of it ${bytes(external.bytes)} in ${plural(external.files.length, 'file')} beside it` : ''}`,
    },
    ...(report.description === '' ? [] : [{ name: 'Description', value: plainName(report.description) }]),
  ];
}

function graphWords({ nodes, subgraphs, functions }: ModelReport): string {
  return [
    plural(nodes, 'node'),
    subgraphs.count > 0 && `${plural(subgraphs.count, 'subgraph')} (${plural(subgraphs.nodes, 'node')})`,
    functions.length > 0 && plural(functions.length, 'local function'),
  ]
    .filter(Boolean)
    .join(', ');
}

function Operators({ report }: { report: ModelReport }) {
  const rows = useMemo(() => {
    const weights = new Map(report.weightsByOp.map((each) => [each.op, each.bytes]));
    return Object.entries(report.ops).map(([op, nodes]) => ({ op, nodes, bytes: weights.get(op) ?? 0 }));
  }, [report]);
  const columns = useMemo(() => {
    const size = byteUnit(rows.map((row) => row.bytes));
    const list: GridColumn<(typeof rows)[number]>[] = [
      { id: 'op', header: 'Operator', value: (row) => plainName(row.op), rowHeader: true, grow: true },
      { id: 'nodes', header: 'Nodes', align: 'right', exact: true, value: (row) => row.nodes },
      { id: 'bytes', header: 'Weights', unit: size.unit, align: 'right', value: (row) => row.bytes / size.factor },
    ];
    return list;
  }, [rows]);
  return (
    <DataGrid
      label="Operators"
      noun="operator"
      rows={rows}
      columns={columns}
      rowId={(row) => row.op}
      initialSort={{ id: 'nodes', desc: true }}
      empty={<p className="dim">The graph has no nodes.</p>}
      plain
    />
  );
}

function Largest({ tensors, total }: { tensors: readonly TensorRow[]; total: number }) {
  const columns = useMemo(() => {
    const list: GridColumn<TensorRow>[] = [
      ...tensorColumns(tensors),
      {
        id: 'share',
        header: 'Of all weights',
        align: 'right',
        value: (row) => (total === 0 ? '–' : columnPercent(row.bytes / total)),
        order: (row) => row.bytes,
      },
    ];
    return list;
  }, [tensors, total]);
  return (
    <DataGrid
      label="Largest tensors"
      noun="tensor"
      rows={tensors}
      columns={columns}
      rowId={(row) => row.id}
      initialSort={{ id: 'bytes', desc: true }}
      empty={<p className="dim">The model has no weights.</p>}
      plain
    />
  );
}
