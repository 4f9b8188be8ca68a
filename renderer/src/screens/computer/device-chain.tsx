import { IconBrain, IconCpu, IconDeviceDesktopAnalytics } from '@tabler/icons-react';
import type { HardwareDevice } from '#contract';
import { bytes } from '../../lib/format.ts';
import { Copyable } from '../../parts/copy.tsx';
import { Chain, type ChainEnd } from '../../parts/chain.tsx';
import styles from './computer.module.css';

const KINDS = {
  cpu: { icon: IconCpu, word: 'Processor' },
  gpu: { icon: IconDeviceDesktopAnalytics, word: 'Graphics' },
  npu: { icon: IconBrain, word: 'Neural processor' },
};

function memory({ memoryBytes, memoryFreeBytes }: HardwareDevice): string {
  return `${bytes(memoryBytes ?? 0)}${memoryFreeBytes === undefined ? '' : `, ${bytes(memoryFreeBytes)} free`}`;
}

const LEAD: Record<ChainEnd, string> = { stopped: 'Stopped by:', 'no path': 'Not used here:', 'not tried': '' };

function endOf({ noPath, notTried }: HardwareDevice): ChainEnd {
  return noPath ? 'no path' : notTried ? 'not tried' : 'stopped';
}

/** One device: its name and facts, the chain it climbs, and where it stops with the reason and the remedy. */
export function DeviceChain({ device }: { device: HardwareDevice }) {
  const { icon: Icon, word } = KINDS[device.kind];
  const facts = [
    word,
    device.vendor,
    device.memoryBytes !== undefined && memory(device),
    device.driver && `driver ${device.driver}`,
    device.providers.length > 0 && `for ${device.providers.join(', ')}`,
  ];
  return (
    <li className={styles.device}>
      <Icon size={20} stroke={1.5} aria-hidden />
      <div className={styles.deviceBody}>
        <div className={styles.deviceHead}>
          <div className={styles.deviceName}>
            <h3>{device.name}</h3>
            <p className="dim small">
              {facts.filter(Boolean).join(' · ')}
              {device.id !== undefined && (
                <>
                  {' · '}
                  <code>{device.id}</code>
                </>
              )}
            </p>
          </div>
          <Chain state={device.state} of={device.name} end={endOf(device)} />
        </div>
        {device.stoppedBy !== undefined && (
          <div className={endOf(device) === 'stopped' ? styles.stop : `${styles.stop} ${styles.noFault}`}>
            <p>
              {LEAD[endOf(device)] && <strong>{LEAD[endOf(device)]} </strong>}
              {device.stoppedBy}
            </p>
            {device.remedy && <p>{device.remedy.text}</p>}
            {device.remedy?.command !== undefined && <Copyable text={device.remedy.command} label={`Copy the command for ${device.name}`} />}
          </div>
        )}
        {device.facts.length > 0 && (
          <details className={styles.details}>
            <summary>{device.facts.length === 1 ? '1 fact and where it came from' : `${device.facts.length} facts and where they came from`}</summary>
            <dl className={styles.sources}>
              {device.facts.map((fact) => (
                <div key={`${fact.name} ${fact.source}`}>
                  <dt>{fact.name}</dt>
                  <dd>{fact.value}</dd>
                  <dd className="dim mono">{fact.source}</dd>
                </div>
              ))}
            </dl>
          </details>
        )}
      </div>
    </li>
  );
}
