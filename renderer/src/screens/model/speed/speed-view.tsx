/** How fast the model is on this computer: what to measure, and what came of it. */
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { BenchmarkReport } from '#contract';
import { client } from '../../../lib/engine.ts';
import { useJobCall } from '../../../lib/use-job-call.ts';
import { JobLine } from '../../../parts/job-line.tsx';
import { Empty } from '../../../parts/placeholder.tsx';
import { SpeedForm, type SpeedQuestion } from './speed-form.tsx';
import { SpeedReport } from './speed-report.tsx';

export function SpeedView({ modelRef }: { modelRef: string }) {
  const queries = useQueryClient();
  const key = ['speed', modelRef];
  // Kept while the program runs, so that looking at the graph and back costs no measurement.
  const [report, setReport] = useState<BenchmarkReport | undefined>(() => queries.getQueryData(key));
  const measure = useJobCall({
    call: (question: SpeedQuestion, jobId, signal) => client.inference.benchmark({ ref: modelRef, ...question, jobId }, { signal }),
    onSuccess: (result) => {
      queries.setQueryData(key, result);
      setReport(result);
    },
  });
  return (
    <>
      <SpeedForm running={measure.running} onMeasure={measure.begin} />
      <JobLine label="Measuring" call={measure} failed="The model could not be measured." stopped="Nothing of it is kept." />
      {report && !measure.running && <SpeedReport report={report} />}
      {!report && !measure.running && measure.error === undefined && (
        <Empty title="Not measured yet">
          <p>Measure the model here to see its latency, what it takes of the machine, and where the time goes.</p>
        </Empty>
      )}
    </>
  );
}
