/** A chart's place on a screen: drawn again when its data, its size or the colour scheme change. */
import { useMantineColorScheme } from '@mantine/core';
import { type RefObject, useEffect, useRef } from 'react';
import { type ECharts, type EChartsCoreOption, startChart } from './echarts.ts';

interface Props {
  /** Colours are read when it is called. */
  option: () => EChartsCoreOption;
  /** For saving what is drawn. */
  chart: RefObject<ECharts | null>;
  className: string | undefined;
}

/** @param props.option must stay the same function as long as the data do */
export function Plot({ option, chart, className }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const { colorScheme } = useMantineColorScheme();
  useEffect(() => {
    if (!element.current) return;
    const started = startChart(element.current);
    chart.current = started;
    const observer = new ResizeObserver(() => started.resize());
    observer.observe(element.current);
    return () => {
      observer.disconnect();
      started.dispose();
      chart.current = null;
    };
  }, [chart]);
  useEffect(() => {
    // The colours are read anew when the scheme changes, be it by a setting or by the system.
    const draw = (): void => chart.current?.setOption(option(), { notMerge: true });
    draw();
    const system = window.matchMedia('(prefers-color-scheme: dark)');
    const later = (): number => requestAnimationFrame(draw);
    system.addEventListener('change', later);
    const frame = later();
    return () => {
      system.removeEventListener('change', later);
      cancelAnimationFrame(frame);
    };
  }, [option, chart, colorScheme]);
  return <div ref={element} className={className} />;
}
