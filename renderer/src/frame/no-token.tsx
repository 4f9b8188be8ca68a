import styles from './no-token.module.css';

/** Shown when the page was opened without this launch's link, or with one of an earlier launch. */
export function NoToken({ refused = false }: { refused?: boolean }) {
  return (
    <main className={styles.page}>
      <h1>{refused ? 'This link is of an earlier start' : 'Open the link that npm start printed'}</h1>
      <p>
        {refused
          ? 'The engine was started again since and gave out a new link. Open the one that npm start printed last.'
          : 'Edgewright answers only to the window that was opened with its link, so that no other page or program on this computer can use it.'}
      </p>
      <p>In the terminal where Edgewright runs, look for the line</p>
      <pre>Edgewright ready: http://127.0.0.1:PORT/#TOKEN</pre>
      <p>and open the whole of it, with everything after the #.</p>
    </main>
  );
}
