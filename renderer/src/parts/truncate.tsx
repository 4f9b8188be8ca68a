/** Text that is cut where it does not fit; the whole of it on hover and on focus. */
import { Tooltip } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import styles from './truncate.module.css';

export function Truncate({ text, mono = false }: { text: string; mono?: boolean }) {
  const box = useRef<HTMLSpanElement>(null);
  const [cut, setCut] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void => setCut(element.scrollWidth > element.clientWidth + 1);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [text]);
  return (
    <Tooltip label={text} disabled={!cut}>
      <span ref={box} className={mono ? `${styles.cut} mono` : styles.cut} {...(cut && { tabIndex: 0, 'data-cut': true })}>
        {text}
      </span>
    </Tooltip>
  );
}
