/** Every address of the screens. The engine's links (of jobs and of the audit log) are paths from this table. */
import { createHashHistory, createRootRoute, createRoute, createRouter } from '@tanstack/react-router';
import { Frame } from './frame/frame.tsx';
import { NotFound, RouteFailed } from './frame/not-found.tsx';
import { ActivityScreen } from './screens/activity/activity-screen.tsx';
import { BundlePage } from './screens/bundles/bundle-page.tsx';
import { BundlesScreen } from './screens/bundles/bundles-screen.tsx';
import { ComputerScreen } from './screens/computer/computer-screen.tsx';
import { DeploymentPage } from './screens/deployments/deployment-page.tsx';
import { DeploymentsScreen } from './screens/deployments/deployments-screen.tsx';
import { NewDeploymentScreen } from './screens/deployments/new-deployment-screen.tsx';
import { DevicePage } from './screens/devices/device-page.tsx';
import { DevicesScreen } from './screens/devices/devices-screen.tsx';
import { HomeScreen } from './screens/home/home-screen.tsx';
import { PlaygroundScreen } from './screens/playground/playground-screen.tsx';
import { SettingsScreen } from './screens/settings/settings-screen.tsx';
import { TrialPage } from './screens/trials/trial-page.tsx';
import { TrialsScreen } from './screens/trials/trials-screen.tsx';

/** The named texts that the address has, and nothing else: it is typed by people. */
function texts<Key extends string>(...keys: Key[]): (search: Record<string, unknown>) => { [key in Key]?: string } {
  return (search) => {
    const found: { [key in Key]?: string } = {};
    for (const key of keys) {
      const value = search[key];
      if (typeof value === 'string' && value !== '') found[key] = value;
    }
    return found;
  };
}

const root = createRootRoute({ component: Frame, notFoundComponent: NotFound, errorComponent: RouteFailed });
const getParentRoute = () => root;

const routes = root.addChildren([
  createRoute({ getParentRoute, path: '/', component: HomeScreen }),
  createRoute({ getParentRoute, path: '/computer', component: ComputerScreen }),
  createRoute({ getParentRoute, path: '/bundles', component: BundlesScreen }),
  createRoute({ getParentRoute, path: '/bundles/$ref', component: BundlePage }),
  createRoute({ getParentRoute, path: '/playground', component: PlaygroundScreen, validateSearch: texts('ref', 'variant') }),
  createRoute({ getParentRoute, path: '/trials', component: TrialsScreen, validateSearch: texts('new') }),
  createRoute({ getParentRoute, path: '/trials/$id', component: TrialPage }),
  createRoute({ getParentRoute, path: '/devices', component: DevicesScreen }),
  createRoute({ getParentRoute, path: '/devices/$name', component: DevicePage }),
  createRoute({ getParentRoute, path: '/deployments', component: DeploymentsScreen }),
  createRoute({ getParentRoute, path: '/deployments/new', component: NewDeploymentScreen, validateSearch: texts('ref', 'variant', 'device') }),
  createRoute({ getParentRoute, path: '/deployments/$id', component: DeploymentPage }),
  createRoute({ getParentRoute, path: '/activity', component: ActivityScreen, validateSearch: texts('view') }),
  createRoute({ getParentRoute, path: '/settings', component: SettingsScreen }),
]);

export const router = createRouter({ routeTree: routes, history: createHashHistory(), defaultPreload: false, scrollRestoration: false });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
