import { IconPhoto } from '@tabler/icons-react';
import styles from './picture.module.css';

/** Where a picture is dropped, and the one that was given; the button to choose one stands below. */
export function PictureDrop({ picture, name }: { picture: string | undefined; name: string | undefined }) {
  return (
    <div className={styles.place}>
      {picture === undefined ? (
        <p>
          <IconPhoto size={24} stroke={1.5} aria-hidden />
          Drop a picture here
        </p>
      ) : (
        <img src={picture} alt={name === undefined ? 'The picture that was given' : `The picture that was given: ${name}`} />
      )}
    </div>
  );
}
