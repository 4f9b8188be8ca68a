/** What is drawn as PNG and SVG, and what it was drawn from as CSV. */
import type { RefObject } from 'react';
import { saveFile, toCsv } from '../lib/csv.ts';
import { Button } from '../parts/button.tsx';
import styles from './chart.module.css';
import { type ECharts, toPng } from './echarts.ts';

interface Props {
  /** Names the files. */
  name: string;
  /** Absent while a table is shown in place of the chart. */
  chart: RefObject<ECharts | null> | undefined;
  csv: () => { head: string[]; rows: Parameters<typeof toCsv>[1] };
  disabled?: boolean;
}

export function ChartExports({ name, chart, csv, disabled = false }: Props) {
  const saveCsv = (): void => {
    const { head, rows } = csv();
    saveFile(`${name}.csv`, new Blob([toCsv(head, rows)], { type: 'text/csv' }));
  };
  return (
    <span className={styles.exports}>
      {chart && (
        <>
          <Button kind="quiet" disabled={disabled} onClick={() => chart.current && void toPng(chart.current).then((blob) => saveFile(`${name}.png`, blob))}>
            PNG
          </Button>
          <Button
            kind="quiet"
            disabled={disabled}
            onClick={() => chart.current && saveFile(`${name}.svg`, new Blob([chart.current.renderToSVGString()], { type: 'image/svg+xml' }))}
          >
            SVG
          </Button>
        </>
      )}
      <Button kind="quiet" disabled={disabled} onClick={saveCsv}>
        CSV
      </Button>
    </span>
  );
}
