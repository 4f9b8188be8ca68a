import { startWorkspace, openWindow } from '/work/wt/lead/test/e2e/workspace.ts';
import { launchBrowser } from '/work/wt/lead/test/e2e/browser.ts';
const steps = process.argv.slice(2);
const ws = await startWorkspace('shots'); const browser = await launchBrowser();
try {
  for (const [scheme,w] of [['light',1280],['dark',1000]]) {
    const { page, complaints } = await openWindow(browser, ws.link, { colorScheme: scheme, viewport: { width: w, height: 800 } });
    const base = page.url().split('#')[0];
    const go = async (hash, name, wait=1500) => { await page.evaluate((h)=>{ location.hash=h; }, hash); await page.waitForTimeout(wait); await page.screenshot({ path: `/tmp/shot-${name}-${scheme}.png` }); };
    await page.waitForTimeout(3000);
    const M='/work/shared/fixtures/mobilenetv2_digits_torch/model.onnx'; const T='/work/shared/fixtures/hostile/ten_thousand_nodes.onnx'; const L='/work/shared/fixtures/docs_llm_torch/model.onnx';
    const q=(o)=>'#/model?'+new URLSearchParams(Object.entries(o).map(([k,v])=>[k,JSON.stringify(v)])).toString();
    await go(q({ref:M}),'ov');
    await go(q({ref:M,view:'graph'}),'graph',4000);
    await go(q({ref:M,view:'nodes'}),'nodes');
    await go(q({ref:M,view:'tensors'}),'tensors');
    await page.getByRole('row').nth(2).click().catch(()=>{}); await page.waitForTimeout(1500); await page.screenshot({ path:`/tmp/shot-tensor-${scheme}.png`});
    await go(q({ref:T,view:'graph'}),'tenk',5000);
    await go(q({ref:L,view:'graph'}),'llm',5000);
    await go(q({ref:M,view:'graph',node:'0.20'}),'around',4000);
    console.log(scheme, complaints);
    await page.context().close();
  }
} finally { await browser.close(); await ws.stop(); }
