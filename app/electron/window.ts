/** How the window and its menu are made, as data. */
import type { BrowserWindowConstructorOptions, MenuItemConstructorOptions } from 'electron';

/** @param options.debug developer tools are there in a checkout only */
export function windowOptions(options: { preload: string; debug: boolean }): BrowserWindowConstructorOptions {
  return {
    title: 'Edgewright',
    width: 1440,
    height: 900,
    minWidth: 800,
    minHeight: 560,
    // Shown once drawn, so that no white frame flashes.
    show: false,
    backgroundColor: '#1a1b1e',
    webPreferences: {
      preload: options.preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      spellcheck: false,
      navigateOnDragDrop: false,
      safeDialogs: true,
      devTools: options.debug,
    },
  };
}

/** A menu of standard roles only. No reload: the token leaves the address once it is read, and a reload would come without it. */
export function menuTemplate(options: { platform: NodeJS.Platform; debug: boolean }): MenuItemConstructorOptions[] {
  const mac = options.platform === 'darwin';
  return [
    ...(mac ? [{ role: 'appMenu' } as const] : []),
    { label: '&File', submenu: [mac ? { role: 'close' } : { role: 'quit' }] },
    { role: 'editMenu' },
    {
      label: '&View',
      submenu: [
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
        ...(options.debug ? [{ role: 'toggleDevTools' } as const] : []),
      ],
    },
    { role: 'windowMenu' },
  ];
}
