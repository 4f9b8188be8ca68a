import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import './styles/tokens.css';
import './styles/base.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { openEngine } from './lib/engine.ts';
import { takeToken, watchForNewToken } from './lib/token.ts';
import { holdDrops } from './lib/use-file-drop.ts';

const token = takeToken();
watchForNewToken();
holdDrops();
if (token !== undefined) openEngine(token);

const root = document.getElementById('root');
if (!root) throw new Error('The page has no #root element.');
createRoot(root).render(<App hasToken={token !== undefined} />);
