/** What a detector found, drawn over the picture it was given, and as a table; one shows which is which in the other. */
import { type ReactNode, useState } from 'react';
import type { Answer } from '#contract';
import { columnPercent, count, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import styles from './boxes.module.css';
import playground from './playground.module.css';

type BoxesAnswer = Extract<Answer, { kind: 'boxes' }>;
type Box = BoxesAnswer['boxes'][number];
type Size = NonNullable<BoxesAnswer['image']>;

/** Colours there are for classes; more classes begin anew, and each box names its own. */
const COLOURS = 6;
/** Boxes with their names in the picture; more would hide it, and stand in the table. */
const NAMED = 60;

function keyOf(box: Box, i: number): string {
  return `${i} ${box.index}`;
}

/** @param picture the image as it was given, as an address; without it the table stands alone */
export function Boxes({ answer, picture }: { answer: BoxesAnswer; picture: string | undefined }): ReactNode {
  const [lit, setLit] = useState<number>();
  return (
    <>
      {picture !== undefined && answer.image && <Picture src={picture} size={answer.image} boxes={answer.boxes} lit={lit} onLit={setLit} />}
      {answer.boxes.length === 0 ? <p className="dim">Nothing was found.</p> : <BoxTable boxes={answer.boxes} lit={lit} onLit={setLit} />}
    </>
  );
}

interface PictureProps {
  src: string;
  size: Size;
  boxes: readonly Box[];
  lit: number | undefined;
  onLit: (box: number | undefined) => void;
}

function Picture({ src, size, boxes, lit, onLit }: PictureProps) {
  // Some recipes turn a photo as its file says, some take it as it lies; the corners are in what the recipe took.
  const [asItLies, setAsItLies] = useState(false);
  const across = (x: number): string => `${(Math.min(Math.max(x / size.width, 0), 1) * 100).toFixed(3)}%`;
  const down = (y: number): string => `${(Math.min(Math.max(y / size.height, 0), 1) * 100).toFixed(3)}%`;
  return (
    <div className={styles.frame} style={{ aspectRatio: `${size.width} / ${size.height}`, maxWidth: `calc(52vh * ${size.width / size.height})` }}>
      <img
        src={src}
        alt={`The picture that was given, ${plural(boxes.length, 'thing')} found in it`}
        style={asItLies ? { imageOrientation: 'none' } : undefined}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => {
          if (naturalWidth === size.height && naturalHeight === size.width && size.width !== size.height) setAsItLies(true);
        }}
      />
      {boxes.map((box, i) => {
        const dimmed = lit !== undefined && lit !== i;
        return (
          <div
            key={keyOf(box, i)}
            aria-hidden
            className={[styles.box, styles[`mark${(box.index % COLOURS) + 1}`], dimmed && styles.dimmed, lit === i && styles.lit].filter(Boolean).join(' ')}
            style={{ left: across(box.left), top: down(box.top), right: across(size.width - box.right), bottom: down(size.height - box.bottom) }}
            onPointerEnter={() => onLit(i)}
            onPointerLeave={() => onLit(undefined)}
          >
            {(i < NAMED || lit === i) && (
              <span className={placeOf(box, size)}>
                <bdi>{plainName(box.label)}</bdi>
                <span>{columnPercent(box.score)}</span>
              </span>
            )}
          </div>
        );
      })}
    </div>
  );
}

/** A name stands above its box, or inside where the picture ends; from the side of the box that leaves it more room. */
function placeOf(box: Box, size: Size): string {
  const inside = box.top / size.height < 0.08;
  const fromRight = box.left + box.right > size.width;
  return [styles.name, inside && styles.inside, fromRight && styles.fromRight].filter(Boolean).join(' ');
}

function BoxTable({ boxes, lit, onLit }: Omit<PictureProps, 'src' | 'size'>) {
  return (
    <div className={playground.wide}>
      <table className={playground.grid} aria-label="What was found">
        <thead>
          <tr>
            <th scope="col">Found</th>
            {['Score', 'Left, px', 'Top, px', 'Width, px', 'Height, px'].map((head) => (
              <th key={head} scope="col" className="num">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {boxes.map((box, i) => (
            <tr key={keyOf(box, i)} className={lit === i ? styles.litRow : undefined} onPointerEnter={() => onLit(i)} onPointerLeave={() => onLit(undefined)}>
              <th scope="row" title={plainName(box.label)}>
                <button type="button" className={styles.pick} onFocus={() => onLit(i)} onBlur={() => onLit(undefined)}>
                  <span className={`${styles.swatch} ${styles[`mark${(box.index % COLOURS) + 1}`]}`} aria-hidden />
                  <bdi>{plainName(box.label)}</bdi>
                </button>
              </th>
              <td className="num">{columnPercent(box.score)}</td>
              {[box.left, box.top, box.right - box.left, box.bottom - box.top].map((value, corner) => (
                // The four numbers are told apart by their place alone.
                <td key={corner} className="num">
                  {count(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
