/** Every address of the screens, apart from what is shown there. The engine's links (of jobs and of the audit log) are paths from this table. */
import { createHashHistory, createRootRoute, createRoute, createRouter } from '@tanstack/react-router';

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

export const rootRoute = createRootRoute();

export const homeRoute = createRoute({ getParentRoute: () => rootRoute, path: '/' });
export const computerRoute = createRoute({ getParentRoute: () => rootRoute, path: '/computer' });
export const bundlesRoute = createRoute({ getParentRoute: () => rootRoute, path: '/bundles', validateSearch: texts('add') });
export const bundleRoute = createRoute({ getParentRoute: () => rootRoute, path: '/bundles/$ref' });
export const modelRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/bundles/model',
  validateSearch: texts('ref', 'view', 'node', 'graph', 'part', 'hops'),
});
export const playgroundRoute = createRoute({ getParentRoute: () => rootRoute, path: '/playground', validateSearch: texts('ref', 'variant') });
export const trialsRoute = createRoute({ getParentRoute: () => rootRoute, path: '/trials', validateSearch: texts('new') });
export const trialRoute = createRoute({ getParentRoute: () => rootRoute, path: '/trials/$id' });
export const devicesRoute = createRoute({ getParentRoute: () => rootRoute, path: '/devices' });
export const deviceRoute = createRoute({ getParentRoute: () => rootRoute, path: '/devices/$name' });
export const deploymentsRoute = createRoute({ getParentRoute: () => rootRoute, path: '/deployments' });
export const newDeploymentRoute = createRoute({ getParentRoute: () => rootRoute, path: '/deployments/new', validateSearch: texts('ref', 'variant', 'device') });
export const deploymentRoute = createRoute({ getParentRoute: () => rootRoute, path: '/deployments/$id' });
export const activityRoute = createRoute({ getParentRoute: () => rootRoute, path: '/activity', validateSearch: texts('view') });
export const settingsRoute = createRoute({ getParentRoute: () => rootRoute, path: '/settings' });

const routeTree = rootRoute.addChildren([
  homeRoute,
  computerRoute,
  bundlesRoute,
  bundleRoute,
  modelRoute,
  playgroundRoute,
  trialsRoute,
  trialRoute,
  devicesRoute,
  deviceRoute,
  deploymentsRoute,
  newDeploymentRoute,
  deploymentRoute,
  activityRoute,
  settingsRoute,
]);

export const router = createRouter({
  routeTree,
  history: createHashHistory(),
  defaultPreload: false,
  scrollRestoration: false,
  // What was typed, opened or found on the page of one thing does not belong to the next one.
  defaultRemountDeps: ({ params }) => params,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
