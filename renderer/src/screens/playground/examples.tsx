import { useQueries } from '@tanstack/react-query';
import { orpc } from '../../lib/engine.ts';
import { plainName } from '../../lib/plain-name.ts';
import styles from './playground.module.css';

/** Examples fetched to be looked at; the rest is chosen by name. */
const LOOKED_AT = 24;

interface Props {
  bundleRef: string;
  names: readonly string[];
  chosen: string | undefined;
  onChoose: (name: string) => void;
}

/** The examples that travel in the bundle, as buttons: reached and chosen with the keyboard. */
export function Examples({ bundleRef, names, chosen, onChoose }: Props) {
  const shown = names.slice(0, LOOKED_AT);
  const images = useQueries({ queries: shown.map((name) => orpc.inference.example.queryOptions({ input: { ref: bundleRef, name } })) });
  return (
    <div className={styles.examples}>
      <h2>Examples in the bundle</h2>
      <ul>
        {names.map((name, index) => {
          const image = images[index]?.data;
          return (
            <li key={name}>
              <button
                type="button"
                aria-pressed={chosen === name}
                onClick={() => onChoose(name)}
                title={plainName(name)}
                className={image && !image.mediaType.startsWith('image/') ? styles.byName : undefined}
              >
                {image?.mediaType.startsWith('image/') ? (
                  <img src={`data:${image.mediaType};base64,${image.base64}`} alt={name} width={40} height={40} />
                ) : (
                  plainName(name.split('/').at(-1) ?? name)
                )}
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
