import { Tooltip } from '@mantine/core';
import { IconActivity, IconBox, IconCpu, IconDeviceDesktop, IconHome, IconPlayerPlay, IconScale, IconSend, IconSettings } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import styles from './rail.module.css';

export const SCREENS = [
  { to: '/', label: 'Home', icon: IconHome },
  { to: '/computer', label: 'This computer', icon: IconCpu },
  { to: '/bundles', label: 'Bundles', icon: IconBox },
  { to: '/playground', label: 'Playground', icon: IconPlayerPlay },
  { to: '/trials', label: 'Trials', icon: IconScale },
  { to: '/devices', label: 'Devices', icon: IconDeviceDesktop },
  { to: '/deployments', label: 'Deployments', icon: IconSend },
  { to: '/activity', label: 'Activity', icon: IconActivity },
  { to: '/settings', label: 'Settings', icon: IconSettings },
] as const;

export function Rail() {
  return (
    <nav aria-label="Screens" className={styles.rail}>
      <p className={styles.name}>
        <span className={styles.mark} aria-hidden />
        <span className={styles.label}>Edgewright</span>
      </p>
      <ul>
        {SCREENS.map(({ to, label, icon: Icon }) => (
          <li key={to}>
            <Tooltip label={label} position="right" classNames={{ tooltip: styles.tip ?? '' }}>
              <Link to={to} className={styles.link} activeOptions={{ exact: to === '/' }} aria-label={label}>
                <Icon size={18} stroke={1.6} aria-hidden />
                <span className={styles.label}>{label}</span>
              </Link>
            </Tooltip>
          </li>
        ))}
      </ul>
    </nav>
  );
}
