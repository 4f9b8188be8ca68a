import { useMemo, useState } from 'react';
import type { BenchmarkReport, MeasuredSetting } from '#contract';
import { LatencyChart } from '../../../charts/latency-chart.tsx';
import { byteUnit, columnNumber, halfWidth, milliseconds, percent, plural } from '../../../lib/format.ts';
import { plainName } from '../../../lib/plain-name.ts';
import { Section } from '../../../parts/facts.tsx';
import { SelectField } from '../../../parts/field.tsx';
import type { GridColumn } from '../../../parts/grid/columns.ts';
import { DataGrid } from '../../../parts/grid/data-grid.tsx';
import { Meaning } from '../../../parts/meaning.tsx';
import { LargestBatchPart, ProvidersPart, TunedPart } from './found-settings.tsx';
import { NodeCostsPart } from './node-costs.tsx';
import styles from './speed.module.css';

export function SpeedReport({ report }: { report: BenchmarkReport }) {
  const { settings } = report;
  const [shown, setShown] = useState(0);
  const setting = settings[shown] ?? settings[0];
  const columns = useMemo(() => columnsOf(settings), [settings]);
  const noise = Math.max(...settings.map((one) => one.noise));
  return (
    <>
      <p className={styles.verdict}>
        {report.noisy ? (
          <Meaning
            tone="notice"
            word={`Rounds differ by ${percent(noise)}: the machine was busy`}
            reason="Do not compare these figures with others; close other programs and measure again."
            inline
          />
        ) : (
          <Meaning tone="good" word={`Rounds agree within ${percent(noise)}`} inline />
        )}
      </p>
      <Section title="Latency">
        <DataGrid label="Measured settings" noun="setting" rows={settings} columns={columns} rowId={nameOf} empty={null} plain />
        <p className="dim">{providersOf(report)}</p>
      </Section>
      {setting && (
        <Section
          title="The runs"
          aside={
            settings.length > 1 && (
              <SelectField
                label="Setting"
                hideLabel
                value={String(shown)}
                options={settings.map((one, at) => ({ value: String(at), label: nameOf(one) }))}
                onChange={(event) => setShown(Number(event.currentTarget.value))}
              />
            )
          }
        >
          <LatencyChart name={nameOf(setting).replaceAll(/[^a-z0-9]+/g, '-')} setting={setting} />
          {setting.outliers && setting.outliers.count > 0 && (
            <p className="dim">
              {plural(setting.outliers.count, 'outlier')} above {milliseconds(setting.outliers.aboveMs)}, the slowest{' '}
              {milliseconds(setting.outliers.worstMs ?? setting.latencyMs.max)}. They count in every percentile.
            </p>
          )}
        </Section>
      )}
      {report.providerComparison && <ProvidersPart comparison={report.providerComparison} />}
      {report.tuned && <TunedPart tuned={report.tuned} />}
      {report.largestBatch && <LargestBatchPart found={report.largestBatch} />}
      {report.profile && <NodeCostsPart costs={report.profile} />}
    </>
  );
}

function nameOf(setting: MeasuredSetting): string {
  return `${setting.threads === 0 ? 'all cores' : plural(setting.threads, 'thread')}, batch ${setting.batch}`;
}

function columnsOf(settings: readonly MeasuredSetting[]): GridColumn<MeasuredSetting>[] {
  const memory = byteUnit(settings.map((one) => one.peakMemoryBytes));
  const ms = (id: string, header: string, value: (row: MeasuredSetting) => number | undefined): GridColumn<MeasuredSetting> => ({
    id,
    header,
    unit: 'ms',
    align: 'right',
    value,
  });
  return [
    { id: 'setting', header: 'Setting', value: nameOf, rowHeader: true },
    {
      ...ms('p50', 'p50', (row) => row.latencyMs.p50),
      cell: (row) =>
        row.p50Interval ? `${columnNumber(row.latencyMs.p50)} ± ${Number(halfWidth(row.p50Interval).toPrecision(2))}` : columnNumber(row.latencyMs.p50),
    },
    { ...ms('p90', 'p90', (row) => row.latencyMs.p90), hidden: true },
    ms('p95', 'p95', (row) => row.latencyMs.p95),
    ms('p99', 'p99', (row) => row.latencyMs.p99),
    { id: 'throughput', header: 'Throughput', unit: 'samples/s', align: 'right', value: (row) => row.throughputPerSecond },
    ms('first', 'First run', (row) => row.firstMs),
    ms('cold', 'Cold load', (row) => row.loadMs.cold),
    { ...ms('warm', 'Warm load', (row) => row.loadMs.warm), hidden: true },
    { id: 'cpu', header: 'CPU', unit: 'cores', align: 'right', value: (row) => row.cpuCores },
    { id: 'memory', header: 'Peak memory', unit: memory.unit, align: 'right', value: (row) => row.peakMemoryBytes / memory.factor },
  ];
}

function providersOf({ providers }: BenchmarkReport): string {
  const actual = Object.entries(providers.actual).map(([name, nodes]) => `${plural(nodes, 'node')} on ${name}`);
  const fell = providers.fallbacks.slice(0, 3).map((one) => `${plainName(one.node)} (${one.reason})`);
  return `Asked for ${providers.requested.join(', ')}; ran ${actual.join(', ')}.${fell.length > 0 ? ` Fell back: ${fell.join('; ')}.` : ''}`;
}
