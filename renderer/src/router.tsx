/** What is shown at each address. Apart from the addresses themselves, so that the screens may know those without a circle. */
import { Frame } from './frame/frame.tsx';
import { NotFound, RouteFailed } from './frame/not-found.tsx';
import {
  activityRoute,
  bundleRoute,
  bundlesRoute,
  computerRoute,
  deploymentRoute,
  deploymentsRoute,
  deviceRoute,
  devicesRoute,
  homeRoute,
  modelRoute,
  newDeploymentRoute,
  playgroundRoute,
  rootRoute,
  router,
  settingsRoute,
  trialRoute,
  trialsRoute,
} from './routes.ts';
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
import { ModelPage } from './screens/model/model-page.tsx';
import { PlaygroundScreen } from './screens/playground/playground-screen.tsx';
import { SettingsScreen } from './screens/settings/settings-screen.tsx';
import { TrialPage } from './screens/trials/trial-page.tsx';
import { TrialsScreen } from './screens/trials/trials-screen.tsx';

rootRoute.update({ component: Frame, notFoundComponent: NotFound, errorComponent: RouteFailed });

homeRoute.update({ component: HomeScreen });
computerRoute.update({ component: ComputerScreen });
bundlesRoute.update({ component: BundlesScreen });
bundleRoute.update({ component: BundlePage });
modelRoute.update({ component: ModelPage });
playgroundRoute.update({ component: PlaygroundScreen });
trialsRoute.update({ component: TrialsScreen });
trialRoute.update({ component: TrialPage });
devicesRoute.update({ component: DevicesScreen });
deviceRoute.update({ component: DevicePage });
deploymentsRoute.update({ component: DeploymentsScreen });
newDeploymentRoute.update({ component: NewDeploymentScreen });
deploymentRoute.update({ component: DeploymentPage });
activityRoute.update({ component: ActivityScreen });
settingsRoute.update({ component: SettingsScreen });

export { router };
