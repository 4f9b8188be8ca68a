/** Unpacks Chromium, its fonts and libraries to the folder named by TMPDIR, which is where the package puts them. Run by test/e2e/browser.ts. */
import { join } from 'node:path';
import chromium, { inflate } from '@sparticuz/chromium';

await chromium.executablePath();
await inflate(join(import.meta.dirname, 'node_modules', '@sparticuz', 'chromium', 'bin', 'al2023.tar.br'));
