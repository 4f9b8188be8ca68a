import { IconEraser } from '@tabler/icons-react';
import { type PointerEvent, useEffect, useRef, useState } from 'react';
import { Button } from '../../parts/button.tsx';
import { exportDrawing, paint, type Point } from './drawing.ts';
import styles from './playground.module.css';

/** Side of the drawing surface in its own pixels; on screen it is scaled to its place. */
const SIDE = 560;
const PEN = 52;
/** Points nearer than this to the one before are left out. */
const NEAR = 3;

/** Draw with mouse, pen or finger; each stroke that ends asks the model. The keyboard's way are the examples beside it. */
export function DrawPad({ onDrawn, onCleared }: { onDrawn: (pngBase64: string) => void; onCleared: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const strokes = useRef<Point[][]>([]);
  const [empty, setEmpty] = useState(true);

  const redraw = (): void => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.fillStyle = '#000';
    context.fillRect(0, 0, SIDE, SIDE);
    paint(context, strokes.current, PEN);
  };
  useEffect(redraw, []);

  const at = (event: PointerEvent<HTMLCanvasElement>): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * SIDE, y: ((event.clientY - box.top) / box.height) * SIDE };
  };
  const begin = (event: PointerEvent<HTMLCanvasElement>): void => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    strokes.current.push([at(event)]);
    setEmpty(false);
    redraw();
  };
  const move = (event: PointerEvent<HTMLCanvasElement>): void => {
    const stroke = strokes.current.at(-1);
    const last = stroke?.at(-1);
    if (!stroke || !last || !event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const point = at(event);
    if (Math.hypot(point.x - last.x, point.y - last.y) < NEAR) return;
    stroke.push(point);
    redraw();
  };
  const end = (): void => {
    const png = exportDrawing(strokes.current);
    if (png !== undefined) onDrawn(png);
  };
  const clear = (): void => {
    strokes.current = [];
    setEmpty(true);
    redraw();
    onCleared();
  };

  return (
    <div className={styles.pad}>
      <div className={styles.surface}>
        <canvas
          ref={canvas}
          width={SIDE}
          height={SIDE}
          role="img"
          aria-label="Drawing surface. Draw one digit with mouse, pen or finger; with the keyboard, choose an example below."
          onPointerDown={begin}
          onPointerMove={move}
          onPointerUp={end}
          onPointerCancel={end}
        />
        {empty && (
          <p className={styles.invite} aria-hidden>
            Draw one digit, large
          </p>
        )}
      </div>
      <Button kind="quiet" icon={<IconEraser size={14} aria-hidden />} disabled={empty} onClick={clear}>
        Clear the drawing
      </Button>
    </div>
  );
}
