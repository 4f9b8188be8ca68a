import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * Builds the screens to dist/renderer. Nothing is inlined into the page, so that the server's strict content security
 * policy (script-src 'self'; style-src 'self' and one nonce) holds without exceptions.
 */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL('../dist/renderer', import.meta.url)),
    emptyOutDir: true,
    target: 'chrome130',
    cssTarget: 'chrome130',
    sourcemap: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Loaded from this computer: size matters less than few parts. The chart chunk is ECharts, loaded only where a chart is shown.
    chunkSizeWarningLimit: 1200,
  },
});
