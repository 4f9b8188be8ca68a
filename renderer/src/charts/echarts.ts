/** The few parts of ECharts that the screens use, drawn as SVG. Imported only where a chart is shown. */
import { CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import { AriaComponent, GridComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { type ECharts, type EChartsCoreOption, init, use as register } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

register([ScatterChart, LineChart, CustomChart, GridComponent, MarkLineComponent, TooltipComponent, AriaComponent, SVGRenderer]);

export type { ECharts, EChartsCoreOption };

export function startChart(element: HTMLElement): ECharts {
  return init(element, null, { renderer: 'svg' });
}

/** Reads a token as a colour that ECharts understands, in the scheme that is shown. */
export function tokenColor(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

/** Pixels of a saved PNG for one of the screen. */
const PNG_SCALE = 2;

/** The chart as a PNG, on the surface it is shown on. */
export async function toPng(chart: ECharts): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([chart.renderToSVGString()], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = chart.getWidth() * PNG_SCALE;
    canvas.height = chart.getHeight() * PNG_SCALE;
    const context = canvas.getContext('2d');
    if (!context) throw new Error('This browser gives no canvas to draw the chart on.');
    context.fillStyle = tokenColor('--surface-0');
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The chart could not be written as PNG.'))), 'image/png');
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
