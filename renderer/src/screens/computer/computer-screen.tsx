import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { IconCheck, IconMinus } from '@tabler/icons-react';
import { hardwareReportText, type HardwareReport } from '#contract';
import { Page } from '../../frame/page.tsx';
import { client, orpc, queryClient } from '../../lib/engine.ts';
import { bytes, milliseconds, number } from '../../lib/format.ts';
import { Button } from '../../parts/button.tsx';
import { useCopy } from '../../parts/copy.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Facts, Section } from '../../parts/facts.tsx';
import { Moment } from '../../parts/moment.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { DeviceChain } from './device-chain.tsx';
import styles from './computer.module.css';
import { ProviderPacks } from './provider-packs.tsx';
import { ProbesTable, ProvidersTable } from './tables.tsx';

const input = { fresh: false };

export function ComputerScreen(): ReactNode {
  const query = useQuery(orpc.hardware.report.queryOptions({ input }));
  const detect = useMutation({
    mutationFn: () => client.hardware.report({ fresh: true }),
    onSuccess: (report) => queryClient.setQueryData(orpc.hardware.report.queryKey({ input }), report),
  });
  const [copied, copy] = useCopy();
  const report = query.data;
  return (
    <Page
      title="This computer"
      status={report?.summary ?? 'What this computer can run, and why not where it cannot.'}
      padded
      action={
        <>
          <Button disabled={!report} onClick={() => report && copy(hardwareReportText(report))}>
            {copied ? 'Copied' : 'Copy report'}
          </Button>
          <Button kind="primary" busy={detect.isPending && 'Detecting'} onClick={() => detect.mutate()}>
            Detect again
          </Button>
        </>
      }
    >
      {detect.isError && (
        <div className={styles.problem}>
          <ErrorPanel error={detect.error} title="The hardware was not detected again; the last report stands." />
        </div>
      )}
      <QueryView query={query} what="Detecting the hardware: every probe has its own time limit">
        {(data) => <Report report={data} />}
      </QueryView>
    </Page>
  );
}

/** `384, all usable here; 192 as built in 2 sockets` */
function cores(cpu: HardwareReport['cpu']): string {
  const usable = cpu.usableCores === cpu.cores ? `${cpu.cores}, all usable here` : `${cpu.cores}, of which ${number(cpu.usableCores)} usable by this process`;
  const built = cpu.physicalCores !== undefined && cpu.physicalCores !== cpu.cores ? `; ${cpu.physicalCores} as built` : '';
  const sockets = cpu.sockets !== undefined && cpu.sockets > 1 ? ` in ${cpu.sockets} sockets` : '';
  const kinds = cpu.kinds ? `; ${cpu.kinds.map((kind) => `${kind.count} × ${kind.name}`).join(', ')}` : '';
  return usable + built + sockets + kinds;
}

/** Caches are binary by nature; `32 KiB`. */
function cache({ name, bytes: size, sharedBy }: NonNullable<HardwareReport['cpu']['caches']>[number]): string {
  const shown = size >= 1024 ** 2 ? `${number(size / 1024 ** 2)} MiB` : `${number(size / 1024)} KiB`;
  return `${name} ${shown}${sharedBy !== undefined && sharedBy > 1 ? ` for ${sharedBy} threads` : ''}`;
}

function Report({ report }: { report: HardwareReport }) {
  const { cpu, machine, memory } = report;
  return (
    <>
      <Section
        title="Devices"
        aside={
          <span className={styles.aside}>
            Detected <Moment at={report.detectedAt} />
            {report.took && `; looking took ${milliseconds(report.took.probesMs)}`}
          </span>
        }
      >
        <ul className={styles.devices}>
          {report.devices.map((device) => (
            <DeviceChain key={`${device.kind} ${device.name} ${device.id ?? ''}`} device={device} />
          ))}
        </ul>
      </Section>
      <Section title="Execution providers">
        <ProvidersTable providers={report.providers} />
      </Section>
      <ProviderPacks />
      <Section title="Processor">
        <Facts
          items={[
            { name: 'Model', value: cpu.model },
            { name: 'Cores', value: cores(cpu) },
            ...(cpu.limits && cpu.limits.length > 0 ? [{ name: 'Limited by', value: cpu.limits.join('; ') }] : []),
            ...(cpu.caches ? [{ name: 'Caches', value: cpu.caches.map(cache).join(', ') }] : []),
            { name: 'int8 kernels', value: cpu.int8.path },
            { name: 'For quantization', value: cpu.int8.advice },
          ]}
        />
        <ul className={styles.features} aria-label="Vector extensions">
          {Object.entries(cpu.features).map(([name, present]) => (
            <li key={name} className={present ? styles.present : styles.missing}>
              {present ? <IconCheck size={12} aria-hidden /> : <IconMinus size={12} aria-hidden />}
              {name}
              <span className="visually-hidden">{present ? ', present' : ', not present'}</span>
            </li>
          ))}
        </ul>
      </Section>
      <Section title="Machine">
        <Facts
          items={[
            { name: 'Host name', value: machine.hostname },
            { name: 'System', value: `${machine.os}, ${machine.kernel}, ${machine.arch}` },
            ...(machine.virtualization === undefined ? [] : [{ name: 'Virtualization', value: machine.virtualization }]),
            {
              name: 'Memory',
              value: `${bytes(memory.availableBytes)} available of ${bytes(memory.totalBytes)}${memory.limitBytes === undefined ? '' : `; this process may use ${bytes(memory.limitBytes)}`}`,
            },
            { name: 'ONNX Runtime', value: machine.onnxruntime },
            { name: 'Node', value: machine.node },
          ]}
        />
      </Section>
      <Section title="Probes">
        <ProbesTable probes={report.probes} />
      </Section>
    </>
  );
}
